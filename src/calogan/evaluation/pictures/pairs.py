"""Densities of pairs of observables: reference as filled contours, candidate as lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import AutoMinorLocator, MaxNLocator
from numpy.typing import NDArray

from calogan.evaluation.pictures.sheets import (
    look,
    shortened,
)
from calogan.evaluation.pictures.style import hep_style, new_figure

__all__ = ["Density", "pair_density", "pair_plots"]

Values = NDArray[np.float64]

_GRID = 48
_MASSES = (0.95, 0.8, 0.5)
_FILLS = ("#E2E2E2", "#BDBDBD", "#8E8E8E")
_FEW = 200
_PANEL, _LEFT, _RIGHT, _TOP, _BOTTOM = 4.0, 0.9, 0.2, 0.34, 0.7
_WIDTHS = (0.9, 1.5, 2.3)


class Named(Protocol):
    """An observable, as far as a picture needs it."""

    @property
    def name(self) -> str:
        """Name in tables."""

    @property
    def label(self) -> str:
        """Symbol as mathtext."""

    @property
    def unit(self) -> str:
        """Unit; empty for none."""


@dataclass(frozen=True, eq=False)
class Density:
    """A smooth density on a grid.

    Args:
        x: Middles of the grid's cells, `(gx,)`.
        y: The same along y, `(gy,)`.
        share: Share of the sample in each cell, `(gx, gy)`.
    """

    x: Values
    y: Values
    share: Values

    def levels(self, masses: Sequence[float]) -> list[float]:
        """Densities whose contours enclose the given shares of the sample, rising."""
        ordered = np.sort(self.share.ravel())[::-1]
        enclosed = np.cumsum(ordered)
        at = np.searchsorted(enclosed, np.array(masses) * enclosed[-1])
        return [float(ordered[min(k, len(ordered) - 1)]) for k in at]


def pair_density(x: Values, y: Values, span: Sequence[tuple[float, float]]) -> Density:
    """Estimate the density of pairs: a histogram, smoothed by a Gaussian kernel.

    The kernel's width along each axis is n^(-1/6) times a spread, as in Scott's rule (D. W. Scott,
    Multivariate Density Estimation). The rule has the standard deviation, which the tails decide;
    here it is the geometric mean of that and of half of the distance of the 16 % and 84 %
    quantiles, all within the grid. At the ends of the grid the kernel is cut and normalised.

    Args:
        x: Values `(n,)`; pairs with NaN do not count.
        y: Values `(n,)`.
        span: Ends of the grid along x, and along y.
    """
    both = np.isfinite(x) & np.isfinite(y)
    x, y = x[both], y[both]
    counts, x_edges, y_edges = np.histogram2d(x, y, bins=_GRID, range=span)
    kernels = []
    for values, edges in ((x, x_edges), (y, y_edges)):
        middle = (edges[:-1] + edges[1:]) / 2
        inside = values[(values >= edges[0]) & (values <= edges[-1])]
        width = max(_spread(inside) * max(len(inside), 1) ** (-1 / 6), 0.9 * (edges[1] - edges[0]))
        kernel = np.exp(-((middle[:, None] - middle) ** 2) / (2 * width**2))
        kernels.append(kernel / kernel.sum(axis=0))
    share = kernels[0] @ counts @ kernels[1].T / max(counts.sum(), 1)
    return Density((x_edges[:-1] + x_edges[1:]) / 2, (y_edges[:-1] + y_edges[1:]) / 2, share)


def _spread(values: Values) -> float:
    if not len(values):
        return 0.0
    low, high = np.quantile(values, [0.16, 0.84])
    return float(np.sqrt(values.std() * (high - low) / 2))


@hep_style()
def pair_plots(
    pairs: Sequence[tuple[Named, Named]],
    reference_name: str,
    reference: Mapping[str, Values],
    candidates: Mapping[str, Mapping[str, Values]],
) -> Figure:
    """Draw densities of pairs of observables, a column for each pair and a row for each candidate.

    Contours enclose 50, 80 and 95 % of the showers; a sample of fewer than 200 is drawn as
    points. With one candidate the pairs stand in lines of three.

    Args:
        pairs: Observables along x and along y.
        reference_name: What the reference is called.
        reference: Values `(n,)` of the observables by name; NaN where one is not defined.
        candidates: The same of the candidates, by name.
    """
    several = len(candidates) > 1
    panels = [(k, pair) for k in range(len(candidates)) for pair in pairs]
    per_line = len(pairs) if several and len(pairs) <= 4 else min(3, max(len(pairs), 1))
    lines = -(-len(panels) // per_line)
    rows = -(-(2 + len(candidates)) // 3)
    head = 0.15 + 0.27 * rows
    width, height = per_line * _PANEL, head + lines * _PANEL
    figure = new_figure(width, height)
    names = list(candidates)
    for at, (k, (first, second)) in enumerate(panels):
        left = at % per_line * _PANEL + _LEFT
        bottom = height - head - (at // per_line + 1) * _PANEL + _BOTTOM
        box = (
            left / width,
            bottom / height,
            (_PANEL - _LEFT - _RIGHT) / width,
            (_PANEL - _TOP - _BOTTOM) / height,
        )
        axes = figure.add_axes(box)
        table = candidates[names[k]]
        span = _span(reference, candidates, first.name), _span(reference, candidates, second.name)
        _draw_reference(axes, reference[first.name], reference[second.name], span)
        _draw_candidate(axes, table[first.name], table[second.name], span, look(k)[0])
        axes.set(xlim=span[0], ylim=span[1])
        if several and at % per_line == 0:
            axes.set_title(shortened(names[k], 20), loc="right", fontsize=12, color=look(k)[0])
        axes.set_xlabel(_with_unit(first), fontsize=13)
        axes.set_ylabel(_with_unit(second), fontsize=13)
        axes.yaxis.set_label_coords(-0.22, 1.0)
        axes.xaxis.get_offset_text().set(x=0.0, horizontalalignment="left")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(4))
            axis.set_minor_locator(AutoMinorLocator(2))
    handles: list[Artist] = [
        Patch(facecolor=_FILLS[1], edgecolor="0.4", label=shortened(reference_name))
    ]
    handles += [
        Line2D([], [], color=look(k)[0], linewidth=2, label=shortened(name))
        for k, name in enumerate(names)
    ]
    handles.append(Line2D([], [], linestyle="none", label="contours hold 50, 80, 95 %"))
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.1 / width, 1 - 0.08 / height),
        ncols=min(len(handles), max(1, int(width / 3.9))),
        frameon=False,
        borderpad=0,
        borderaxespad=0,
    )
    return figure


def _with_unit(observable: Named) -> str:
    return f"{observable.label} [{observable.unit}]" if observable.unit else observable.label


def _span(
    reference: Mapping[str, Values], candidates: Mapping[str, Mapping[str, Values]], name: str
) -> tuple[float, float]:
    """Ends of an axis: nearly all of the reference, and of candidates as far again."""
    values = reference[name][np.isfinite(reference[name])]
    if not len(values):
        return 0.0, 1.0
    low, high = (float(q) for q in np.quantile(values, [0.003, 0.997]))
    reach = 0.5 * (high - low)
    ends = low - reach, high + reach
    for table in candidates.values():
        other = table[name][np.isfinite(table[name])]
        if len(other):
            q_low, q_high = (float(q) for q in np.quantile(other, [0.02, 0.98]))
            low, high = min(low, max(q_low, ends[0])), max(high, min(q_high, ends[1]))
    if high <= low:
        margin = 0.05 * abs(high) or 0.5
        return low - margin, high + margin
    # where all values end, as at 0, so does the axis
    every = [values, *(table[name][np.isfinite(table[name])] for table in candidates.values())]
    least = min(float(v.min()) for v in every if len(v))
    most = max(float(v.max()) for v in every if len(v))
    margin = 0.08 * (high - low)
    return max(low - margin, least), min(high + margin, most)


def _draw_reference(
    axes: Axes, x: Values, y: Values, span: tuple[tuple[float, float], tuple[float, float]]
) -> None:
    if _n_inside(x, y, span) < _FEW:
        axes.plot(x, y, "o", color=_FILLS[2], markersize=3, linewidth=0)
        return
    density = pair_density(x, y, span)
    levels = _rising([*density.levels(_MASSES), float(density.share.max()) * 1.001])
    axes.contourf(density.x, density.y, density.share.T, levels=levels, colors=_FILLS)


def _draw_candidate(
    axes: Axes,
    x: Values,
    y: Values,
    span: tuple[tuple[float, float], tuple[float, float]],
    colour: str,
) -> None:
    if _n_inside(x, y, span) < _FEW:
        axes.plot(x, y, "x", color=colour, markersize=3, linewidth=0)
        return
    density = pair_density(x, y, span)
    levels = _rising(density.levels(_MASSES))
    axes.contour(
        density.x, density.y, density.share.T, levels=levels, colors=colour, linewidths=_WIDTHS
    )


def _n_inside(x: Values, y: Values, span: tuple[tuple[float, float], tuple[float, float]]) -> int:
    inside = (x >= span[0][0]) & (x <= span[0][1]) & (y >= span[1][0]) & (y <= span[1][1])
    return int(np.count_nonzero(inside))


def _rising(levels: Sequence[float]) -> list[float]:
    """Levels that rise strictly, as contours need them, also for a density of a few spikes."""
    rising = [max(levels[0], 1e-12)]
    for level in levels[1:]:
        rising.append(max(level, rising[-1] * (1 + 1e-9)))
    return rising
