"""A chapter of a report before its figures are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calogan.evaluation.report.figures import Drawing, Section, draw_all
from calogan.evaluation.report.parallel import Crew, Report

__all__ = ["Chapter", "draw_chapters"]


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


def draw_chapters(
    chapters: Sequence[Chapter], folder: Path, crew: Crew, report: Report, *, pdf: bool = True
) -> list[Section]:
    """Draw the figures of chapters into files.

    Args:
        chapters: In the order of the page.
        folder: Where the files go.
        crew: Draws.
        report: Told of the progress.
        pdf: Whether to write PDFs beside the PNGs.
    """
    drawings = [drawing for chapter in chapters for drawing in chapter.drawings]
    pictures = iter(draw_all(drawings, folder, crew, report, pdf=pdf))
    return [
        Section(
            chapter.anchor,
            chapter.title,
            tuple(picture for _ in chapter.drawings for picture in next(pictures)),
            chapter.words,
            chapter.table,
        )
        for chapter in chapters
    ]
