"""Where Geant4's cross sections come from: the official data, or the compact set of this package.

Geant4 reads its data from folders that environment variables name. They are looked for in

1. `GEANT4_DATA_DIR`, if it is set;
2. calzone's folder, `~/.local/share/calzone/data`, where `calogan geant4-data install` puts the
   official data unless told otherwise;
3. the user's cache, where the compact set is made when it is needed first.

Nothing here asks a question or uses the network.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from calogan.errors import Geant4DataError
from calogan.geant4.datasets import DATASETS, GEANT4_VERSION

__all__ = ["Geant4Data", "activate", "environment", "find_geant4_data", "official_folder"]

_LOG = logging.getLogger(__name__)

_HEAVIEST_OFFICIAL = 92
_MARKER = "compact-version.txt"
_REMEDY = "run 'calogan geant4-data install', or unset GEANT4_DATA_DIR"


@dataclass(frozen=True)
class Geant4Data:
    """A folder with all data sets that Geant4 asks for.

    Args:
        path: The folder.
        kind: `official`, as CERN publishes it; `compact`, made by this package from published
            formulas; `custom`, anything else that `GEANT4_DATA_DIR` names.
        label: What files say about it, such as `official Geant4 11.4 data`.
    """

    path: Path
    kind: Literal["official", "compact", "custom"]
    label: str

    @property
    def digest(self) -> str | None:
        """SHA-256 of names and contents, 16 digits; None for the official data.

        Those are checked when they are installed, and their version says it all.
        """
        return None if self.kind == "official" else _digest(self.path)


@cache
def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for dataset in sorted(DATASETS, key=lambda dataset: dataset.folder):
        for file in sorted((path / dataset.folder).rglob("*")):
            if file.is_file():
                digest.update(file.relative_to(path).as_posix().encode() + b"\0")
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _chosen_folder() -> Path | None:
    """`GEANT4_DATA_DIR`, unless calzone set it: it does so where it is imported, for all children."""
    chosen = os.environ.get("GEANT4_DATA_DIR")
    folder = Path(chosen).expanduser() if chosen else None
    return None if folder == _calzone_folder() else folder


def _calzone_folder() -> Path:
    return Path.home() / ".local" / "share" / "calzone" / "data"


def official_folder() -> Path:
    """Where the official data are put: `GEANT4_DATA_DIR`, or else calzone's own folder."""
    return _chosen_folder() or _calzone_folder()


def find_geant4_data(elements: Iterable[int] = ()) -> Geant4Data:
    """Find the cross sections; make the compact set if there are no others.

    Args:
        elements: Atomic numbers that there must be tables for.

    Raises:
        Geant4DataError: `GEANT4_DATA_DIR` names an incomplete folder, an element is missing, or
            the compact set cannot be made.
        MissingExtraError: The compact set needs a package that is not installed.
    """
    folder = official_folder()
    missing = _first_missing(folder)
    if missing is None:
        data = _describe(folder)
    elif _chosen_folder() is not None:
        msg = f"GEANT4_DATA_DIR ({folder}) holds no folder {missing}: {_REMEDY}"
        raise Geant4DataError(msg)
    else:
        data = _compact_data()
    _check_elements(data, elements)
    return data


def _first_missing(folder: Path) -> str | None:
    return next((d.folder for d in DATASETS if not (folder / d.folder).is_dir()), None)


def _table(folder: Path, element: int) -> Path:
    return folder / "G4EMLOW8.8" / "brem_SB" / f"br{element}"


def _check_elements(data: Geant4Data, elements: Iterable[int]) -> None:
    for element in sorted(set(elements)):
        if not _table(data.path, element).is_file():
            msg = f"the {data.label} ({data.path}) hold no tables for atomic number {element}"
            raise Geant4DataError(msg)


def _describe(folder: Path) -> Geant4Data:
    marker = folder / _MARKER
    if marker.is_file():
        version = marker.read_text(encoding="ascii").strip()
        return Geant4Data(folder, "compact", f"compact cross sections {version}")
    if all(_table(folder, z).is_file() for z in range(1, _HEAVIEST_OFFICIAL + 1)) and any(
        (folder / "PhotonEvaporation6.1.2").iterdir()
    ):
        return Geant4Data(folder, "official", f"official Geant4 {GEANT4_VERSION} data")
    return Geant4Data(folder, "custom", f"custom Geant4 {GEANT4_VERSION} data")


def _compact_data() -> Geant4Data:
    from platformdirs import user_cache_path

    from calogan.geant4.compact import COMPACT_VERSION, write_compact_data

    cache_folder = user_cache_path("calogan") / "geant4-data"
    folder = cache_folder / f"compact-{COMPACT_VERSION}"
    if _first_missing(folder) is not None:
        _LOG.info("no Geant4 data found: making compact cross sections in %s (once)", folder)
        part = None
        try:
            cache_folder.mkdir(parents=True, exist_ok=True)
            part = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=cache_folder))
            write_compact_data(part)
            (part / _MARKER).write_text(f"{COMPACT_VERSION}\n", encoding="ascii")
            _put_in_place(part, folder)
        except OSError as error:
            msg = f"cannot make cross sections in {cache_folder}: {error.strerror or error}"
            raise Geant4DataError(msg) from error
        finally:
            if part is not None:
                shutil.rmtree(part, ignore_errors=True)
    return _describe(folder)


def _put_in_place(part: Path, folder: Path) -> None:
    """Rename a finished folder; whoever comes first of several processes wins."""
    if folder.is_dir() and _first_missing(folder) is not None:  # someone tidied the cache up
        damaged = part.with_name(f"{part.name}-damaged")
        with suppress(FileNotFoundError):
            folder.rename(damaged)
        shutil.rmtree(damaged, ignore_errors=True)
    part.chmod(0o755)
    try:
        part.rename(folder)
    except OSError:
        if _first_missing(folder) is not None:
            raise


def environment(data: Geant4Data) -> dict[str, str]:
    """Environment variables that lead Geant4 and calzone to the data."""
    variables = {d.variable: str(data.path / d.folder) for d in DATASETS}
    return {"GEANT4_DATA_DIR": str(data.path), **variables}


def activate(data: Geant4Data) -> None:
    """Lead Geant4 in this process, and in those that it starts, to the data.

    Geant4 reads the variables when it is initialised, that is with its first event.
    """
    os.environ.update(environment(data))
