"""How observables go together: matrices of correlations, and densities of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calogan.evaluation.pictures.sheets import (
    shortened,
)
from calogan.evaluation.pictures.style import hep_style, new_figure
from calogan.observables import correlation_matrix

__all__ = ["CorrelationDifference", "correlation_difference", "correlation_matrices"]

Values = NDArray[np.float64]

_SIDE, _LEFT, _TOP, _BOTTOM, _BAR = 4.45, 0.75, 0.62, 0.62, 0.14
_WIDTH = 12.0
_NUMBERS = 8


@dataclass(frozen=True)
class CorrelationDifference:
    """How a candidate's correlations differ from the reference's.

    Args:
        largest: The difference, candidate minus reference, that is largest in size.
        largest_error: Its standard error.
        pair: Names of the two observables that have it; empty if no pair is defined.
        rms: Root mean square of the differences of all pairs.
        rms_noise: What it would be for two samples of one distribution.
    """

    largest: float
    largest_error: float
    pair: tuple[str, ...]
    rms: float
    rms_noise: float

    def as_dict(self) -> dict[str, Any]:
        """Numbers for a file."""
        return {**vars(self), "pair": list(self.pair)}


def correlation_difference(
    reference: Mapping[str, Values], candidate: Mapping[str, Values]
) -> CorrelationDifference:
    r"""Compare the correlations of two samples.

    The standard error of a correlation is $(1 - \rho^2) / \sqrt{n - 1}$ (M. Kendall, A. Stuart,
    The Advanced Theory of Statistics, for normal observables), with $\rho$ of the reference, and
    n the showers in which both observables are defined.

    Args:
        reference: Values `(n,)` of the observables by name; NaN where one is not defined.
        candidate: The same observables of the candidate, `(m,)`.
    """
    names = list(reference)
    expected = correlation_matrix(reference)
    found = correlation_matrix({name: candidate[name] for name in names})
    rows, columns = np.triu_indices(len(names), k=1)
    difference = (found - expected)[rows, columns]
    counts = [_both_defined(table, names)[rows, columns] for table in (reference, candidate)]
    one_over_n = sum(1 / np.maximum(count - 1, 1) for count in counts)
    errors = (1 - expected[rows, columns] ** 2) * np.sqrt(one_over_n)
    has = np.isfinite(difference)
    if not has.any():
        return CorrelationDifference(np.nan, np.nan, (), np.nan, np.nan)
    at = int(np.nanargmax(np.abs(difference)))
    return CorrelationDifference(
        float(difference[at]),
        float(errors[at]),
        (names[rows[at]], names[columns[at]]),
        float(np.sqrt(np.mean(difference[has] ** 2))),
        float(np.sqrt(np.mean(errors[has] ** 2))),
    )


def _both_defined(table: Mapping[str, Values], names: list[str]) -> Values:
    known = np.array([~np.isnan(table[name]) for name in names], dtype=np.float64)
    both: Values = known @ known.T
    return both


@hep_style()
def correlation_matrices(
    labels: Mapping[str, str],
    reference_name: str,
    reference: Mapping[str, Values],
    candidates: Mapping[str, Mapping[str, Values]],
) -> Figure:
    """Draw the correlations of observables, a row for each candidate.

    At the left the reference is above the diagonal and the candidate below it, so that a good
    candidate makes a symmetric picture; at the right is the difference, candidate minus
    reference. The largest difference is framed, and named above. A white cell is not defined.

    Args:
        labels: Symbol (mathtext) of each observable that is shown, by name.
        reference_name: What the reference is called.
        reference: Values `(n,)` of the observables by name; NaN where one is not defined.
        candidates: The same of the candidates, by name.
    """
    shown = {name: reference[name] for name in labels}
    expected = correlation_matrix(shown)
    line = _TOP + _SIDE + _BOTTOM
    height = line * len(candidates)
    figure = new_figure(_WIDTH, height)

    def axes(row: int, left: float, width: float) -> Axes:
        bottom = height - row * line - _TOP - _SIDE
        return figure.add_axes((left / _WIDTH, bottom / height, width / _WIDTH, _SIDE / height))

    second = _WIDTH / 2 + _LEFT
    for row, (name, table) in enumerate(candidates.items()):
        own = {observable: table[observable] for observable in labels}
        found = correlation_matrix(own)
        halves = np.where(np.triu(np.ones_like(found, dtype=np.bool_)), expected, found)
        left, right = axes(row, _LEFT, _SIDE), axes(row, second, _SIDE)
        mappable = _draw_matrix(left, halves, labels, 1.0)
        _draw_bar(figure, axes(row, _LEFT + _SIDE + 0.08, _BAR), mappable)
        difference = found - expected
        reach = _reach(difference)
        mappable = _draw_matrix(right, difference, labels, reach)
        _draw_bar(figure, axes(row, second + _SIDE + 0.08, _BAR), mappable)
        title = f"above the diagonal: {shortened(reference_name)}\nbelow: {shortened(name, 40)}"
        left.set_title(title, loc="left", fontsize=12)
        summary = correlation_difference(shown, own)
        _name_largest(right, summary, list(labels), labels)
    return figure


def _reach(difference: Values) -> float:
    """End of the scale of the differences, in steps: what 98 % of them do not reach beyond."""
    size = np.abs(difference[np.isfinite(difference)])
    reached = float(np.quantile(size, 0.98)) if len(size) else 0.0
    return next((step for step in (0.1, 0.2, 0.3, 0.5, 1.0) if reached <= step), 2.0)


def _draw_matrix(
    axes: Axes, matrix: Values, labels: Mapping[str, str], reach: float
) -> ScalarMappable:
    n = len(labels)
    mappable = axes.imshow(matrix, cmap="RdBu_r", vmin=-reach, vmax=reach, interpolation="nearest")
    axes.plot([-0.5, n - 0.5], [-0.5, n - 0.5], color="0.4", linewidth=0.8)
    size = float(np.clip(300 / max(n, 1), 6.5, 13))
    axes.set_xticks(range(n), list(labels.values()), fontsize=size, rotation=90 if n > 12 else 0)
    axes.set_yticks(range(n), list(labels.values()), fontsize=size)
    axes.tick_params(length=0, which="both")
    axes.minorticks_off()
    if n <= _NUMBERS:
        for i, j in np.argwhere(np.isfinite(matrix)):
            value = matrix[i, j]
            colour = "white" if abs(value) > 0.65 * reach else "black"
            axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=9.5, color=colour)
    return mappable


def _draw_bar(figure: Figure, axes: Axes, mappable: ScalarMappable) -> None:
    bar = figure.colorbar(mappable, cax=axes)
    low, high = mappable.get_clim()
    bar.set_ticks([low, low / 2, 0, high / 2, high])
    bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    bar.ax.tick_params(labelsize=11)
    bar.ax.minorticks_off()


def _name_largest(
    axes: Axes, summary: CorrelationDifference, names: list[str], labels: Mapping[str, str]
) -> None:
    if not summary.pair:
        axes.set_title("Difference: no pair is defined in both", loc="left", fontsize=12)
        return
    i, j = (names.index(name) for name in summary.pair)
    for x, y in ((i, j), (j, i)):
        axes.plot(
            [x - 0.5, x + 0.5, x + 0.5, x - 0.5, x - 0.5],
            [y - 0.5, y - 0.5, y + 0.5, y + 0.5, y - 0.5],
            color="black",
            linewidth=1.6,
        )
    axes.set_title(
        f"Difference; largest {summary.largest:+.2f} $\\pm$ {summary.largest_error:.2f}: "
        f"{labels[names[i]]}, {labels[names[j]]}\n"
        f"root mean square {summary.rms:.3f}; {summary.rms_noise:.3f} by chance",
        loc="left",
        fontsize=12,
    )
