"""Figures of a report: what is to be drawn, and the drawing of it into files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from calogan.errors import CaloganError
from calogan.evaluation.pictures.style import hep_style, save
from calogan.evaluation.report.parallel import Crew, Report

__all__ = ["Drawing", "Picture", "Section", "draw_all"]


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure that is to be drawn.

    Args:
        name: Stem of its files.
        caption: What it shows.
        draw: Function of a module that returns the figure, or figures and what was found.
        arguments: Its arguments.
        keywords: Its keyword arguments.
        wide: Whether it needs the width of the page.
        log_twin: Whether `draw` makes a second figure, `NAME_log`, with `log=True`.
        further: Names and captions of further figures that `draw` returns with the first.
    """

    name: str
    caption: str
    draw: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    wide: bool = False
    log_twin: bool = False
    further: tuple[tuple[str, str], ...] = ()

    @property
    def captions(self) -> tuple[tuple[str, str], ...]:
        """Names and captions of all its figures."""
        return (self.name, self.caption), *self.further


@dataclass(frozen=True)
class Picture:
    """A figure of the page.

    Args:
        name: Stem of its files.
        caption: What it shows.
        wide: Whether it needs the width of the page.
        log_name: Stem of the same figure on a logarithmic scale, if there is one.
        problem: Why there is no figure, if there is none.
        found: What was found while it was drawn.
    """

    name: str
    caption: str
    wide: bool = False
    log_name: str = ""
    problem: str = ""
    found: Any = None


@dataclass(frozen=True)
class Section:
    """Pictures under a heading, with a few words before them.

    Args:
        anchor: Its name in the page.
        title: Its heading.
        pictures: The pictures.
        words: Sentences about them.
        table: Rows of a table that stands before them; the first one is its head.
    """

    anchor: str
    title: str
    pictures: Sequence[Picture] = ()
    words: Sequence[str] = ()
    table: Sequence[Sequence[str]] = ()


def draw_all(
    drawings: Sequence[Drawing], folder: Path, crew: Crew, report: Report, *, pdf: bool = True
) -> list[list[Picture]]:
    """Draw figures into files; one that cannot be drawn of these showers says why.

    Args:
        drawings: What is to be drawn.
        folder: Where the files go.
        crew: Draws.
        report: Told of the progress.
        pdf: Whether to write PDFs beside the PNGs.

    Returns:
        The pictures of each drawing.
    """
    calls = [(drawing, folder, log, pdf) for drawing in drawings for log in _scales(drawing)]
    outcomes = iter(crew.map(_draw, calls, "figures", report))
    pictures = []
    for drawing in drawings:
        found, problem = next(outcomes)
        if drawing.log_twin:
            next(outcomes)
        shown = drawing.captions[:1] if problem else drawing.captions
        pictures.append(
            [
                Picture(
                    name,
                    caption,
                    drawing.wide,
                    _log_name(name) if drawing.log_twin and not problem else "",
                    problem,
                    found if k == 0 else None,
                )
                for k, (name, caption) in enumerate(shown)
            ]
        )
    return pictures


def _scales(drawing: Drawing) -> tuple[bool, ...]:
    return (False, True) if drawing.log_twin else (False,)


def _log_name(name: str) -> str:
    return f"{name}_log"


def _draw(drawing: Drawing, folder: Path, log: bool, pdf: bool) -> tuple[Any, str]:
    """Draw figures into files; return what was found, and why they could not be drawn."""
    further = {"log": True} if log else {}
    with hep_style():
        try:
            made = drawing.draw(*drawing.arguments, **drawing.keywords, **further)
        except CaloganError as error:
            return None, str(error)
        *figures, found = (made, None) if isinstance(made, Figure) else made
        for figure, (name, _) in zip(figures, drawing.captions, strict=True):
            stem = _log_name(name) if log else name
            save(figure, folder / f"{stem}.png", pdf=pdf)
    return found, ""
