"""Comparing jet images: average images, distributions, neighbours, classifiers, on one page.

The names below are loaded when they are asked for.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from calogan.errors import MissingExtraError

if TYPE_CHECKING:
    from calogan.jets.report.settings import JetSettings
    from calogan.jets.report.writing import compare_jet_files, compare_jets

__all__ = ["JetSettings", "compare_jet_files", "compare_jets"]

_HOMES = {"JetSettings": "settings", "compare_jet_files": "writing", "compare_jets": "writing"}
_NEEDED = ("jinja2", "matplotlib", "mplhep", "sklearn")


def __getattr__(name: str) -> Any:
    """Load what is asked for.

    Raises:
        MissingExtraError: A library of the report is not installed.
    """
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    if _HOMES[name] == "writing" and any(find_spec(library) is None for library in _NEEDED):
        what = "calogan jets compare"
        raise MissingExtraError(what, "evaluate")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
