"""Comparing showers: distances between shower shapes, pictures, and a report of both."""

from __future__ import annotations

from importlib.util import find_spec

from calogan.errors import MissingExtraError

if any(find_spec(name) is None for name in ("jinja2", "matplotlib", "mplhep")):
    what = "calogan compare"
    raise MissingExtraError(what, "evaluate")

from calogan.evaluation.report import compare, compare_files
from calogan.evaluation.sources import Sample, open_sample, open_showers

__all__ = ["Sample", "compare", "compare_files", "open_sample", "open_showers"]
