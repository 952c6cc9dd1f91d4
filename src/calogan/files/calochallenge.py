"""The HDF5 layout of the Fast Calorimeter Simulation Challenge 2022 (arXiv:2410.21611).

`incident_energies` (n, 1) and `showers` (n, voxels), both in MeV; the voxels are flattened layer by
layer, within a layer angle by angle, the radius fastest. Such a file holds neither the calorimeter,
which an XML file beside it describes, nor the particle. What the project adds is ignored by an
old reader: `energy_gev` (n, 1), from which alone the energies come back to the last bit, `overflow`
(n, layers) [MeV], `pdgid` (n,), `position` (n, 3) [mm], `direction` (n, 3), and the attributes of
`calogan.files.metadata`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import CaloganError, CalorimeterError, ShowerFileError
from calogan.files.compressed import GrowingDataset
from calogan.files.hdf5 import open_hdf5, read_incident
from calogan.files.metadata import (
    describe,
    stated_calorimeter,
    stated_origin,
    stated_particle,
)
from calogan.files.output import PatientFile, PiecewiseFile, whole_file
from calogan.files.reading import as_float32, reading
from calogan.incident import Incident
from calogan.showers import Showers

__all__ = ["PUBLISHED_VOXELS", "CaloChallengeFile", "CaloChallengeWriter"]

MEV_PER_GEV = 1000.0

PUBLISHED_VOXELS = {
    368: "data set 1, photons",
    533: "data set 1, pions",
    6480: "data set 2, 45 x 16 x 9",
    40500: "data set 3, 45 x 50 x 18",
}
"""Voxels of a shower in the published data sets: layers x angles x radii where they are alike."""


class CaloChallengeFile:
    """A CaloChallenge file, opened and checked, read piece by piece.

    Args:
        path: An HDF5 file.
        calorimeter: The calorimeter of a file that does not name it.

    Raises:
        ShowerFileError: No such file, not HDF5, data sets missing or of the wrong shape, or more
            or fewer voxels than the calorimeter has cells.
    """

    format: Final = "calochallenge"
    n_views = 0

    def __init__(self, path: str | Path, calorimeter: Calorimeter | None = None) -> None:
        self.path = Path(path)
        self._file = open_hdf5(self.path)
        with ExitStack() as stack, reading(self.path):
            stack.callback(self._file.close)
            self._check()
            stated = stated_calorimeter(self._file.attrs.get("calorimeter"), self.path)
            self._calorimeter = stated or calorimeter
            if self._calorimeter is None and self.n_voxels == CALOGAN.n_cells:
                self._calorimeter = CALOGAN
            if self._calorimeter is not None:
                self._check_calorimeter(self._calorimeter)
            stack.pop_all()

    def _dataset(self, name: str, n: int | None, width: tuple[int, ...]) -> Any:
        dataset = self._file.get(name)
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu":
            msg = f"{self.path} holds no data set {name} of numbers: not a CaloChallenge file?"
            raise ShowerFileError(msg)
        expected = (dataset.shape[0] if n is None and dataset.shape else n, *width)
        if dataset.shape != expected:
            msg = f"{self.path}: {name} has the shape {dataset.shape}, expected {expected}"
            raise ShowerFileError(msg)
        return dataset

    def _check(self) -> None:
        self._showers = self._file.get("showers")
        if not isinstance(self._showers, h5py.Dataset) or self._showers.ndim != 2:
            msg = f"{self.path} holds no data set showers (n, voxels): not a CaloChallenge file?"
            raise ShowerFileError(msg)
        self._dataset("showers", None, (self.n_voxels,))
        self._energies = self._dataset("incident_energies", len(self), (1,))
        optional = {"energy_gev": (1,), "pdgid": (), "position": (3,), "direction": (3,)}
        for name, width in optional.items():
            if name in self._file:
                self._dataset(name, len(self), width)

    def _check_calorimeter(self, calorimeter: Calorimeter) -> None:
        if calorimeter.n_cells != self.n_voxels:
            msg = (
                f"{self.path}: {self.n_voxels} voxels,"
                f" but the calorimeter {calorimeter.name!r} has {calorimeter.n_cells} cells"
            )
            raise ShowerFileError(msg)
        if "overflow" in self._file:
            self._dataset("overflow", len(self), (len(calorimeter.layers),))

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        """Number of showers."""
        return int(self._showers.shape[0])

    @property
    def n_voxels(self) -> int:
        """Voxels of a shower."""
        return int(self._showers.shape[1])

    @property
    def calorimeter(self) -> Calorimeter:
        """The calorimeter.

        Raises:
            ShowerFileError: The file does not say, and it was not given.
        """
        if self._calorimeter is None:
            known = PUBLISHED_VOXELS.get(self.n_voxels)
            which = f" (as in CaloChallenge's {known})" if known else ""
            msg = (
                f"{self.path}: showers of {self.n_voxels} voxels{which}, and the file does not say"
                " of which calorimeter: give its YAML file, or the name of a shipped one, with"
                " --calorimeter"
            )
            raise ShowerFileError(msg)
        return self._calorimeter

    @property
    def stores_doubles(self) -> bool:
        """Whether its voxels are doubles, which are rounded to float32 when they are read."""
        return bool(self._showers.dtype.itemsize > 4)

    @property
    def has_overflow(self) -> bool:
        """Whether the file says what went beside the cells."""
        return "overflow" in self._file

    @property
    def particle(self) -> str | None:
        """Name of the particle: from the file, or from its name; None if unknown or several."""
        return stated_particle(self._file.attrs.get("particle"), self.path)

    @property
    def made_with(self) -> dict[str, Any]:
        """What made the file: configuration, versions, seed. Empty for a foreign file."""
        return stated_origin(self._file.attrs.get("made_with"))

    def incident(self, start: int = 0, stop: int | None = None) -> Incident:
        """Read the incident particles `start` to `stop`, without their showers.

        Raises:
            ShowerFileError: Energies or directions that no particle can have.
        """
        rows = slice(start, stop)
        with reading(self.path):
            mev = self._energies[rows, 0].astype(np.float64)
            gev = mev / MEV_PER_GEV
            if "energy_gev" in self._file:
                gev = self._file["energy_gev"][rows, 0].astype(np.float64)
                if not np.array_equal(gev * MEV_PER_GEV, mev, equal_nan=True):
                    msg = f"{self.path}: energy_gev and incident_energies contradict each other"
                    raise ShowerFileError(msg)
            return read_incident(self._file, self.path, rows, gev, self.particle)

    def read(self, start: int = 0, stop: int | None = None, *, view: int = 0) -> Showers:
        """Read showers `start` to `stop`; this layout holds no further views.

        Raises:
            ShowerFileError: Energies that are NaN, infinite or negative; no such view.
        """
        if view:
            msg = f"{self.path} holds no views"
            raise ShowerFileError(msg)
        calorimeter = self.calorimeter
        incident = self.incident(start, stop)
        rows = slice(start, stop)
        with reading(self.path):
            cells = as_float32(self._showers[rows])
            overflow = (
                as_float32(self._file["overflow"][rows])
                if self.has_overflow
                else np.zeros((len(cells), len(calorimeter.layers)), np.float32)
            )
        try:
            return Showers(incident, calorimeter.split_cells(cells), overflow, calorimeter)
        except CaloganError as error:
            msg = f"{self.path}: {error}"
            raise ShowerFileError(msg) from error

    def chunks(self, size: int = 10_000) -> Iterator[Showers]:
        """Read all showers, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.read(start, start + size)


