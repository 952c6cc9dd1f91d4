"""Sheets of panels under one legend: sizes, places, and how the samples look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from calogan.evaluation.pictures.style import COLOURS, new_figure, plain

__all__ = [
    "MARKERS",
    "REFERENCE_FILL",
    "REFERENCE_LINE",
    "LineStyle",
    "Panel",
    "Sheet",
    "legend_name",
    "look",
    "new_sheet",
    "shortened",
]

LineStyle = Literal["-", "--", "-.", ":"]

REFERENCE_FILL = "#D9D9D9"
REFERENCE_LINE = "#4D4D4D"
MARKERS = ("o", "s", "D", "P", "X", "p")
"""Markers of the candidates, told apart in grey."""

_LINES: tuple[LineStyle, ...] = ("-", "--", "-.", ":")
_PANEL, _MAIN, _RATIO, _GAP = 4.0, 2.5, 0.95, 0.07
_LEFT, _RIGHT, _ABOVE, _BELOW = 0.85, 0.15, 0.36, 0.66
_LEGEND_ROW, _LEGEND_COLUMN = 0.235, 3.9
_LABELS = 12.5


@dataclass(frozen=True, eq=False)
class Panel:
    """The axes of one panel, and those below it."""

    main: Axes
    below: Axes


@dataclass(frozen=True, eq=False)
class Sheet:
    """A figure and its panels."""

    figure: Figure
    panels: tuple[Panel, ...]


def look(k: int) -> tuple[str, LineStyle, str]:
    """Colour, line and marker of candidate number k."""
    return (
        COLOURS[k % len(COLOURS)],
        _LINES[k // len(COLOURS) % len(_LINES)],
        MARKERS[k % len(MARKERS)],
    )


def shortened(name: str, length: int = 30) -> str:
    """Fit a name, as of a file, into a legend or a title."""
    short = name if len(name) <= length else f"{name[: length - 9]}…{name[-8:]}"
    return plain(short)


def legend_name(name: str, n: int) -> str:
    """Name and number of showers, for a legend."""
    return f"{shortened(name, 24)}  (N = {n:,d})"


def new_sheet(
    n_panels: int,
    names: Sequence[str],
    *,
    note: str = "",
    points: bool = False,
    per_line: int = 3,
    width: float = _PANEL,
    columns: int | None = None,
) -> Sheet:
    """Lay out panels in lines, below a legend.

    Args:
        n_panels: How many panels.
        names: The reference and then the candidates, as `legend_name` makes them. No
            reference, no name: an empty one.
        note: What is shown; it stands at the upper right.
        points: The reference is drawn as points, and not as a filled histogram.
        per_line: Most panels beside each other.
        width: Of a panel [inch].
        columns: Of the legend; as many as there is room for unless given.
    """
    per_line = max(1, min(per_line, n_panels))
    page = per_line * width
    columns = columns or max(1, int(page / _LEGEND_COLUMN))
    rows = -(-len(names) // columns)
    head = 0.12 + _LEGEND_ROW * rows + (0.3 if note else 0.08)
    line = _ABOVE + _MAIN + _GAP + _RATIO + _BELOW
    height = head + -(-max(n_panels, 1) // per_line) * line
    figure = new_figure(page, height)

    def axes(k: int, top: float, tall: float, shared: Axes | None = None) -> Axes:
        left = (k % per_line) * width + _LEFT
        bottom = height - head - (k // per_line) * line - top - tall
        box = (left / page, bottom / height, (width - _LEFT - _RIGHT) / page, tall / height)
        return figure.add_axes(box, sharex=shared)

    panels = []
    for k in range(n_panels):
        main = axes(k, _ABOVE, _MAIN)
        below = axes(k, _ABOVE + _MAIN + _GAP, _RATIO, main)
        main.tick_params(labelbottom=False)
        for ax, middle in ((main, 1.0), (below, 0.5)):
            ax.yaxis.set_label_coords(-0.62 / (width - _LEFT - _RIGHT), middle)
        below.set_ylabel("Ratio", loc="center", fontsize=_LABELS)
        main.yaxis.label.set_fontsize(_LABELS)
        below.xaxis.label.set_fontsize(_LABELS)
        # a power of ten, if the ticks need one, goes to the left: the label is at the right
        below.xaxis.get_offset_text().set(x=0.0, horizontalalignment="left")
        panels.append(Panel(main, below))
    if note:
        place = (1 - _RIGHT / page, 1 - 0.1 / height)
        figure.text(*place, note, ha="right", va="top", fontsize=12)
    figure.legend(
        handles=_handles(names, points=points),
        loc="upper left",
        bbox_to_anchor=(0.1 / page, 1 - (0.32 if note else 0.08) / height),
        ncols=columns,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
        labelspacing=0.35,
        columnspacing=1.5,
    )
    return Sheet(figure, tuple(panels))


def _handles(names: Sequence[str], *, points: bool) -> list[Artist]:
    first: Artist
    if points:
        first = Line2D([], [], color=REFERENCE_LINE, marker="o", markersize=6, linewidth=1.6)
    else:
        first = Patch(facecolor=REFERENCE_FILL, edgecolor=REFERENCE_LINE, linewidth=1.4)
    first.set_label(names[0])
    handles: list[Artist] = [first] if names[0] else []
    for k, name in enumerate(names[1:]):
        colour, line, marker = look(k)
        handles.append(
            Line2D(
                [],
                [],
                color=colour,
                linestyle=line,
                linewidth=2,
                marker=marker if points else "",
                markersize=5,
                label=name,
            )
        )
    return handles
