"""Overlays: one observable of the reference and the candidates, with their ratio below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import AutoMinorLocator, MaxNLocator
from numpy.typing import NDArray

from calogan.evaluation.pictures.binning import Binning, Counts
from calogan.evaluation.pictures.style import COLOURS, LINES, new_figure, plain

__all__ = ["Drawn", "Series", "overlay"]

_REFERENCE_FILL = "#D9D9D9"
_REFERENCE_LINE = "#4D4D4D"
_HATCH = "//////"


class Drawn(Protocol):
    """What an overlay shows of one sample: a value and its statistical error in each bin."""

    @property
    def name(self) -> str:
        """Name of the sample."""

    @property
    def n(self) -> float:
        """Number of showers in it."""

    @property
    def shares(self) -> NDArray[np.float64]:
        """The values, `(bins,)`."""

    @property
    def errors(self) -> NDArray[np.float64]:
        """Their statistical errors, `(bins,)`."""


@dataclass(frozen=True, eq=False)
class Series:
    """One sample of an overlay: its name and its histogram."""

    name: str
    counts: Counts

    @property
    def n(self) -> float:
        """Number of showers."""
        return self.counts.n

    @property
    def shares(self) -> NDArray[np.float64]:
        """Share of the sample's showers in each bin."""
        return self.counts.inside / max(self.counts.n, 1.0)

    @property
    def errors(self) -> NDArray[np.float64]:
        """Statistical errors of the shares (Poisson)."""
        return np.sqrt(self.counts.inside) / max(self.counts.n, 1.0)


def overlay(
    binning: Binning,
    reference: Drawn,
    candidates: Sequence[Drawn],
    *,
    label: str,
    unit: str,
    left: str,
    right: str,
    height: str = "Share of showers / bin",
    log: bool = False,
) -> Figure:
    """Draw one observable of several samples.

    Above, the share of showers per bin: the reference filled, with a hatched band of its
    statistical error, the candidates as lines with error bars. Below, candidate over reference,
    with the candidate's error as bars and the reference's as a band around 1; triangles point to
    ratios beyond the panel.

    Args:
        binning: The bins.
        reference: Reference.
        candidates: Candidates.
        label: The observable as mathtext.
        unit: Its unit; empty for none.
        left: Head of the figure, left.
        right: Head of the figure, right.
        height: What the upper panel shows, at its axis.
        log: Upper panel on a logarithmic scale.
    """
    figure = new_figure(5.8, 5.4)
    grid = figure.add_gridspec(
        2, 1, height_ratios=(3, 1.1), hspace=0.06, left=0.165, right=0.965, top=0.945, bottom=0.13
    )
    main = figure.add_subplot(grid[0])
    below = figure.add_subplot(grid[1], sharex=main)
    _draw_shares(main, binning, reference, candidates, log=log)
    _draw_ratios(below, binning, reference, candidates)
    main.set_title(left, loc="left")
    main.set_title(right, loc="right")
    main.set_xlim(binning.edges[0], binning.edges[-1])
    if binning.log:
        main.set_xscale("log")
    else:
        main.xaxis.set_minor_locator(AutoMinorLocator(2))
    for ax in (main, below):
        if ax.get_yscale() == "linear":
            ax.yaxis.set_minor_locator(AutoMinorLocator(2))
    main.tick_params(labelbottom=False)
    main.set_ylabel(height)
    below.set_ylabel("Ratio", loc="center")
    below.set_xlabel(f"{label} [{unit}]" if unit else label)
    for ax in (main, below):
        ax.yaxis.set_label_coords(-0.15, 1.0 if ax is main else 0.5)
    # a power of ten, if the ticks need one, goes to the left: the label is at the right
    below.xaxis.get_offset_text().set(x=0.0, horizontalalignment="left")
    return figure