class CaloChallengeWriter(PiecewiseFile):
    """Writes showers piece by piece to a CaloChallenge file that appears when all is there.

    Args:
        path: The file to make; an existing one is replaced at the end.
        calorimeter: Calorimeter of all showers.
        made_with: Configuration, versions, seed.
    """

    def __init__(
        self, path: str | Path, calorimeter: Calorimeter, made_with: Mapping[str, Any]
    ) -> None:
        self.path, self.calorimeter, self.made_with = Path(path), calorimeter, dict(made_with)
        self._pdgids: set[int] = set()
        self._columns: dict[str, GrowingDataset] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Open the temporary file."""
        with ExitStack() as stack:
            part = stack.enter_context(whole_file(self.path))
            self._disk = stack.enter_context(PatientFile(part, "w+"))
            stack.callback(self._disk.check)
            self._file = stack.enter_context(h5py.File(self._disk, "w"))
            shapes: dict[str, tuple[tuple[int, ...], type]] = {
                "incident_energies": ((1,), np.float64),
                "showers": ((self.calorimeter.n_cells,), np.float32),
                "energy_gev": ((1,), np.float64),
                "overflow": ((len(self.calorimeter.layers),), np.float32),
                "pdgid": ((), np.int64),
                "position": ((3,), np.float64),
                "direction": ((3,), np.float64),
            }
            self._columns = {
                name: GrowingDataset(self._file, name, shape, dtype)
                for name, (shape, dtype) in shapes.items()
            }
            self._stack = stack.pop_all()
        return self

    def append(self, showers: Showers) -> None:
        """Add showers at the end."""
        if showers.calorimeter != self.calorimeter:
            msg = f"{self.path}: showers of another calorimeter ({showers.calorimeter.name})"
            raise CalorimeterError(msg)
        incident = showers.incident
        columns: dict[str, NDArray[Any]] = {
            "incident_energies": incident.energy_gev[:, None] * MEV_PER_GEV,
            "showers": showers.cells,
            "energy_gev": incident.energy_gev[:, None],
            "overflow": showers.overflow,
            "pdgid": incident.pdgid,
            "position": incident.position_mm,
            "direction": incident.direction,
        }
        for name, values in columns.items():
            self._columns[name].append(values)
        self._pdgids |= {int(i) for i in np.unique(incident.pdgid)}
        self._disk.check()

    def _finish(self) -> None:
        for column in self._columns.values():
            column.finish()
        self._file.attrs.update(describe(self.calorimeter, self.made_with, self._pdgids))
