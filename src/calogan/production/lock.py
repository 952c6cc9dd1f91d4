"""One production per output file at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from calogan.errors import OutputError

__all__ = ["exclusive"]

_UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""What file systems without locks answer: Lustre without `-o flock`, NFS without its daemon."""


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Let nobody else make the file `path`, from any process, until the end of the block.

    The lock dies with its process, however that ends. Where the file system knows no locks, a
    file that names the process and its machine stands in for it.

    Raises:
        OutputError: Another process is making the file, or the folder is not writable.
    """
    lock = path.with_name(f".{path.name}.lock")
    try:
        descriptor = _locked(path, lock)
        mark = lock if descriptor is not None else _owned(path)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}"
        raise OutputError(msg) from error
    try:
        yield
    finally:
        mark.unlink(missing_ok=True)
        if descriptor is not None:
            os.close(descriptor)


def _locked(path: Path, lock: Path) -> int | None:
    """Open and lock the file; None where there are no locks."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(lock, descriptor):
                os.truncate(descriptor, 0)
                os.write(descriptor, _myself().encode())
                return descriptor
        except BlockingIOError:
            owner = os.read(descriptor, 1000).decode(errors="replace")
            os.close(descriptor)
            raise _taken(path, owner) from None
        except OSError as error:
            os.close(descriptor)
            lock.unlink(missing_ok=True)
            if error.errno not in _UNSUPPORTED:
                raise
            return None
        os.close(descriptor)  # its owner finished, and removed the file, just before


def _is_still(lock: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(lock.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _owned(path: Path) -> Path:
    """Stand in for a lock: a file that is created by one process and by no second one."""
    mark = path.with_name(f".{path.name}.owner")
    while True:
        try:
            descriptor = os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            owner = mark.read_text(errors="replace")
            if _may_run(owner):
                raise _taken(path, owner, f"; if that is over, delete {mark}") from None
            mark.unlink(missing_ok=True)
        else:
            os.write(descriptor, _myself().encode())
            os.close(descriptor)
            return mark


def _myself() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _may_run(owner: str) -> bool:
    """Tell whether a process may still run; of other machines it is not known."""
    words = owner.split()
    if len(words) != 4 or words[3] != socket.gethostname() or not words[1].isdigit():
        return True
    try:
        os.kill(int(words[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _taken(path: Path, owner: str, remedy: str = "") -> OutputError:
    return OutputError(
        f"{path} is being made by another calogan ({owner or 'just started'}): wait for it, or"
        f" choose another output{remedy}"
    )
