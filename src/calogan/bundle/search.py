"""Bundles by name: where they are looked for, and which of several versions is meant."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from platformdirs import user_data_path

from calogan.bundle.card import Card, split_version
from calogan.bundle.folder import CARD, MODEL, read_card
from calogan.bundle.reading import OtherModelError
from calogan.errors import ModelError

__all__ = [
    "DEFAULT_MODELS",
    "Found",
    "find_bundle",
    "find_version",
    "install_folder",
    "installed",
    "list_bundles",
    "own_search_path",
    "scan",
    "search_path",
]

DEFAULT_MODELS = ("eplus", "gamma", "piplus")
"""The best model of each particle that ships, called as the particle's files are."""

BUNDLED = Path(__file__).parents[1] / "models"


class Named(Protocol):
    """What a card of any kind says."""

    @property
    def name(self) -> str:
        """Name of the model."""
        ...

    @property
    def version(self) -> int:
        """Its version."""
        ...


CardT = TypeVar("CardT", bound=Named)


@dataclass(frozen=True)
class Found(Generic[CardT]):
    """A folder of the search path that holds a card.

    Args:
        path: The folder.
        card: The card; None if it cannot be read.
        problem: Why it cannot be read.
        hidden_by: A bundle of the same name and version that comes before it.
    """

    path: Path
    card: CardT | None = None
    problem: str | None = None
    hidden_by: Path | None = None

    @property
    def size_bytes(self) -> int | None:
        """Size of the network; None if there is none."""
        try:
            return (self.path / MODEL).stat().st_size
        except OSError:
            return None

    @property
    def bundled(self) -> bool:
        """Whether it ships with the package."""
        return self.path.parent == BUNDLED


def _own_folders() -> list[Path]:
    own = os.environ.get("CALOGAN_MODELS", "")
    return [Path(part).expanduser() for part in own.split(os.pathsep) if part]


def _user_folder() -> Path:
    return user_data_path("calogan", appauthor=False) / "models"


def search_path() -> list[Path]:
    """Folders that are looked through: those of CALOGAN_MODELS, the user's, the package's."""
    return [*own_search_path(), BUNDLED]


def own_search_path() -> list[Path]:
    """The same without the package's: models of all kinds may be there."""
    return [*_own_folders(), _user_folder()]


def install_folder() -> Path:
    """Where new bundles go: the first folder of CALOGAN_MODELS, or the user's."""
    return own_search_path()[0]


def _bundles_in(folder: Path) -> list[Path]:
    """Folders with a card: this one, or those in it."""
    try:
        if (folder / CARD).is_file():
            return [folder]
        folders = (card.parent for card in sorted(folder.glob(f"*/{CARD}")))
        return [path for path in folders if not path.name.startswith(".")]  # half written
    except OSError:
        return []  # such as a folder of CALOGAN_MODELS that may not be read


def installed() -> list[Found[Card]]:
    """All bundles of the search path that make showers, see `scan`."""
    return scan(read_card, search_path())


def scan(read: Callable[[Path], CardT], folders: Iterable[Path]) -> list[Found[CardT]]:
    """All bundles of folders: by name, the highest version first; unreadable ones last.

    Args:
        read: Reads the card of a bundle. Bundles for which it raises `OtherModelError` are left
            out.
        folders: Where to look; of two bundles of the same name and version the first one counts.
    """
    found: list[Found[CardT]] = []
    first: dict[tuple[str, int], Path] = {}
    paths = dict.fromkeys(path for folder in folders for path in _bundles_in(folder))
    for path in paths:
        try:
            card = read(path)
        except OtherModelError:
            continue
        except ModelError as error:
            found.append(Found(path, problem=str(error)))
            continue
        before = first.setdefault((card.name, card.version), path)
        found.append(Found(path, card, hidden_by=None if before == path else before))
    return sorted(found, key=_order)


def _order(found: Found[CardT]) -> tuple[bool, str, int]:
    if found.card is None:
        return True, str(found.path), 0
    return False, found.card.name, -found.card.version


def list_bundles() -> list[str]:
    """Names of all bundles that can be opened by name, the default models first."""
    names = {one.card.name for one in installed() if one.card}
    first = [name for name in DEFAULT_MODELS if name in names]
    return [*first, *sorted(names - set(first))]


def find_bundle(name: str) -> Path | None:
    """Folder of the bundle of this name or path; None if there is none.

    Args:
        name: A folder with a card; else the name of a model, as on its card. `name@2` is version 2;
            without, the highest version is taken, and of two equal ones the first on the search
            path.

    Raises:
        ModelError: There is no such version, a default model is not there, the bundle that is
            meant cannot be read, or the folder is no bundle.
    """
    if _is_file(Path(name) / CARD):
        return Path(name)
    there = installed()
    found = find_version(there, name)
    if found is None:
        _explain(name, split_version(name)[0], there)
    return found


def find_version(there: Iterable[Found[CardT]], name: str) -> Path | None:
    """Folder of a model by its name: `name@2` is version 2, `name` the highest one.

    Raises:
        ModelError: There is no such version.
    """
    short, wanted = split_version(name)
    versions = {
        one.card.version: one.path
        for one in there
        if one.card and one.card.name == short and not one.hidden_by
    }
    if not versions:
        return None
    if wanted is not None and wanted not in versions:
        known = ", ".join(f"{short}@{version}" for version in sorted(versions))
        msg = f"no version {wanted} of the model {short}: there is {known}"
        raise ModelError(msg)
    return versions[max(versions) if wanted is None else wanted]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is too long
        return False


def _explain(name: str, short: str, there: list[Found[Card]]) -> None:
    """Raise what can be said about a name that no card has, if anything can."""
    for one in there:
        if one.problem and one.path.name.partition("@")[0] in (short, name):
            raise ModelError(one.problem)
    if short in DEFAULT_MODELS:
        msg = f"the model {short} is not installed (calogan models lists what is)"
        raise ModelError(msg)
    folder = Path(name)
    if name and _is_file(folder / "model" / CARD):
        msg = f"{name} is the folder of a training: its model is {folder / 'model'}"
        raise ModelError(msg)
    if os.sep in name:
        what = f"it holds no {CARD}" if _is_dir(folder) else "there is no such folder"
        msg = f"no model bundle {name}: {what}"
        raise ModelError(msg)


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False
