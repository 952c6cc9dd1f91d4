"""Writing showers in the HDF5 layout of the CaloGAN paper: see `calogan.files.paper`."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import Calorimeter
from calogan.errors import CalorimeterError, ShowerFileError
from calogan.files.compressed import GrowingDataset
from calogan.files.hdf5 import BEAM
from calogan.files.metadata import describe
from calogan.files.output import PatientFile, PiecewiseFile, whole_file
from calogan.incident import Incident
from calogan.showers import Showers

__all__ = ["ShowerWriter", "write_showers"]


def _arrays(showers: Showers) -> dict[str, NDArray[np.float32]]:
    """Data sets of the showers, by their name in the file."""
    layers = {f"layer_{k}": layer for k, layer in enumerate(showers.layers)}
    return {**layers, "overflow": showers.overflow}


class ShowerWriter(PiecewiseFile):
    """Writes showers piece by piece to a file that appears when all of it is there.

    Args:
        path: The file to make; an existing one is replaced at the end.
        calorimeter: Calorimeter of all showers.
        n_views: Further readings that every shower has (`Showers.views`).
        made_with: Whatever reproduces the file, JSON-like: configuration, versions, seed.
        exact_energies: Write incident energies as doubles where float32 would round them.
    """

    def __init__(
        self,
        path: str | Path,
        calorimeter: Calorimeter,
        made_with: Mapping[str, Any],
        *,
        n_views: int = 0,
        exact_energies: bool = False,
    ) -> None:
        self.path = Path(path)
        self.calorimeter = calorimeter
        self.made_with = dict(made_with)
        self.n_views = n_views
        self.exact_energies = exact_energies
        self._stack = ExitStack()
        self._incidents: list[Incident] = []
        self._columns: dict[str, GrowingDataset] = {}

    def __enter__(self) -> Self:
        """Open the temporary file."""
        with ExitStack() as stack:
            part = stack.enter_context(whole_file(self.path))
            self._disk = stack.enter_context(PatientFile(part, "w+"))
            stack.callback(self._disk.check)
            self._file = stack.enter_context(h5py.File(self._disk, "w"))
            shapes: dict[str, tuple[int, ...]] = {
                **{f"layer_{k}": shape for k, shape in enumerate(self.calorimeter.layer_shapes)},
                "overflow": (len(self.calorimeter.layers),),
            }
            if self.n_views:
                shapes |= {f"views/{name}": (self.n_views, *s) for name, s in shapes.items()}
            self._columns = {
                name: GrowingDataset(self._file, name, shape, np.float32)
                for name, shape in shapes.items()
            }
            self._stack = stack.pop_all()
        return self

    def append(self, showers: Showers) -> None:
        """Add showers at the end."""
        if showers.calorimeter != self.calorimeter:
            msg = f"{self.path}: showers of another calorimeter ({showers.calorimeter.name})"
            raise CalorimeterError(msg)
        if len(showers.views) != self.n_views:
            msg = f"{self.path}: showers with {len(showers.views)} views, not {self.n_views}"
            raise ShowerFileError(msg)
        for name, values in _arrays(showers).items():
            self._columns[name].append(values)
        if showers.views:
            views = [_arrays(view) for view in showers.views]
            for name in views[0]:
                stacked = np.stack([view[name] for view in views], axis=1)
                self._columns[f"views/{name}"].append(stacked)
        self._incidents.append(showers.incident)
        self._disk.check()

    def _finish(self) -> None:
        for column in self._columns.values():
            column.finish()
        incident = Incident.concatenate(self._incidents) if self._incidents else None
        energy = incident.energy_gev if incident else np.empty(0)
        rounded = energy.astype(np.float32)
        lossy = self.exact_energies and not np.array_equal(rounded, energy)
        self._file["energy"] = (energy if lossy else rounded)[:, None]
        pdgids = sorted({int(i) for i in incident.pdgid}) if incident else []
        if incident and len(pdgids) > 1:
            self._file["pdgid"] = incident.pdgid
        for name, usual in BEAM.items():
            values = getattr(incident, "position_mm" if name == "position" else name, None)
            if values is not None and not np.array_equal(
                values, np.broadcast_to(usual, values.shape)
            ):
                self._file[name] = values
        self._file.attrs.update(describe(self.calorimeter, self.made_with, pdgids))


def write_showers(
    path: str | Path, showers: Showers, made_with: Mapping[str, Any] | None = None
) -> None:
    """Write showers to one file.

    Args:
        path: The file to make.
        showers: The showers.
        made_with: What made them, kept in the file.

    Raises:
        OutputError: The file cannot be written; no partial file stays behind.
    """
    n_views = len(showers.views)
    with ShowerWriter(path, showers.calorimeter, made_with or {}, n_views=n_views) as writer:
        writer.append(showers)
