"""Geant4 showers that ship with the package: for tests, docs and first looks."""

from __future__ import annotations

from pathlib import Path

from calogan.errors import ShowerFileError
from calogan.files import read_showers
from calogan.showers import Showers

__all__ = ["list_samples", "read_sample", "sample_path"]

_FOLDER = Path(__file__).parent


def list_samples() -> list[str]:
    """Names of the samples."""
    return sorted(path.stem for path in _FOLDER.glob("*.h5"))


def sample_path(name: str) -> Path:
    """File of a sample: about 1000 Geant4 showers of `eplus`, `gamma` or `piplus`, 1 to 100 GeV.

    Raises:
        ShowerFileError: No such sample.
    """
    path = _FOLDER / f"{name}.h5"
    if not path.is_file():
        msg = f"no sample {name!r}: give one of {', '.join(list_samples())}"
        raise ShowerFileError(msg)
    return path


def read_sample(name: str) -> Showers:
    """Showers of a sample."""
    return read_showers(sample_path(name))
