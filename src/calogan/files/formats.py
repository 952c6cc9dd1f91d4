"""The formats of shower files: recognised by their content, opened and made in one way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self, get_args

from calogan.calorimeter import Calorimeter
from calogan.errors import MissingExtraError, OutputError, ShowerFileError
from calogan.files.calochallenge import CaloChallengeFile, CaloChallengeWriter
from calogan.files.hdf5 import open_hdf5
from calogan.files.paper import ShowerFile
from calogan.files.reading import check_readable, reading
from calogan.files.writer import ShowerWriter
from calogan.incident import Incident
from calogan.showers import Showers

__all__ = [
    "FORMATS",
    "Format",
    "ShowerReader",
    "ShowerSink",
    "create_showers_file",
    "open_showers_file",
    "read_showers",
    "recognise",
    "target_format",
]

Format = Literal["paper", "root", "calochallenge"]

FORMATS: tuple[Format, ...] = get_args(Format)
"""Layouts of shower files: the paper's HDF5, the original's ROOT tree, the CaloChallenge's HDF5."""

_SUFFIXES: dict[str, Format] = {
    ".h5": "paper",
    ".hdf5": "paper",
    ".hdf": "paper",
    ".root": "root",
}


class ShowerReader(Protocol):
    """An open file of showers, whatever its format."""

    path: Path

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...
    def __len__(self) -> int: ...

    @property
    def format(self) -> Format:
        """Format of the file."""

    @property
    def calorimeter(self) -> Calorimeter:
        """Calorimeter of all showers."""

    @property
    def particle(self) -> str | None:
        """Name of the particle; None if unknown or several."""

    @property
    def made_with(self) -> dict[str, Any]:
        """What made the file; empty for a foreign one."""

    @property
    def n_views(self) -> int:
        """Further readings of each shower."""

    @property
    def has_overflow(self) -> bool:
        """Whether the file says what went beside the cells."""

    @property
    def stores_doubles(self) -> bool:
        """Whether its cells are doubles, which are rounded to float32 when they are read."""

    def incident(self, start: int = 0, stop: int | None = None) -> Incident:
        """Read incident particles without their showers."""

    def read(self, start: int = 0, stop: int | None = None, *, view: int = 0) -> Showers:
        """Read showers `start` to `stop`."""

    def chunks(self, size: int = 10_000) -> Iterator[Showers]:
        """Read all showers, `size` at a time."""


class ShowerSink(Protocol):
    """A file of showers that is being written, whatever its format."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

    def append(self, showers: Showers) -> None:
        """Add showers at the end."""


def target_format(path: Path, to: str | None = None) -> Format:
    """Format of a file that is to be written: the wanted one, or by the ending of the name.

    Raises:
        OutputError: No such format, or an ending that stands for none.
    """
    wanted = _SUFFIXES.get(path.suffix.lower()) if to is None else to
    for known in FORMATS:
        if wanted == known:
            return known
    what = f"{path}: the ending does not say the format" if to is None else f"no format {to!r}"
    msg = f"{what}; give one with --to: {', '.join(FORMATS)}"
    raise OutputError(msg)


def recognise(path: str | Path) -> Format:
    """Recognise the format of a file by its content, and by its name where that says nothing.

    Raises:
        ShowerFileError: No such file, or nothing that holds showers.
    """
    path = Path(path)
    check_readable(path)
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"root") or (not start.startswith(b"\x89HDF") and path.suffix == ".root"):
        return "root"
    with reading(path), open_hdf5(path) as file:
        names = sorted(file)
    if {"showers", "incident_energies"} & set(names):
        return "calochallenge"
    if "energy" in names or any(name.startswith("layer_") for name in names):
        return "paper"
    found = ", ".join(names[:6]) + (", ..." if len(names) > 6 else "") or "nothing"
    msg = f"{path} is HDF5, but no file of showers: it holds {found}"
    raise ShowerFileError(msg)


def open_showers_file(path: str | Path, calorimeter: Calorimeter | None = None) -> ShowerReader:
    """Open a file of showers of any format; to be used in a `with` statement.

    Args:
        path: HDF5 in the layout of the paper or of the CaloChallenge, or ROOT.
        calorimeter: The calorimeter of a file that does not name it; else the paper's.

    Raises:
        ShowerFileError: The file is missing, truncated or foreign, or of another calorimeter.
        MissingExtraError: ROOT, and uproot is not installed.
    """
    path = Path(path)
    reader: ShowerReader
    match recognise(path):
        case "paper":
            reader = ShowerFile(path, calorimeter)
        case "calochallenge":
            reader = CaloChallengeFile(path, calorimeter)
        case "root":
            with _needs_uproot("reading a ROOT file"):
                from calogan.files.root import RootFile
            reader = RootFile(path, calorimeter)
    if calorimeter is not None and reader.calorimeter != calorimeter:
        stated = reader.calorimeter.name
        reader.__exit__(None, None, None)
        msg = f"{path} says itself that its calorimeter is {stated!r}, not {calorimeter.name!r}"
        raise ShowerFileError(msg)
    return reader


def create_showers_file(
    path: str | Path,
    calorimeter: Calorimeter,
    made_with: Mapping[str, Any],
    *,
    to: str | None = None,
    n_views: int = 0,
) -> ShowerSink:
    """Make a file of showers of any format; to be used in a `with` statement.

    Args:
        path: The file to make; it appears when all is in it.
        calorimeter: Calorimeter of all showers.
        made_with: Configuration, versions, seed.
        to: Format; by the ending of the name unless given (`.h5`, `.hdf5` the paper's, `.root`).
        n_views: Further readings of each shower, which only the layout of the paper holds.

    Raises:
        OutputError: No such format.
        MissingExtraError: ROOT, and uproot is not installed.
    """
    path = Path(path)
    match target_format(path, to):
        case "paper":
            return ShowerWriter(path, calorimeter, made_with, n_views=n_views, exact_energies=True)
        case "calochallenge":
            return CaloChallengeWriter(path, calorimeter, made_with)
        case "root":
            with _needs_uproot("writing a ROOT file"):
                from calogan.files.root_writer import RootWriter
            return RootWriter(path, calorimeter, made_with)


@contextmanager
def _needs_uproot(what: str) -> Iterator[None]:
    """Turn a failed import of uproot into one line that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "calogan":
            raise
        raise MissingExtraError(what, "root") from error


def read_showers(
    path: str | Path,
    start: int = 0,
    stop: int | None = None,
    *,
    calorimeter: Calorimeter | None = None,
) -> Showers:
    """Read showers from a file of any format.

    Args:
        path: HDF5 in the layout of the paper or of the CaloChallenge, or ROOT.
        start: First shower.
        stop: One behind the last; all unless given.
        calorimeter: The calorimeter of a file that does not name it; else the paper's.

    Raises:
        ShowerFileError: The file is missing, foreign or damaged, or holds impossible energies.
        MissingExtraError: ROOT, and uproot is not installed.
    """
    with open_showers_file(path, calorimeter) as file:
        return file.read(start, stop)
