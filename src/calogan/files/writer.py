"""Writing showers in the HDF5 layout of the CaloGAN paper: see `calogan.files.paper`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import Calorimeter
from calogan.errors import CalorimeterError, ShowerFileError
from calogan.files.output import PatientFile, whole_file
from calogan.incident import GUN_POSITION_MM, Incident, particle_name
from calogan.showers import Showers

__all__ = ["BEAM", "ShowerWriter", "write_showers"]

BEAM = {"position": GUN_POSITION_MM, "direction": (0.0, 0.0, 1.0)}
"""The paper's beam [mm]: a file without these data sets has it."""


def _arrays(showers: Showers) -> dict[str, NDArray[np.float32]]:
    """Data sets of the showers, by their name in the file."""
    layers = {f"layer_{k}": layer for k, layer in enumerate(showers.layers)}
    return {**layers, "overflow": showers.overflow}


class ShowerWriter:
    """Writes showers piece by piece to a file that appears when all of it is there.

    Args:
        path: The file to make; an existing one is replaced at the end.
        calorimeter: Calorimeter of all showers.
        n_views: Further readings that every shower has (`Showers.views`).
        made_with: Whatever reproduces the file, JSON-like: configuration, versions, seed.
    """

    def __init__(
        self,
        path: str | Path,
        calorimeter: Calorimeter,
        made_with: Mapping[str, Any],
        *,
        n_views: int = 0,
    ) -> None:
        self.path = Path(path)
        self.calorimeter = calorimeter
        self.made_with = dict(made_with)
        self.n_views = n_views
        self._pdgids: set[int] = set()
        self._stack = ExitStack()
        self._incidents: list[Incident] = []

    def __enter__(self) -> Self:
        """Open the temporary file."""
        with ExitStack() as stack:
            part = stack.enter_context(whole_file(self.path))
            self._disk = stack.enter_context(PatientFile(part, "w+"))
            stack.callback(self._disk.check)
            self._file = stack.enter_context(h5py.File(self._disk, "w"))
            for k, shape in enumerate(self.calorimeter.layer_shapes):
                self._dataset(f"layer_{k}", shape)
            self._dataset("overflow", (len(self.calorimeter.layers),))
            if self.n_views:
                for k, shape in enumerate(self.calorimeter.layer_shapes):
                    self._dataset(f"views/layer_{k}", (self.n_views, *shape))
                self._dataset("views/overflow", (self.n_views, len(self.calorimeter.layers)))
            self._stack = stack.pop_all()
        return self

    def _dataset(self, name: str, shape: tuple[int, ...]) -> None:
        rows = max(1, min(1024, 2**20 // (4 * int(np.prod(shape)))))
        self._file.create_dataset(
            name,
            shape=(0, *shape),
            maxshape=(None, *shape),
            chunks=(rows, *shape),
            dtype=np.float32,
            compression="gzip",
            compression_opts=4,
            shuffle=True,
        )

    def append(self, showers: Showers) -> None:
        """Add showers at the end."""
        if showers.calorimeter != self.calorimeter:
            msg = f"{self.path}: showers of another calorimeter ({showers.calorimeter.name})"
            raise CalorimeterError(msg)
        if len(showers.views) != self.n_views:
            msg = f"{self.path}: showers with {len(showers.views)} views, not {self.n_views}"
            raise ShowerFileError(msg)
        for name, values in _arrays(showers).items():
            self._extend(name, values)
        if showers.views:
            views = [_arrays(view) for view in showers.views]
            for name in views[0]:
                self._extend(f"views/{name}", np.stack([view[name] for view in views], axis=1))
        self._incidents.append(showers.incident)
        self._disk.check()

    def _extend(self, name: str, values: NDArray[np.float32]) -> None:
        dataset = self._file[name]
        dataset.resize(len(dataset) + len(values), axis=0)
        dataset[len(dataset) - len(values) :] = values

    def _finish(self) -> None:
        incident = Incident.concatenate(self._incidents) if self._incidents else None
        energy = incident.energy_gev if incident else np.empty(0)
        self._file["energy"] = energy[:, None].astype(np.float32)
        pdgids = sorted({int(i) for i in incident.pdgid}) if incident else []
        if incident and len(pdgids) > 1:
            self._file["pdgid"] = incident.pdgid
        for name, usual in BEAM.items():
            values = getattr(incident, "position_mm" if name == "position" else name, None)
            if values is not None and not np.array_equal(
                values, np.broadcast_to(usual, values.shape)
            ):
                self._file[name] = values
        self._file.attrs["particle"] = ",".join(particle_name(i) for i in pdgids)
        self._file.attrs["calorimeter"] = self.calorimeter.model_dump_json()
        self._file.attrs["made_with"] = json.dumps(self.made_with, sort_keys=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Finish and rename the file, or remove it after an error."""
        with self._stack as stack:
            if error is None:
                self._finish()
            else:
                stack.__exit__(kind, error, traceback)


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
