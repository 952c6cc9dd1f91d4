"""The HDF5 layout of the CaloGAN paper, which is the project's own.

`energy` (n, 1) [GeV]; `layer_0`, `layer_1`, ... (n, eta, phi) and `overflow` (n, layers) [MeV].
What the project adds is ignored by an old reader: `pdgid` (n,), `position` (n, 3) [mm] and
`direction` (n, 3) where they are not those of the paper's beam, and the attributes `particle`,
`calorimeter` (JSON) and `made_with` (JSON: configuration, versions, seed).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

import h5py
import numpy as np

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import CaloganError, ShowerFileError
from calogan.files.hdf5 import BEAM, open_hdf5, read_incident
from calogan.files.metadata import stated_calorimeter, stated_origin, stated_particle
from calogan.files.reading import as_float32, reading
from calogan.incident import Incident
from calogan.showers import Showers

__all__ = ["ShowerFile"]


class ShowerFile:
    """A file of showers, opened and checked, read piece by piece.

    Args:
        path: An HDF5 file in the layout of the paper.
        calorimeter: The calorimeter of a file that does not name it; the paper's unless given.

    Raises:
        ShowerFileError: No such file, not HDF5, a data set missing or of the wrong shape.
    """

    format: Final = "paper"

    def __init__(self, path: str | Path, calorimeter: Calorimeter | None = None) -> None:
        self.path = Path(path)
        self._file = open_hdf5(self.path)
        with ExitStack() as stack, reading(self.path):
            stack.callback(self._file.close)
            stated = stated_calorimeter(self._file.attrs.get("calorimeter"), self.path)
            # the published files, and those of other programs, do not state it
            self.calorimeter = stated or calorimeter or CALOGAN
            self._check()
            stack.pop_all()

    def _check(self) -> None:
        shapes: dict[str, tuple[int, ...]] = {"energy": (1,)}
        shapes |= {f"layer_{k}": s for k, s in enumerate(self.calorimeter.layer_shapes)}
        missing = [name for name in shapes if not isinstance(self._file.get(name), h5py.Dataset)]
        if missing:
            msg = f"{self.path} holds no data set {', '.join(missing)}: not a file of showers?"
            raise ShowerFileError(msg)
        optional: dict[str, tuple[int, ...]] = {
            "overflow": (len(self.calorimeter.layers),),  # absent from some published files
            "pdgid": (),
            **dict.fromkeys(BEAM, (3,)),
        }
        if "views" in self._file:
            first = self._file.get("views/layer_0")
            n_views = first.shape[1] if isinstance(first, h5py.Dataset) and first.ndim > 1 else 0
            optional |= {
                f"views/layer_{k}": (n_views, *shape)
                for k, shape in enumerate(self.calorimeter.layer_shapes)
            }
            optional["views/overflow"] = (n_views, len(self.calorimeter.layers))
            shapes |= {name: optional[name] for name in optional if name.startswith("views/layer_")}
        shapes |= {name: shape for name, shape in optional.items() if name in self._file}
        for name, shape in shapes.items():
            self._check_numbers(name, (len(self), *shape))

    def _check_numbers(self, name: str, shape: tuple[int, ...]) -> None:
        dataset = self._file.get(name)
        if not isinstance(dataset, h5py.Dataset):
            msg = f"{self.path}: {name} is no data set, expected numbers of shape {shape}"
            raise ShowerFileError(msg)
        if dataset.shape != shape or dataset.dtype.kind not in "fiu":
            found = f"{dataset.dtype} {dataset.shape}"
            msg = f"{self.path}: {name} is {found}, expected numbers of shape {shape}"
            raise ShowerFileError(msg)

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        """Number of showers."""
        shape = self._file["energy"].shape
        return int(shape[0]) if shape else 0

    @property
    def attributes(self) -> dict[str, Any]:
        """Attributes of the file."""
        return dict(self._file.attrs)

    @property
    def made_with(self) -> dict[str, Any]:
        """What made the file: configuration, versions, seed. Empty for a foreign file."""
        return stated_origin(self._file.attrs.get("made_with"))

    @property
    def has_overflow(self) -> bool:
        """Whether the file says what went beside the cells."""
        return "overflow" in self._file

    @property
    def stores_doubles(self) -> bool:
        """Whether its cells are doubles, which are rounded to float32 when they are read."""
        return bool(self._file["layer_0"].dtype.itemsize > 4)

    @property
    def n_views(self) -> int:
        """How many further readings of each shower the file holds in `views/layer_k`."""
        views = self._file.get("views/layer_0")
        return 0 if views is None else int(views.shape[1])

    def read(self, start: int = 0, stop: int | None = None, *, view: int = 0) -> Showers:
        """Read showers `start` to `stop`.

        Args:
            start: First shower.
            stop: One behind the last; all unless given.
            view: 0 is the shower; k > 0 its k-th further reading, turned around the beam axis.

        Raises:
            ShowerFileError: Energies that are NaN, infinite or negative; no such view.
        """
        rows = slice(start, stop)
        if not 0 <= view <= self.n_views:
            msg = f"{self.path} holds {self.n_views} views, not {view}"
            raise ShowerFileError(msg)
        names = [f"layer_{k}" for k in range(len(self.calorimeter.layers))]
        incident = self.incident(start, stop)
        with reading(self.path):
            layers = tuple(
                as_float32(self._file[name][rows])
                if view == 0
                else as_float32(self._file[f"views/{name}"][rows, view - 1])
                for name in names
            )
            if view and "views/overflow" in self._file:
                overflow = as_float32(self._file["views/overflow"][rows, view - 1])
            elif self.has_overflow:
                overflow = as_float32(self._file["overflow"][rows])
            else:
                overflow = np.zeros((len(layers[0]), len(names)), np.float32)
        try:
            return Showers(incident, layers, overflow, self.calorimeter)
        except CaloganError as error:
            msg = f"{self.path}: {error}"
            raise ShowerFileError(msg) from error

    def incident(self, start: int = 0, stop: int | None = None) -> Incident:
        """Read the incident particles `start` to `stop`, without their showers.

        Raises:
            ShowerFileError: Energies or directions that no particle can have.
        """
        rows = slice(start, stop)
        with reading(self.path):
            energy = self._file["energy"][rows, 0].astype(np.float64)
            return read_incident(self._file, self.path, rows, energy, self.particle)

    @property
    def particle(self) -> str | None:
        """Name of the particle: from the file, or from its name (`eplus.h5`); None if unknown."""
        return stated_particle(self._file.attrs.get("particle"), self.path)

    def chunks(self, size: int = 10_000) -> Iterator[Showers]:
        """Read all showers, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.read(start, start + size)
