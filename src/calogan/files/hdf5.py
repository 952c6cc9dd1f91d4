"""What the HDF5 layouts have in common: opening them, and incident particles."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from calogan.errors import CaloganError, ShowerFileError
from calogan.files.reading import check_readable
from calogan.incident import GUN_POSITION_MM, Incident, pdg_id

__all__ = ["BEAM", "open_hdf5", "read_incident"]

BEAM = {"position": GUN_POSITION_MM, "direction": (0.0, 0.0, 1.0)}
"""The paper's beam [mm]: a file without these data sets has it."""


def open_hdf5(path: Path) -> h5py.File:
    """Open an HDF5 file for reading.

    Raises:
        ShowerFileError: No such file, or it is not HDF5, or truncated.
    """
    check_readable(path)
    try:
        return h5py.File(path, "r")
    except OSError as error:
        msg = f"{path} is not an HDF5 file, or it is truncated"
        raise ShowerFileError(msg) from error


def read_incident(
    file: Mapping[str, Any],
    path: Path,
    rows: slice,
    energy_gev: NDArray[np.float64],
    particle: str | None,
) -> Incident:
    """Read `pdgid`, `position` and `direction`, or put the usual in their place.

    Args:
        file: An open file.
        path: What to call it.
        rows: Which particles.
        energy_gev: Their energies, shape `(n,)` [GeV].
        particle: The particle of a file without `pdgid`; None if unknown.

    Raises:
        ShowerFileError: Energies or directions that no particle can have.
    """
    pdgid: Any = pdg_id(particle) if particle else 0
    if "pdgid" in file:
        pdgid = file["pdgid"][rows]
    beam = {name: file[name][rows] if name in file else usual for name, usual in BEAM.items()}
    try:
        return Incident.create(
            np.broadcast_to(pdgid, energy_gev.shape),
            energy_gev,
            position_mm=beam["position"],
            direction=beam["direction"],
        )
    except CaloganError as error:
        msg = f"{path}: {error}"
        raise ShowerFileError(msg) from error