def _draw_shares(
    axes: Axes, binning: Binning, reference: Drawn, candidates: Sequence[Drawn], *, log: bool
) -> None:
    edges, shares, errors = binning.edges, reference.shares, reference.errors
    axes.stairs(shares, edges, fill=True, color=_REFERENCE_FILL, zorder=1)
    axes.stairs(shares, edges, color=_REFERENCE_LINE, linewidth=1.4, zorder=2)
    axes.stairs(
        shares + errors,
        edges,
        baseline=np.maximum(shares - errors, 0),
        fill=True,
        facecolor="none",
        edgecolor=_REFERENCE_LINE,
        hatch=_HATCH,
        linewidth=0,
        zorder=3,
    )
    names = [_legend_name(reference)]
    handles: list[Artist] = [
        Patch(facecolor=_REFERENCE_FILL, edgecolor=_REFERENCE_LINE, hatch=_HATCH, linewidth=1.4)
    ]
    for series, colour, line in _styled(candidates):
        handle = axes.stairs(
            series.shares, edges, color=colour, linestyle=line, linewidth=2, zorder=5
        )
        axes.errorbar(
            _centers(binning),
            series.shares,
            series.errors,
            fmt="none",
            ecolor=colour,
            elinewidth=1,
            zorder=4,
        )
        handles.append(handle)
        names.append(_legend_name(series))
    _limit_shares(axes, [reference, *candidates], log=log)
    axes.legend(handles, names, loc="upper right", frameon=False, borderpad=0.4)


def _limit_shares(axes: Axes, all_series: Sequence[Drawn], *, log: bool) -> None:
    """Leave room for the legend above the highest bin."""
    shares = np.concatenate([series.shares for series in all_series])
    ends = np.concatenate([series.shares + series.errors for series in all_series])
    top = float(ends.max(initial=0)) or 1.0
    room = 0.07 + 0.075 * len(all_series)
    if log:
        lowest = float(shares[shares > 0].min(initial=top))
        floor = max(lowest / 2, top * 1e-6)
        axes.set_yscale("log")
        axes.set_ylim(floor, top * (top / floor) ** (room / (1 - room)))
    else:
        axes.set_ylim(0, top * 1.05 / (1 - room))
        axes.yaxis.set_major_locator(MaxNLocator(6))


def _draw_ratios(
    axes: Axes, binning: Binning, reference: Drawn, candidates: Sequence[Drawn]
) -> None:
    has = reference.shares > 0
    safe = np.where(has, reference.shares, 1.0)
    relative = np.where(has, reference.errors / safe, 0.0)
    axes.stairs(
        1 + relative,
        binning.edges,
        baseline=1 - relative,
        fill=True,
        color=_REFERENCE_FILL,
        zorder=1,
    )
    axes.axhline(1, color=_REFERENCE_LINE, linewidth=1.2, zorder=2)
    drawn = []
    for series, colour, _ in _styled(candidates):
        ratio = np.where(has & (series.shares > 0), series.shares / safe, np.nan)
        drawn.append((ratio, series.errors / safe, colour))
    low, high = _ratio_limits([ratio for ratio, _, _ in drawn])
    centers = _centers(binning)
    for ratio, error, colour in drawn:
        inset = 0.06 * (high - low)
        inside = (ratio >= low + inset / 2) & (ratio <= high - inset / 2)
        axes.errorbar(
            centers[inside],
            ratio[inside],
            error[inside],
            fmt="o",
            color=colour,
            markersize=3.5,
            elinewidth=1.2,
            zorder=4,
        )
        for beyond, marker, height in (
            (ratio > high - inset / 2, "^", high - inset),
            (ratio < low + inset / 2, "v", low + inset),
        ):
            axes.plot(
                centers[beyond],
                np.full(np.count_nonzero(beyond), height),
                marker,
                color=colour,
                markersize=5,
                zorder=4,
            )
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(MaxNLocator(4, prune="both"))
    axes.grid(axis="y", color="#E5E5E5", linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)


def _ratio_limits(ratios: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    found = np.concatenate(ratios)
    found = found[np.isfinite(found)]
    for low, high in ((0.8, 1.2), (0.5, 1.5)):
        if not len(found) or np.mean((found < low) | (found > high)) < 0.1:
            return low, high
    return 0.0, 2.0


def _centers(binning: Binning) -> NDArray[np.float64]:
    low, high = binning.edges[:-1], binning.edges[1:]
    return np.sqrt(low * high) if binning.log else (low + high) / 2


def _legend_name(series: Drawn) -> str:
    return f"{plain(_shortened(series.name))}  (N = {series.n:,.0f})"


def _shortened(name: str, length: int = 28) -> str:
    return name if len(name) <= length else f"{name[: length - 9]}…{name[-8:]}"


def _styled(candidates: Sequence[Drawn]) -> list[tuple[Drawn, str, str]]:
    return [
        (series, COLOURS[k % len(COLOURS)], LINES[k // len(COLOURS) % len(LINES)])
        for k, series in enumerate(candidates)
    ]
