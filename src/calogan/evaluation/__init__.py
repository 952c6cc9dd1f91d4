"""Comparing showers: distances between shower shapes, pictures, and a report of both.

The names below are loaded when they are asked for: `calogan.evaluation.distances`, for example,
needs no library of pictures.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from calogan.errors import MissingExtraError

if TYPE_CHECKING:
    from calogan.evaluation.report.settings import Settings
    from calogan.evaluation.report.writing import compare, compare_files
    from calogan.evaluation.samples.opening import open_showers

__all__ = ["Settings", "compare", "compare_files", "open_showers"]

_HOMES = {
    "Settings": "report.settings",
    "compare": "report.writing",
    "compare_files": "report.writing",
    "open_showers": "samples.opening",
}


def __getattr__(name: str) -> Any:
    """Load what is asked for.

    Raises:
        MissingExtraError: A library of the report is not installed.
    """
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    if _HOMES[name] == "report.writing" and any(
        find_spec(library) is None for library in ("jinja2", "matplotlib", "mplhep")
    ):
        what = "calogan compare"
        raise MissingExtraError(what, "evaluate")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
