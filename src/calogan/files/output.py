"""Files that appear whole or not at all."""

from __future__ import annotations

import glob
import io
import os
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

from calogan.errors import OutputError

__all__ = ["PatientFile", "PiecewiseFile", "check_writable", "whole_file"]


class PatientFile(io.FileIO):
    """A file for HDF5 that remembers a failed write and goes on as if it had worked.

    The HDF5 library cannot close a file that it could not write, and crashes the process at its
    end. So a full disk is not told to the library, but to whoever calls `check`.
    """

    error: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all of `data`, or note why not; a disk that gets full takes a part first."""
        view = memoryview(data).cast("B")
        written = 0
        while self.error is None and written < len(view):
            try:
                written += super().write(view[written:])
            except OSError as error:
                self.error = error
        return len(view)

    def truncate(self, size: int | None = None, /) -> int:
        """Change the size, or note why not."""
        if self.error is None:
            try:
                return super().truncate(size)
            except OSError as error:
                self.error = error
        return size or 0

    def check(self) -> None:
        """Raise what went wrong, if anything did."""
        if self.error is not None:
            raise self.error


def check_writable(path: str | Path) -> Path:
    """Check, before hours of work, that a file can be written at `path`.

    Raises:
        OutputError: The folder does not exist or is not writable, or `path` is a folder.
    """
    path = Path(path)
    if path.exists() and not path.is_file():
        msg = f"cannot write {path}: it is {'a folder' if path.is_dir() else 'no ordinary file'}"
        raise OutputError(msg)
    if not path.parent.is_dir():
        msg = f"cannot write {path}: the folder {path.parent} does not exist"
        raise OutputError(msg)
    try:
        with tempfile.TemporaryFile(dir=path.parent) as probe:
            probe.write(b"calogan")
            probe.flush()
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}"
        raise OutputError(msg) from error
    return path


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success sync it and rename it to `path`.

    Whatever goes wrong, no partial file stays behind.

    Raises:
        OutputError: The disk is full, or the folder is missing or not writable.
    """
    path = check_writable(path)
    path = path.resolve() if path.is_symlink() else path  # write where the link leads
    _remove_abandoned(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}"
        raise OutputError(msg) from error
    finally:
        temporary.unlink(missing_ok=True)


def _remove_abandoned(path: Path) -> None:
    """Remove what a process that was killed had written of a file."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        number = part.name.removesuffix(".part").rpartition(".")[2]
        if not number.isdigit():
            continue
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            part.unlink(missing_ok=True)
        except (PermissionError, OverflowError):  # of another user, or no process at all
            continue


class PiecewiseFile(ABC):
    """A file that is written piece by piece and appears when all of it is there.

    `__enter__` opens it and leaves in `_stack` what closes it again: `whole_file` among it.
    """

    _stack: ExitStack

    @abstractmethod
    def _finish(self) -> None:
        """Write what belongs at the end."""

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
