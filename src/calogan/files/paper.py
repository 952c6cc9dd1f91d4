"""The HDF5 layout of the CaloGAN paper, which is the project's own.

`energy` (n, 1) [GeV]; `layer_0`, `layer_1`, ... (n, eta, phi) and `overflow` (n, layers) [MeV].
What the project adds is ignored by an old reader: `pdgid` (n,), `position` (n, 3) [mm] and
`direction` (n, 3) where they are not those of the paper's beam, and the attributes `particle`,
`calorimeter` (JSON) and `made_with` (JSON: configuration, versions, seed).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import CaloganError, CalorimeterError, ShowerFileError
from calogan.files.output import PatientFile, whole_file
from calogan.incident import GUN_POSITION_MM, Incident, particle_name, pdg_id
from calogan.showers import Showers

__all__ = ["ShowerFile", "ShowerWriter", "read_showers", "write_showers"]

_BEAM = {"position": GUN_POSITION_MM, "direction": (0.0, 0.0, 1.0)}


class ShowerWriter:
    """Writes showers piece by piece to a file that appears when all of it is there.

    Args:
        path: The file to make; an existing one is replaced at the end.
        calorimeter: Calorimeter of all showers.
        made_with: Whatever reproduces the file, JSON-like: configuration, versions, seed.
    """

    def __init__(
        self, path: str | Path, calorimeter: Calorimeter, made_with: Mapping[str, Any]
    ) -> None:
        self.path = Path(path)
        self.calorimeter = calorimeter
        self.made_with = dict(made_with)
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
        names = [f"layer_{k}" for k in range(len(showers.layers))]
        for name, values in zip(
            [*names, "overflow"], [*showers.layers, showers.overflow], strict=True
        ):
            dataset = self._file[name]
            dataset.resize(len(dataset) + len(values), axis=0)
            dataset[-len(values) :] = values
        self._incidents.append(showers.incident)
        self._disk.check()

    def _finish(self) -> None:
        incident = Incident.concatenate(self._incidents) if self._incidents else None
        energy = incident.energy_gev if incident else np.empty(0)
        self._file["energy"] = energy[:, None].astype(np.float32)
        pdgids = sorted({int(i) for i in incident.pdgid}) if incident else []
        if incident and len(pdgids) > 1:
            self._file["pdgid"] = incident.pdgid
        for name, usual in _BEAM.items():
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
    with ShowerWriter(path, showers.calorimeter, made_with or {}) as writer:
        writer.append(showers)


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
        shapes["overflow"] = (len(self.calorimeter.layers),)
        missing = [name for name in shapes if not isinstance(self._file.get(name), h5py.Dataset)]
        if "overflow" in missing:  # absent from some copies of the published files
            missing.remove("overflow")
            del shapes["overflow"]
        if missing:
            msg = f"{self.path} holds no data set {', '.join(missing)}: not a file of showers?"
            raise ShowerFileError(msg)
        n = len(self)
        for name, shape in shapes.items():
            dataset = self._file[name]
            if dataset.shape != (n, *shape) or dataset.dtype.kind not in "fiu":
                msg = f"{self.path}: {name} is {dataset.dtype} {dataset.shape}, expected numbers of shape {(n, *shape)}"
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
        values: dict[str, Any] = json.loads(self._file.attrs.get("made_with", "{}"))
        return values

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
            overflow = (
                self._numbers(self._file["overflow"][rows])
                if "overflow" in self._file
                else np.zeros((len(energy), len(names)), np.float32)
            )
            beam = {
                name: self._file[name][rows] if name in self._file else usual
                for name, usual in _BEAM.items()
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
        name = self._file.attrs.get("particle") or self.path.stem.split("_")[0]
        try:
            return particle_name(pdg_id(str(name)))
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
