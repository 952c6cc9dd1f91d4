"""The ROOT layout of the original CaloGAN code: a TTree `fancy_tree` with one branch per cell.

Its branches are doubles: `cell_0`, `cell_1`, ... [MeV], all cells layer by layer in C order and
behind them the overflow of each layer, and `TotalEnergy`, the incident energy [GeV]
(hep-lbdl/CaloGAN, generation/src/RunAction.cc and EventAction.cc). What the project adds is
ignored by an old reader: a second TTree `calogan_incident` with `pdgid`, the start `x`, `y`, `z` [mm]
and the direction `u`, `v`, `w` of each particle, and the texts (TObjString) `particle`,
`calorimeter` and `made_with` of `calogan.files.metadata`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import uproot
from numpy.typing import NDArray

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import ShowerFileError
from calogan.files.hdf5 import read_incident
from calogan.files.metadata import stated_calorimeter, stated_origin, stated_particle
from calogan.files.reading import as_float32, reading
from calogan.incident import Incident
from calogan.showers import Showers

__all__ = ["INCIDENT_BRANCHES", "INCIDENT_TREE", "TREE", "RootFile"]

TREE = "fancy_tree"
"""What the original calls its tree, unless its GAN_TREENAME says otherwise."""

INCIDENT_TREE = "calogan_incident"

INCIDENT_BRANCHES = ("pdgid", "x", "y", "z", "u", "v", "w")


class RootFile:
    """A ROOT file of showers, opened and checked, read piece by piece.

    Args:
        path: A ROOT file with the tree of the original.
        calorimeter: The calorimeter of a file that does not name it; the paper's unless given.

    Raises:
        ShowerFileError: Not ROOT, truncated, without such a tree, or one of other cells.
    """

    format: Final = "root"
    n_views = 0
    has_overflow = True

    def __init__(self, path: str | Path, calorimeter: Calorimeter | None = None) -> None:
        self.path = Path(path)
        _check_whole(self.path)
        with ExitStack() as stack, reading(self.path):
            # as a mapping: uproot looks for a colon in names; no caches: each shower is read once
            file = uproot.open({self.path: None}, array_cache=None, object_cache=None)
            self._stack = ExitStack()
            stack.callback(self._stack.close)
            self._file = self._stack.enter_context(file)
            self._tree = self._find_tree()
            stated = stated_calorimeter(self._text("calorimeter"), self.path)
            self.calorimeter = stated or calorimeter or CALOGAN
            self._names = self._check_branches()
            self._incidents = self._find_incidents()
            stack.pop_all()

    def _find_tree(self) -> Any:
        classes = {
            name.split(";")[0]: kind for name, kind in self._file.classnames(recursive=True).items()
        }
        trees = [name for name, kind in classes.items() if kind == "TTree"]
        if TREE in trees:
            return self._file[TREE]
        fitting = [name for name in trees if "TotalEnergy" in self._file[name]]
        if len(fitting) == 1:
            return self._file[fitting[0]]
        found = ", ".join(f"{name} ({kind})" for name, kind in classes.items()) or "nothing"
        msg = f"{self.path} holds no TTree {TREE}: not a file of showers? It holds {found}"
        raise ShowerFileError(msg)

    def _check_branches(self) -> list[str]:
        """Names of the branches: the cells and overflows in their order, and the energy."""
        present = set(self._tree.keys(recursive=False))
        expected = self.calorimeter.n_cells + len(self.calorimeter.layers)
        cells = sum(name.startswith("cell_") for name in present)
        names = [*(f"cell_{i}" for i in range(expected)), "TotalEnergy"]
        if cells != expected or not present.issuperset(names):
            msg = (
                f"{self.path}: {self._tree.name} has {cells} branches cell_0, cell_1, ...;"
                f" the calorimeter {self.calorimeter.name!r} has {self.calorimeter.n_cells} cells"
                f" and {len(self.calorimeter.layers)} overflows: another calorimeter?"
            )
            raise ShowerFileError(msg)
        kinds = {name: self._tree[name].interpretation for name in names}
        for name, kind in kinds.items():
            if not isinstance(kind, uproot.AsDtype) or kind.inner_shape:
                msg = f"{self.path}: the branch {name} holds no single numbers"
                raise ShowerFileError(msg)
        return names

    def _find_incidents(self) -> Any:
        if INCIDENT_TREE not in self._file:
            return None
        tree = self._file[INCIDENT_TREE]
        if tree.num_entries != len(self) or not set(tree.keys()).issuperset(INCIDENT_BRANCHES):
            msg = f"{self.path}: {INCIDENT_TREE} does not fit {TREE}"
            raise ShowerFileError(msg)
        return tree

    def _text(self, name: str) -> str | None:
        value = self._file.get(name)
        return str(value) if isinstance(value, str) else None

    def __enter__(self) -> Self:
        """Return the open file."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._stack.close()

    def __len__(self) -> int:
        """Number of showers."""
        return int(self._tree.num_entries)

    @property
    def stores_doubles(self) -> bool:
        """Whether its cells may be more than float32; in files of this project they are not."""
        return self._incidents is None

    @property
    def particle(self) -> str | None:
        """Name of the particle: from the file, or from its name; None if unknown or several."""
        return stated_particle(self._text("particle"), self.path)

    @property
    def made_with(self) -> dict[str, Any]:
        """What made the file: configuration, versions, seed. Empty for a foreign file."""
        return stated_origin(self._text("made_with"))

    def incident(self, start: int = 0, stop: int | None = None) -> Incident:
        """Read the incident particles `start` to `stop`, without their showers.

        Raises:
            ShowerFileError: Energies or directions that no particle can have, or damage.
        """
        with reading(self.path):
            energy = self._columns(self._tree, ["TotalEnergy"], start, stop)["TotalEnergy"]
            return self._incident(energy, start)

    def _columns(
        self, tree: Any, names: list[str], start: int, stop: int | None
    ) -> dict[str, NDArray[Any]]:
        columns: dict[str, NDArray[Any]] = tree.arrays(
            filter_name=set(names).__contains__, library="np", entry_start=start, entry_stop=stop
        )
        return columns

    def _incident(self, energy_gev: NDArray[Any], start: int) -> Incident:
        columns: dict[str, NDArray[Any]] = {}
        if self._incidents is not None:
            found = self._columns(
                self._incidents, list(INCIDENT_BRANCHES), start, start + len(energy_gev)
            )
            columns = {
                "pdgid": found["pdgid"],
                "position": np.stack([found[name] for name in "xyz"], axis=1),
                "direction": np.stack([found[name] for name in "uvw"], axis=1),
            }
        return read_incident(columns, self.path, slice(None), energy_gev, self.particle)

    def read(self, start: int = 0, stop: int | None = None, *, view: int = 0) -> Showers:
        """Read showers `start` to `stop`; this layout holds no further views.

        Raises:
            ShowerFileError: Energies that are NaN, infinite or negative, or damage; no such view.
        """
        if view:
            msg = f"{self.path} holds no views"
            raise ShowerFileError(msg)
        with reading(self.path):
            return self._showers(self._columns(self._tree, self._names, start, stop), start)

    def _showers(self, columns: dict[str, NDArray[Any]], start: int) -> Showers:
        energy = np.asarray(columns["TotalEnergy"], dtype=np.float64)
        cells = np.empty((len(energy), len(self._names) - 1), dtype=np.float32)
        for i, name in enumerate(self._names[:-1]):
            cells[:, i] = as_float32(columns[name])
        n_cells = self.calorimeter.n_cells
        layers = self.calorimeter.split_cells(cells[:, :n_cells])
        incident = self._incident(energy, start)
        try:
            return Showers(incident, layers, cells[:, n_cells:].copy(), self.calorimeter)
        except ShowerFileError as error:
            msg = f"{self.path}: {error}"
            raise ShowerFileError(msg) from error

    def chunks(self, size: int = 10_000) -> Iterator[Showers]:
        """Read all showers, `size` at a time; what lies across two of them is unpacked once."""
        start = 0
        with reading(self.path):
            for columns in self._tree.iterate(
                filter_name=set(self._names).__contains__, library="np", step_size=size
            ):
                yield self._showers(columns, start)
                start += len(columns["TotalEnergy"])


def _check_whole(path: Path) -> None:
    """Compare the size of a ROOT file with the end that its header states.

    The header: `root`, version, begin, end (4 bytes each, big endian; from version 1000000, that
    is above 2 GB, the end has 8).
    """
    with path.open("rb") as file:
        header = file.read(24)
    if not header.startswith(b"root") or len(header) < 24:
        msg = f"{path} is not a ROOT file, or it is truncated"
        raise ShowerFileError(msg)
    (version,) = struct.unpack(">i", header[4:8])
    big = version >= 1_000_000
    (end,) = struct.unpack(">q", header[12:20]) if big else struct.unpack(">I", header[12:16])
    size = path.stat().st_size
    if size < end:
        msg = f"{path} is truncated: {size} of {end} bytes are there"
        raise ShowerFileError(msg)
