"""Files of jet images in the HDF5 layout of the published data set.

That is `jet-images_Mass60-100_pT250-300_R1.25_Pix25.hdf5` (doi:10.5281/zenodo.269622) of the LAGAN
paper (arXiv:1701.05927): `image` (n, 25, 25) [GeV], `signal` (n,) with 1 for W and 0 for QCD, and
(n,) each `jet_pt`, `jet_mass` [GeV], `jet_eta`, `jet_phi`, `jet_delta_R`, `tau_1`, `tau_2`,
`tau_3`, `tau_21`, `tau_32`. It stores doubles; here it is float32, which every reader takes. What
the project adds is the attribute `made_with` (JSON: configuration, versions, seed).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import h5py
import numpy as np

from calogan.errors import CaloganError, JetError
from calogan.files.compressed import GrowingDataset
from calogan.files.hdf5 import open_hdf5
from calogan.files.metadata import stated_origin
from calogan.files.output import PatientFile, PiecewiseFile, whole_file
from calogan.files.reading import as_float32, reading
from calogan.jets.images import PIXELS, VARIABLES, JetImages

__all__ = [
    "JetImageFile",
    "JetImageWriter",
    "open_jet_images",
    "read_jet_images",
    "write_jet_images",
]

_SIGNAL = "signal"


class JetImageFile:
    """A file of jet images, opened and checked, read piece by piece.

    Args:
        path: An HDF5 file, of this project or of the published data set.

    Raises:
        CaloganError: No such file, not HDF5, a data set missing or of the wrong shape.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._file = open_hdf5(self.path)
        with ExitStack() as stack, reading(self.path):
            stack.callback(self._file.close)
            self._check()
            stack.pop_all()

    def _check(self) -> None:
        image = self._file.get("image")
        if not isinstance(image, h5py.Dataset) or not image.shape:
            msg = f"{self.path} holds no data set 'image': not a file of jet images?"
            raise JetError(msg)
        n = int(image.shape[0])
        shapes: dict[str, tuple[int, ...]] = {"image": (n, PIXELS, PIXELS), _SIGNAL: (n,)}
        shapes |= dict.fromkeys(self.variables, (n,))
        for name, shape in shapes.items():
            dataset = self._file.get(name)
            if not isinstance(dataset, h5py.Dataset):
                msg = f"{self.path} holds no data set '{name}': not a file of jet images?"
                raise JetError(msg)
            if dataset.shape != shape or dataset.dtype.kind not in "fiub":
                found = f"{dataset.dtype} {dataset.shape}"
                msg = f"{self.path}: {name} is {found}, expected numbers of shape {shape}"
                raise JetError(msg)

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __len__(self) -> int:
        """Number of jets."""
        return int(self._file["image"].shape[0])

    @property
    def variables(self) -> tuple[str, ...]:
        """Which variables of the jets the file holds; none in one that a network made."""
        return tuple(name for name in VARIABLES if name in self._file)

    @property
    def made_with(self) -> dict[str, Any]:
        """What made the file: configuration, versions, seed. Empty for a foreign file."""
        return stated_origin(self._file.attrs.get("made_with"))

    def read(self, start: int = 0, stop: int | None = None) -> JetImages:
        """Read jets `start` to `stop`.

        Pixels that are negative become zero: the interpolation that turned the images of a
        foreign file may have left some.

        Args:
            start: First jet.
            stop: One behind the last; all unless given.

        Raises:
            CaloganError: The file is damaged, or holds pixels that are not finite.
        """
        rows = slice(start, stop)
        with reading(self.path):
            image = as_float32(self._file["image"][rows])
            signal = np.asarray(self._file[_SIGNAL][rows])
            variables = {name: as_float32(self._file[name][rows]) for name in self.variables}
        np.maximum(image, 0, out=image)
        try:
            return JetImages(image, signal, variables)
        except CaloganError as error:
            msg = f"{self.path}: {error}"
            raise JetError(msg) from error

    def chunks(self, size: int = 10_000) -> Iterator[JetImages]:
        """Read all jets, `size` at a time."""
        for start in range(0, len(self), size):
            yield self.read(start, start + size)


def open_jet_images(path: str | Path) -> JetImageFile:
    """Open a file of jet images.

    Raises:
        CaloganError: No such file, or it is no file of jet images.
    """
    return JetImageFile(path)


def read_jet_images(path: str | Path, start: int = 0, stop: int | None = None) -> JetImages:
    """Read the jets `start` to `stop` of a file; all unless given.

    Raises:
        CaloganError: No such file, or it is no file of jet images, or damaged.
    """
    with JetImageFile(path) as file:
        return file.read(start, stop)


class JetImageWriter(PiecewiseFile):
    """Writes jet images piece by piece to a file that appears when all of it is there.

    Args:
        path: The file to make; an existing one is replaced at the end.
        made_with: Whatever reproduces the file, JSON-like: configuration, versions, seed.
        variables: Names of the variables that all images have.
    """

    def __init__(
        self,
        path: str | Path,
        made_with: Mapping[str, Any],
        variables: tuple[str, ...] = VARIABLES,
    ) -> None:
        self.path = Path(path)
        self.made_with = dict(made_with)
        self.variables = variables
        self._stack = ExitStack()
        self._columns: dict[str, GrowingDataset] = {}

    def __enter__(self) -> Self:
        """Open the temporary file."""
        with ExitStack() as stack:
            part = stack.enter_context(whole_file(self.path))
            self._disk = stack.enter_context(PatientFile(part, "w+"))
            stack.callback(self._disk.check)
            self._file = stack.enter_context(h5py.File(self._disk, "w"))
            shapes: dict[str, tuple[int, ...]] = {"image": (PIXELS, PIXELS), _SIGNAL: ()}
            shapes |= dict.fromkeys(self.variables, ())
            self._columns = {
                name: GrowingDataset(self._file, name, shape, np.float32)
                for name, shape in shapes.items()
            }
            self._stack = stack.pop_all()
        return self

    def append(self, images: JetImages) -> None:
        """Add jets at the end.

        Raises:
            JetError: They do not have the variables that the file is to hold.
        """
        missing = [name for name in self.variables if name not in images.variables]
        if missing:
            msg = f"{self.path}: jet images without {missing[0]}, which those before them have"
            raise JetError(msg)
        self._columns["image"].append(images.image)
        self._columns[_SIGNAL].append(images.signal.astype(np.float32))
        for name in self.variables:
            self._columns[name].append(images.variables[name])
        self._disk.check()

    def _finish(self) -> None:
        for column in self._columns.values():
            column.finish()
        self._file.attrs["made_with"] = json.dumps(self.made_with, sort_keys=True)


def write_jet_images(
    path: str | Path, images: JetImages, made_with: Mapping[str, Any] | None = None
) -> None:
    """Write jet images to one file.

    Args:
        path: The file to make.
        images: The images.
        made_with: What made them, kept in the file.

    Raises:
        OutputError: The file cannot be written; no partial file stays behind.
    """
    with JetImageWriter(path, made_with or {}, tuple(images.variables)) as writer:
        writer.append(images)
