"""Jet images that ship with the package: for tests, docs and first looks."""

from __future__ import annotations

from pathlib import Path

from calogan.errors import JetError

__all__ = ["jet_file", "jet_sample_path"]

_FOLDER = Path(__file__).parent


def jet_sample_path(name: str = "jets") -> Path:
    """File of a sample: about 2000 images of Pythia, half of them signal.

    Raises:
        JetError: No such sample.
    """
    path = _FOLDER / f"{name}.h5"
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in _FOLDER.glob("*.h5")))
        msg = f"no sample of jet images {name!r}: give one of {known}"
        raise JetError(msg)
    return path


def jet_file(text: str | Path) -> Path:
    """A file of jet images as a user names it: its path, or `sample:jets`.

    Raises:
        JetError: No such sample.
    """
    kind, _, name = str(text).partition(":")
    return jet_sample_path(name) if kind == "sample" else Path(text)
