"""ROC curves of classifiers: how well signal is told from background."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import AutoMinorLocator
from numpy.typing import NDArray

from calogan.evaluation.pictures.sheets import (
    look,
    shortened,
)
from calogan.evaluation.pictures.style import hep_style, new_figure

__all__ = ["RocBand", "area_under", "roc_band", "roc_curves"]

Values = NDArray[np.float64]

_POINTS = 201
_LINES = ("-", "--", "-.", ":")


@dataclass(frozen=True, eq=False)
class RocBand:
    """Mean and spread of the ROC curves of several seeds.

    Args:
        background: Share of background that is kept, `(points,)`, evenly from 0 to 1.
        signal: Mean share of signal that is kept there, `(points,)`.
        signal_spread: Standard deviation of it between seeds; 0 with one seed.
        efficiency: Share of signal that is kept, `(points,)`, evenly from 0 to 1.
        rejection: Background rejection 1 / (share of background kept) there, the geometric mean
            of the seeds, `(points,)`; infinite where no background is kept.
        rejection_low: The same one standard deviation of the logarithm lower.
        rejection_high: One higher.
        auc: Mean area under the curve.
        auc_spread: Standard deviation of it between seeds; 0 with one seed.
        n: Number of seeds.
    """

    background: Values
    signal: Values
    signal_spread: Values
    efficiency: Values
    rejection: Values
    rejection_low: Values
    rejection_high: Values
    auc: float
    auc_spread: float
    n: int


def area_under(fpr: Values, tpr: Values) -> float:
    """Area under a ROC curve, by the trapezoidal rule."""
    return float(np.trapezoid(tpr, fpr))


def roc_band(curves: Sequence[tuple[Values, Values]]) -> RocBand:
    """Average ROC curves.

    Args:
        curves: For each seed the share of background that is kept and that of signal, both
            rising from 0 to 1, `(points,)` each.
    """
    grid = np.linspace(0, 1, _POINTS)
    signal = np.array([np.interp(grid, fpr, tpr) for fpr, tpr in curves])
    # a staircase: at equal shares of signal, the least background
    kept = np.array([np.interp(grid, *_first_of_each(tpr, fpr)) for fpr, tpr in curves])
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = -np.log(kept)
        middle, spread = logs.mean(axis=0), logs.std(axis=0, ddof=min(1, len(curves) - 1))
    spread = np.where(np.isfinite(spread), spread, 0.0)
    areas = np.array([area_under(fpr, tpr) for fpr, tpr in curves])
    ddof = min(1, len(curves) - 1)
    return RocBand(
        grid,
        signal.mean(axis=0),
        signal.std(axis=0, ddof=ddof),
        grid,
        np.exp(middle),
        np.exp(middle - spread),
        np.exp(middle + spread),
        float(areas.mean()),
        float(areas.std(ddof=ddof)),
        len(curves),
    )


def _first_of_each(values: Values, others: Values) -> tuple[Values, Values]:
    """Keep one point of those with equal values: the first."""
    new = np.concatenate([[True], np.diff(values) > 0])
    return values[new], others[new]


@hep_style()
def roc_curves(
    curves: Mapping[str, Sequence[tuple[Values, Values]]],
    *,
    signal: str = "signal",
    background: str = "background",
    note: str = "",
) -> Figure:
    """Draw ROC curves: plain, and as background rejection on a logarithmic axis.

    Lines are means over seeds, bands the standard deviation between them.

    Args:
        curves: By name, for each seed the false and the true positive rates, both rising from 0
            to 1, `(points,)` each.
        signal: What the true positives are.
        background: What the false positives are.
        note: What is shown, for the head of the figure.
    """
    bands = {name: roc_band(seeds) for name, seeds in curves.items() if len(seeds)}
    width, side, left, gap, bottom, above = 12.0, 4.7, 0.95, 1.25, 0.75, 0.45
    rows = 0.27 * -(-len(bands) // 2)
    height = bottom + side + above + rows
    figure = new_figure(width, height)
    boxes = [
        (x / width, bottom / height, side / width, side / height) for x in (left, left + side + gap)
    ]
    plain_axes, log_axes = (figure.add_axes(box) for box in boxes)
    grid = np.linspace(0, 1, _POINTS)
    plain_axes.plot([0, 1], [0, 1], color="0.6", linewidth=1.2, linestyle=":")
    log_axes.plot(grid[1:], 1 / grid[1:], color="0.6", linewidth=1.2, linestyle=":")
    handles = []
    for k, (name, band) in enumerate(bands.items()):
        colour, line = look(k)[0], _LINES[k % len(_LINES)]
        area = f"AUC {band.auc:.3f}" + (f" $\\pm$ {band.auc_spread:.3f}" if band.n > 1 else "")
        handle = plain_axes.plot(
            band.background,
            band.signal,
            color=colour,
            linestyle=line,
            linewidth=2,
            label=f"{shortened(name, 40)}: {area}",
        )
        handles += handle
        _fill(
            plain_axes,
            band.background,
            (band.signal - band.signal_spread, band.signal + band.signal_spread),
            colour,
        )
        shown = np.isfinite(band.rejection) & (band.efficiency > 0)
        x = band.efficiency[shown]
        log_axes.plot(x, band.rejection[shown], color=colour, linestyle=line, linewidth=2)
        ends = band.rejection_low[shown], band.rejection_high[shown]
        _fill(log_axes, x, ends, colour)
    plain_axes.set(xlim=(0, 1), ylim=(0, 1))
    plain_axes.set_xlabel(f"Share of {background} kept", fontsize=13.5)
    plain_axes.set_ylabel(f"Share of {signal} kept", fontsize=13.5)
    log_axes.set(xlim=(0, 1), yscale="log", ylim=(1, _top(bands)))
    log_axes.set_xlabel(f"Share of {signal} kept", fontsize=13.5)
    log_axes.set_ylabel(f"Rejection of {background}, 1 / share kept", fontsize=13.5)
    for ax in (plain_axes, log_axes):
        ax.xaxis.set_minor_locator(AutoMinorLocator(2))
    plain_axes.yaxis.set_minor_locator(AutoMinorLocator(2))
    if note:
        figure.text(1 - 0.1 / width, 1 - 0.1 / height, note, ha="right", va="top", fontsize=12)
    figure.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(0.15 / width, 1 - (0.35 if note else 0.1) / height),
        ncols=2,
        frameon=False,
        borderpad=0,
        borderaxespad=0,
    )
    return figure


def _fill(axes: Axes, x: Values, ends: tuple[Values, Values], colour: str) -> None:
    axes.fill_between(x, *ends, color=colour, alpha=0.25, linewidth=0)


def _top(bands: Mapping[str, RocBand]) -> float:
    """End of the logarithmic axis: a decade above what is reached at 10 % of signal."""
    reached = [band.rejection[band.efficiency >= 0.1] for band in bands.values()]
    found = np.concatenate([values[np.isfinite(values)] for values in reached] or [np.ones(1)])
    top = float(found.max(initial=10.0))
    return float(10 ** np.ceil(np.log10(2 * top)))
