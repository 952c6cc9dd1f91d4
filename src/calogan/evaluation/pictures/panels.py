"""Curves in a panel: above their values, below the ratios to those of the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import (
    AutoMinorLocator,
    FixedLocator,
    FuncFormatter,
    MaxNLocator,
    NullLocator,
)
from numpy.typing import NDArray

from calogan.evaluation.pictures.sheets import REFERENCE_FILL, REFERENCE_LINE, look

__all__ = [
    "Curve",
    "draw_points",
    "draw_ratios",
    "draw_steps",
    "ratio_of",
    "shade_outside",
]

Values = NDArray[np.float64]

_OUTSIDE = "#F3E3C3"
_LIMITS = ((0.9, 1.1), (0.8, 1.2), (0.5, 1.5), (0.0, 2.0))


@dataclass(frozen=True, eq=False)
class Curve:
    """What a panel shows of one sample.

    Args:
        name: Name of the sample.
        values: Value in each bin, `(bins,)`; NaN where there is none.
        errors: Statistical error of each, `(bins,)`.
    """

    name: str
    values: Values
    errors: Values


def draw_steps(
    axes: Axes, edges: Values, reference: Curve, candidates: Sequence[Curve], *, log: bool = False
) -> None:
    """Draw histograms: the reference filled, all with bands of their statistical errors.

    Args:
        axes: Where to.
        edges: Edges of the bins, `(bins + 1,)`.
        reference: Reference.
        candidates: Candidates.
        log: On a logarithmic scale.
    """
    curves = [reference, *candidates]
    low, high = _height(curves, log=log)
    values = np.where(np.isnan(reference.values), low, reference.values)
    axes.stairs(values, edges, baseline=low, fill=True, color=REFERENCE_FILL, zorder=1)
    axes.stairs(reference.values, edges, baseline=None, color=REFERENCE_LINE, linewidth=1.4)
    _band(axes, edges, reference, low, hatch="//////")
    for k, curve in enumerate(candidates):
        colour, line, _ = look(k)
        _band(axes, edges, curve, low, colour=colour)
        drawn = np.where(curve.values > 0, curve.values, np.nan) if log else curve.values
        axes.stairs(drawn, edges, baseline=None, color=colour, linestyle=line, linewidth=1.8)
    if log:
        axes.set_yscale("log")
    axes.set_ylim(low, high)
    if not log:
        axes.yaxis.set_major_locator(MaxNLocator(6))
        axes.yaxis.set_minor_locator(AutoMinorLocator(2))


def _height(curves: Sequence[Curve], *, log: bool) -> tuple[float, float]:
    ends = np.concatenate([curve.values + curve.errors for curve in curves])
    ends = ends[np.isfinite(ends)]
    top = float(ends.max(initial=0)) or 1.0
    if not log:
        return 0.0, 1.12 * top
    values = np.concatenate([curve.values for curve in curves])
    lowest = float(values[values > 0].min(initial=top))
    low = max(lowest / 2, top * 1e-8)
    return low, top * (top / low) ** 0.06


def _band(
    axes: Axes, edges: Values, curve: Curve, low: float, *, colour: str = "", hatch: str = ""
) -> None:
    has = np.isfinite(curve.values) & np.isfinite(curve.errors)
    upper = np.where(has, curve.values + curve.errors, low)
    lower = np.where(has, np.maximum(curve.values - curve.errors, low), low)
    style = (
        {"facecolor": "none", "edgecolor": REFERENCE_LINE, "hatch": hatch}
        if hatch
        else {"color": colour, "alpha": 0.3}
    )
    axes.stairs(upper, edges, baseline=lower, fill=True, linewidth=0, **style)


def draw_points(
    axes: Axes, x: Sequence[Values], reference: Curve, candidates: Sequence[Curve]
) -> None:
    """Draw values with error bars, joined by lines.

    Args:
        axes: Where to.
        x: Places of the reference's values, and those of each candidate, each `(bins,)`.
        reference: Reference.
        candidates: Candidates.
    """
    for k, (place, curve) in enumerate(zip(x, (reference, *candidates), strict=True)):
        colour, line, marker = look(k - 1) if k else (REFERENCE_LINE, "-", "o")
        axes.errorbar(
            place,
            curve.values,
            curve.errors,
            color=colour,
            linestyle=line,
            linewidth=1.4 if k else 1.6,
            elinewidth=1.2,
            marker=marker,
            markersize=4 if k else 6,
            zorder=3 + k,
        )
    axes.yaxis.set_major_locator(MaxNLocator(6))
    axes.yaxis.set_minor_locator(AutoMinorLocator(2))


def ratio_of(curve: Curve, reference: Curve) -> Curve:
    """Values over the reference's, with the error of the curve alone; NaN where 0 divides."""
    has = np.isfinite(reference.values) & (reference.values != 0)
    safe = np.where(has, reference.values, 1.0)
    with np.errstate(invalid="ignore"):
        values = np.where(has, curve.values / safe, np.nan)
    return Curve(curve.name, values, np.abs(np.where(has, curve.errors / safe, np.nan)))


