"""What a production has finished, in a folder beside its output, until the output is there.

`eplus.h5.parts/` holds `manifest.json`, which says which production this is, and the journal of
finished chunks. The manifest appears after everything from an earlier production is gone and
disappears first, so a folder without one holds nothing.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Generic

from calogan.errors import OutputError
from calogan.files.output import whole_file
from calogan.production.chunks import Chunk
from calogan.production.goods import Batch, Goods
from calogan.production.journal import Journal

__all__ = ["Parts", "check_no_other", "manifest_of", "parts_folder", "pending_seed"]

_SCHEMA = 1
_MANIFEST, _JOURNAL, _RUNINFO = "manifest.json", "journal", "runinfo"


def parts_folder(path: str | Path) -> Path:
    """Folder of what is finished of the file `path`: `eplus.h5.parts` beside `eplus.h5`."""
    path = Path(path)
    return path.with_name(f"{path.name}.parts")


def pending_seed(path: str | Path) -> int | None:
    """Seed of the unfinished production of a file, so that the same command continues it.

    Args:
        path: The file that is to be made.

    Returns:
        The seed, or None if there is no such production.
    """
    try:
        manifest = json.loads((parts_folder(path) / _MANIFEST).read_text(encoding="utf-8"))
        return int(manifest["made_with"]["seed"])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def manifest_of(goods: Goods[Any], made_with: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that fixes the bytes of a production.

    Args:
        goods: What it makes.
        made_with: What the file will say made it: configuration, versions, seed, chunk size.
    """
    manifest = {"schema": _SCHEMA, **goods.identity(), "made_with": dict(made_with)}
    values: dict[str, Any] = json.loads(json.dumps(manifest))  # as it will be read back
    return values


def check_no_other(path: Path, manifest: dict[str, Any], goods: Goods[Any]) -> None:
    """Check that no other production of a file waits to be continued.

    Raises:
        OutputError: One does; what it finished would be lost, or replace what this one makes.
    """
    folder = parts_folder(path)
    found = _read_manifest(folder)
    if found not in (None, manifest) and not _is_empty(folder / _JOURNAL):
        raise _foreign(folder, path, found, manifest, goods)


class Parts(Generic[Batch]):
    """The finished chunks of one production.

    Args:
        folder: Where they are kept.
        goods: What they hold.
        journal: The open journal.
    """

    def __init__(self, folder: Path, goods: Goods[Batch], journal: Journal) -> None:
        self.folder = folder
        self.damaged = journal.damaged
        self._goods = goods
        self._journal = journal

    @classmethod
    @contextmanager
    def open(
        cls, path: Path, manifest: dict[str, Any], goods: Goods[Batch]
    ) -> Iterator[Parts[Batch]]:
        """Open the folder of an output, or make it.

        Raises:
            OutputError: It holds another production or something else, or is not writable.
        """
        folder = parts_folder(path)
        try:
            found = _read_manifest(folder)
            check_no_other(path, manifest, goods)
            if found != manifest:
                (folder / _MANIFEST).unlink(missing_ok=True)  # of one that finished no chunk
                _clear(folder)
                folder.mkdir(exist_ok=True)
                with whole_file(folder / _MANIFEST) as temporary:
                    temporary.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
            journal = Journal(folder / _JOURNAL)
        except OSError as error:
            raise _unusable(folder, error) from error
        with journal:
            yield cls(folder, goods, journal)

    @property
    def runinfo(self) -> Path:
        """Folder for the logs of a cluster."""
        return self.folder / _RUNINFO

    def __contains__(self, chunk: Chunk) -> bool:
        """Tell whether a chunk is finished."""
        return chunk.index in self._journal

    def add(self, chunk: Chunk, batch: Batch) -> None:
        """Keep a finished chunk.

        Raises:
            OutputError: The disk is full, for example; what was kept before is safe.
        """
        try:
            self._journal.append(chunk.index, self._goods.pack(batch))
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def read(self, chunk: Chunk) -> Batch:
        """What a finished chunk became.

        Raises:
            OutputError: The journal cannot be read any more.
        """
        try:
            return self._goods.unpack(self._journal.read(chunk.index))
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def remove(self) -> None:
        """Remove the folder, after the output is there for good, or if it holds nothing."""
        _sync_folder(self.folder.parent)
        (self.folder / _MANIFEST).unlink(missing_ok=True)
        _clear(self.folder)
        with suppress(OSError):  # a worker on a cluster may still write its log
            self.folder.rmdir()


def _is_empty(journal: Path) -> bool:
    try:
        return journal.stat().st_size == 0
    except FileNotFoundError:
        return True


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        msg = f"{folder} is in the way of a folder for finished chunks: choose another output"
        raise OutputError(msg) from None
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("made_with"), dict):
        msg = f"{folder / _MANIFEST} is damaged: delete the folder to start over"
        raise OutputError(msg)
    return manifest


def _clear(folder: Path) -> None:
    """Remove what an earlier production left in its folder; nothing that is not its own."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if entry.name == _JOURNAL or entry.name.startswith(f".{_MANIFEST}."):
            entry.unlink()
        elif entry.name == _RUNINFO and entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)  # the logs of a worker that still runs
        else:
            msg = f"{folder} holds {entry.name}, which is not calogan's: choose another output"
            raise OutputError(msg)


def _foreign(
    folder: Path, path: Path, found: dict[str, Any], manifest: dict[str, Any], goods: Goods[Any]
) -> OutputError:
    there, here = found["made_with"], manifest["made_with"]
    differences = [
        f"{key} {_short(there.get(key))} there, {_short(here.get(key))} here"
        for key in sorted({*there, *here})
        if there.get(key) != here.get(key)
    ]
    for key in goods.identity():
        if found.get(key) != manifest[key] and not (key.endswith("_sha256") and differences):
            differences.append(goods.difference(key))
    if found.get("schema") != manifest["schema"]:
        differences.append("kept by another version of calogan")
    return OutputError(
        f"{folder} holds an unfinished production of {path.name} that is not this one"
        f" ({'; '.join(differences[:4])}): give its command to continue it, delete the folder to"
        " start over, or choose another output"
    )


def _short(value: Any) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _unusable(folder: Path, error: OSError) -> OutputError:
    return OutputError(f"cannot keep finished chunks in {folder}: {error.strerror or error}")


def _sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
