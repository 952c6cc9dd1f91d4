"""The HDF5 layout of the CaloGAN paper, which is the project's own.

`energy` (n, 1) [GeV]; `layer_0`, `layer_1`, ... (n, eta, phi) and `overflow` (n, layers) [MeV].
What the project adds is ignored by an old reader: `pdgid` (n,), `position` (n, 3) [mm] and
`direction` (n, 3) where they are not those of the paper's beam, and the attributes `particle`,
`calorimeter` (JSON) and `made_with` (JSON: configuration, versions, seed).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import CaloganError, ShowerFileError
from calogan.files.writer import BEAM
from calogan.incident import FILE_STEMS, Incident, particle_name, pdg_id
from calogan.showers import Showers

__all__ = ["ShowerFile", "read_showers"]


class ShowerFile:
    """A file of showers, opened and checked, read piece by piece.

    Args:
        path: An HDF5 file in the layout of the paper.

    Raises:
        ShowerFileError: No such file, not HDF5, a data set missing or of the wrong shape.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            msg = f"no such file: {self.path}"
            raise ShowerFileError(msg)
        try:
            self._file = h5py.File(self.path, "r")
        except PermissionError as error:
            msg = f"cannot read {self.path}: {error.strerror}"
            raise ShowerFileError(msg) from error
        except OSError as error:
            msg = f"{self.path} is not an HDF5 file, or it is truncated"
            raise ShowerFileError(msg) from error
        try:
            self.calorimeter = self._read_calorimeter()
            self._check()
        except CaloganError:
            self._file.close()
            raise

    def _read_calorimeter(self) -> Calorimeter:
        text = self._file.attrs.get("calorimeter")
        if text is None:  # the published files, and those of other programs
            return CALOGAN
        try:
            return Calorimeter.from_dict(json.loads(text), f"{self.path}: calorimeter")
        except (ValueError, TypeError) as error:
            msg = f"{self.path}: the attribute 'calorimeter' is not readable"
            raise ShowerFileError(msg) from error

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
        try:
            values = json.loads(self._file.attrs.get("made_with", "{}"))
        except (TypeError, ValueError):  # of another program, which means something else by it
            return {}
        return values if isinstance(values, dict) else {}

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
        try:
            energy = self._file["energy"][rows, 0].astype(np.float64)
            layers = tuple(
                self._numbers(self._file[name][rows])
                if view == 0
                else self._numbers(self._file[f"views/{name}"][rows, view - 1])
                for name in names
            )
            if view and "views/overflow" in self._file:
                overflow = self._numbers(self._file["views/overflow"][rows, view - 1])
            elif "overflow" in self._file:
                overflow = self._numbers(self._file["overflow"][rows])
            else:
                overflow = np.zeros((len(energy), len(names)), np.float32)
            beam = {
                name: self._file[name][rows] if name in self._file else usual
                for name, usual in BEAM.items()
            }
        except OSError as error:
            msg = f"{self.path} is damaged: {error}"
            raise ShowerFileError(msg) from error
        try:
            incident = Incident.create(
                self._pdgid(rows, len(energy)),
                energy,
                position_mm=beam["position"],
                direction=beam["direction"],
            )
            return Showers(incident, layers, overflow, self.calorimeter)
        except CaloganError as error:
            msg = f"{self.path}: {error}"
            raise ShowerFileError(msg) from error

    @staticmethod
    def _numbers(values: NDArray[Any]) -> NDArray[np.float32]:
        return np.ascontiguousarray(values, dtype=np.float32)

    @property
    def particle(self) -> str | None:
        """Name of the particle: from the file, or from its name (`eplus.h5`); None if unknown."""
        name = self._file.attrs.get("particle")
        if not isinstance(name, str) or not name:
            name = self.path.stem.split("_")[0]
            if name not in FILE_STEMS:
                return None
        try:
            return particle_name(pdg_id(name))
        except CaloganError:
            return None

    def _pdgid(self, rows: slice, n: int) -> NDArray[np.int64]:
        if "pdgid" in self._file:
            return np.asarray(self._file["pdgid"][rows], dtype=np.int64)
        return np.full(n, pdg_id(self.particle) if self.particle else 0)

    def chunks(self, size: int = 10_000) -> Iterator[Showers]:
        """Read all showers, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.read(start, start + size)


def read_showers(path: str | Path, start: int = 0, stop: int | None = None) -> Showers:
    """Read showers from a file.

    Args:
        path: An HDF5 file in the layout of the paper.
        start: First shower.
        stop: One behind the last; all unless given.

    Raises:
        ShowerFileError: The file is missing, foreign or damaged, or holds impossible energies.
    """
    with ShowerFile(path) as file:
        return file.read(start, stop)