def draw_ratios(
    axes: Axes,
    reference: Curve,
    candidates: Sequence[Curve],
    *,
    edges: Values | None = None,
    x: Sequence[Values] = (),
) -> None:
    """Draw candidates over reference, each with its own error, and the reference's around 1.

    The scale follows what is to be seen, up to 0.1 to 10 in the logarithm. Triangles point to
    ratios beyond it.

    Args:
        axes: Where to.
        reference: Reference.
        candidates: Candidates.
        edges: Edges of bins `(bins + 1,)`, for ratios that belong to bins.
        x: Places of the reference and of each candidate, for those that belong to points.
    """
    own = ratio_of(reference, reference)
    has = np.isfinite(own.values) & np.isfinite(own.errors)
    width = np.where(has, own.errors, 0.0)
    if edges is not None:
        axes.stairs(
            1 + width, edges, baseline=1 - width, fill=True, color=REFERENCE_FILL, linewidth=0
        )
        places = _beside(edges, len(candidates), log=axes.get_xscale() == "log")
    else:
        axes.fill_between(x[0], 1 - width, 1 + width, color=REFERENCE_FILL, linewidth=0)
        places = list(x[1:])
    axes.axhline(1, color=REFERENCE_LINE, linewidth=1.2, zorder=2)
    ratios = [ratio_of(curve, reference) for curve in candidates]
    low, high = _ratio_scale(axes, ratios)
    many = edges is not None and len(edges) > 25
    # a point at the very edge would be cut: it counts as beyond
    if axes.get_yscale() == "log":
        least, most = 1.15 * low, high / 1.15
    else:
        least, most = low + 0.03 * (high - low), high - 0.03 * (high - low)
    for k, (place, ratio) in enumerate(zip(places, ratios, strict=True)):
        colour, line, marker = look(k)
        inside = (ratio.values >= least) & (ratio.values <= most)
        axes.errorbar(
            place[inside],
            ratio.values[inside],
            ratio.errors[inside],
            color=colour,
            linestyle=line if edges is None else "none",
            linewidth=1.2,
            elinewidth=1.0,
            marker=marker,
            markersize=2.6 if many else 4,
            zorder=4 + k,
        )
        _point_beyond(axes, place, ratio.values, (least, most), colour)


def _beside(edges: Values, n: int, *, log: bool) -> list[Values]:
    """Places in the bins for n samples, beside each other."""
    ends = np.log(edges) if log else edges
    middle, width = (ends[:-1] + ends[1:]) / 2, np.diff(ends)
    step = min(0.14, 0.6 / max(n, 1))
    places = [middle + (k - (n - 1) / 2) * step * width for k in range(n)]
    return [np.exp(place) for place in places] if log else places


def _point_beyond(
    axes: Axes, place: Values, values: Values, limits: tuple[float, float], colour: str
) -> None:
    low, high = limits
    for beyond, marker, height in ((values > high, "^", high), (values < low, "v", low)):
        n = np.count_nonzero(beyond)
        axes.plot(
            place[beyond], np.full(n, height), marker, color=colour, markersize=4, linewidth=0
        )


def _ratio_scale(axes: Axes, ratios: Sequence[Curve]) -> tuple[float, float]:
    found = np.concatenate([ratio.values for ratio in ratios] or [np.ones(1)])
    found = found[np.isfinite(found)]
    axes.grid(axis="y", color="#E5E5E5", linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)
    for low, high in _LIMITS:
        if not len(found) or np.mean((found < low) | (found > high)) < 0.08:
            break
    else:
        axes.set_yscale("log")
        axes.set_ylim(0.1, 10)
        axes.yaxis.set_major_locator(FixedLocator([0.2, 1, 5]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
        return 0.1, 10.0
    axes.set_ylim(low, high)
    axes.yaxis.set_major_locator(FixedLocator([(1 + low) / 2, 1, (1 + high) / 2]))
    axes.yaxis.set_minor_locator(NullLocator())
    return low, high


def shade_outside(axes: Axes, inside: tuple[float, float] | None) -> None:
    """Shade what lies outside a range of the axis along x, within the limits that it has."""
    if inside is None:
        return
    low, high = axes.get_xlim()
    for start, end in ((low, min(inside[0], high)), (max(inside[1], low), high)):
        if end > start:
            axes.axvspan(start, end, color=_OUTSIDE, linewidth=0, zorder=0)
    axes.set_xlim(low, high)
