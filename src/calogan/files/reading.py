"""Reading with one clear line for whatever a wrong or damaged file leads a library to raise."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.errors import CaloganError, ShowerFileError

__all__ = ["as_float32", "check_readable", "reading", "sha256"]


def check_readable(path: Path) -> None:
    """Check that there is a file to be read.

    Raises:
        ShowerFileError: There is none, or only a folder, or one that may not be read.
    """
    if not path.is_file():
        msg = f"{path} is a folder" if path.is_dir() else f"no such file: {path}"
        raise ShowerFileError(msg)
    try:
        path.open("rb").close()
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise ShowerFileError(msg) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn the errors of a library that reads a damaged file into one line.

    Raises:
        ShowerFileError: The file is damaged, and what the library says of it.
    """
    try:
        yield
    except CaloganError:
        raise
    except Exception as error:  # wrong bytes lead h5py and uproot to raise anything
        text = str(error).strip() or type(error).__name__
        msg = f"{path} is damaged: {text.splitlines()[0]}"
        raise ShowerFileError(msg) from error


def as_float32(values: NDArray[Any]) -> NDArray[np.float32]:
    """Energies as they are kept in memory; one that float32 cannot hold becomes infinite."""
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, dtype=np.float32)


def sha256(path: Path) -> str:
    """Checksum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
