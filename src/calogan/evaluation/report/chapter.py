"""A chapter of a report before its figures are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from calogan.evaluation.report.figures import Drawing

__all__ = ["Chapter"]


@dataclass(frozen=True, eq=False)
class Chapter:
    """Figures under a heading.

    Args:
        anchor: Its name in the page.
        title: Its heading.
        drawings: The figures.
        words: Sentences before them.
        table: Rows of a table that stands before them; the first one is its head.
    """

    anchor: str
    title: str
    drawings: tuple[Drawing, ...]
    words: tuple[str, ...] = ()
    table: Sequence[Sequence[str]] = ()
