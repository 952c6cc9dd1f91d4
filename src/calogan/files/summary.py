"""What is in a file of showers, told without reading its showers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calogan.calorimeter import Calorimeter
from calogan.errors import ShowerFileError
from calogan.files.calochallenge import CaloChallengeFile
from calogan.files.formats import Format, ShowerReader, open_showers_file
from calogan.files.reading import sha256
from calogan.incident import particle_name

__all__ = ["Range", "Summary", "summarise"]

Range = tuple[float, float]
"""Lowest and highest value."""

_PARTICLES_AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Summary:
    """What a file of showers holds.

    Args:
        path: The file.
        format: Its format.
        size_bytes: Its size.
        n_showers: Number of showers.
        particles: Names of the incident particles; empty if the file does not say.
        energy_gev: Incident energies [GeV]; None without showers.
        position_mm: Where the particles start, in x, y and z [mm]; None without showers.
        angle_deg: Angles between the direction of flight and the z axis [degrees].
        calorimeter: Name of the calorimeter; None if the file does not say.
        layers: Cells along the two axes of each readout layer; empty if unknown.
        n_cells: Number of cells.
        overflow: Whether the energy beside the cells is there.
        n_views: Further readings of each shower.
        made_with: What made the file: configuration, versions, seed.
        sha256: Checksum of the file, if it was asked for.
    """

    path: str
    format: Format
    size_bytes: int
    n_showers: int
    particles: tuple[str, ...]
    energy_gev: Range | None
    position_mm: tuple[Range, Range, Range] | None
    angle_deg: Range | None
    calorimeter: str | None
    layers: tuple[tuple[int, ...], ...]
    n_cells: int
    overflow: bool
    n_views: int
    made_with: dict[str, Any]
    sha256: str | None = None


def summarise(
    path: str | Path, calorimeter: Calorimeter | None = None, *, checksum: bool = False
) -> Summary:
    """Say what is in a file of any format: quick, for only the incident particles are read.

    Args:
        path: A file of showers.
        calorimeter: The calorimeter of a file that does not name it.
        checksum: Compute SHA-256 of the file, which reads all of it.

    Raises:
        ShowerFileError: The file is missing, foreign or damaged.
        MissingExtraError: ROOT, and uproot is not installed.
    """
    path = Path(path)
    with open_showers_file(path, calorimeter) as reader:
        pdgids, energy, position, angle = _incidents(reader)
        try:
            known = reader.calorimeter
        except ShowerFileError:  # of the CaloChallenge: its binning is in a file beside it
            known = None
        if known is None and isinstance(reader, CaloChallengeFile):
            n_cells = reader.n_voxels
        else:
            n_cells = known.n_cells if known else 0
        return Summary(
            path=str(path),
            format=reader.format,
            size_bytes=path.stat().st_size,
            n_showers=len(reader),
            particles=tuple(particle_name(i) for i in sorted(pdgids) if i),
            energy_gev=energy,
            position_mm=position,
            angle_deg=angle,
            calorimeter=known.name if known else None,
            layers=tuple(tuple(shape) for shape in known.layer_shapes) if known else (),
            n_cells=n_cells,
            overflow=reader.has_overflow,
            n_views=reader.n_views,
            made_with=reader.made_with,
            sha256=sha256(path) if checksum else None,
        )


def _incidents(
    reader: ShowerReader,
) -> tuple[set[int], Range | None, tuple[Range, Range, Range] | None, Range | None]:
    """PDG ids, and ranges of energy, position and angle, of all particles of a file."""
    pdgids: set[int] = set()
    low, high = np.full(5, np.inf), np.full(5, -np.inf)
    for start in range(0, len(reader), _PARTICLES_AT_ONCE):
        incident = reader.incident(start, start + _PARTICLES_AT_ONCE)
        pdgids |= {int(i) for i in np.unique(incident.pdgid)}
        # the angle from its sine and cosine: exact also where it is small
        u, v, w = incident.direction.T
        angle = np.degrees(np.arctan2(np.hypot(u, v), w))
        columns = (incident.energy_gev, *incident.position_mm.T, angle)
        low = np.minimum(low, [column.min() for column in columns])
        high = np.maximum(high, [column.max() for column in columns])
    if not len(reader):
        return pdgids, None, None, None
    energy, x, y, z, angles = [(float(a), float(b)) for a, b in zip(low, high, strict=True)]
    return pdgids, energy, (x, y, z), angles
