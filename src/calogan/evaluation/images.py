"""Mean shower images: reference, candidate and their ratio, one row per candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from numpy.typing import NDArray

from calogan.calorimeter import PolarLayer, ReadoutLayer
from calogan.evaluation.sources import Sample
from calogan.evaluation.style import new_figure, plain

__all__ = ["mean_images"]

_EMPTY = "#E6E6E6"
_DECADES = 5
_LARGEST_RATIO = 10.0
_SMALLEST_RATIO = 1.5
_ARC_STEPS = 180


def mean_images(reference: Sample, candidates: Sequence[Sample], layer: int) -> Figure:
    """Draw the mean energy in each cell of a layer.

    Colours are on a logarithmic scale of five decades, the same for all samples; a cell that
    never has energy is grey.

    Args:
        reference: Reference.
        candidates: Candidates, one row each.
        layer: The readout layer.
    """
    readout = reference.showers.calorimeter.layers[layer]
    expected = _mean(reference, layer)
    means = [_mean(candidate, layer) for candidate in candidates]
    norm = _energy_norm([expected, *means])
    layout = _Layout(len(candidates))
    figure = new_figure(layout.width, layout.height)
    for row, (candidate, mean) in enumerate(zip(candidates, means, strict=True)):
        left, middle, right = (figure.add_axes(layout.panel(row, x)) for x in layout.panels)
        energy_bar, ratio_bar = (figure.add_axes(layout.bar(row, x)) for x in layout.bars)
        _draw(left, expected, readout, "viridis", norm)
        shown = _draw(middle, mean, readout, "viridis", norm)
        bar = figure.colorbar(shown, cax=energy_bar)
        bar.set_label("Mean energy per cell [MeV]", loc="center", fontsize=13)
        ratio = _ratio(mean, expected)
        reach = _reach(ratio)
        shown = _draw(right, ratio, readout, "RdBu_r", LogNorm(1 / reach, reach))
        bar = figure.colorbar(shown, cax=ratio_bar)
        bar.set_label("Ratio of means", loc="center", fontsize=13)
        ticks = _ratio_ticks(reach)
        bar.ax.yaxis.set_major_locator(FixedLocator(ticks))
        bar.ax.yaxis.set_major_formatter(FixedFormatter([f"{tick:g}" for tick in ticks]))
        bar.ax.yaxis.set_minor_locator(NullLocator())
        left.set_ylabel(r"$\phi$ direction, $y$ [mm]", loc="center", fontsize=13)
        titles = (reference.name, candidate.name, f"{candidate.name} / {reference.name}")
        for ax, title in zip((left, middle, right), titles, strict=True):
            ax.set_title(plain(title if len(title) < 40 else f"{title[:37]}…"), loc="left")
        for ax in (middle, right):
            ax.tick_params(labelleft=False)
    return figure


@dataclass(frozen=True)
class _Layout:
    """Where everything is [inch]: three squares and two colour bars per row."""

    rows: int
    side: float = 3.5
    below: float = 0.65
    above: float = 0.4
    panels: tuple[float, ...] = (0.85, 4.6, 9.3)
    bars: tuple[float, ...] = (8.22, 12.92)
    width: float = 13.85

    @property
    def height(self) -> float:
        return self.rows * (self.below + self.side + self.above)

    def panel(self, row: int, x: float) -> tuple[float, float, float, float]:
        return self._box(row, x, self.side)

    def bar(self, row: int, x: float) -> tuple[float, float, float, float]:
        return self._box(row, x, 0.17)

    def _box(self, row: int, x: float, width: float) -> tuple[float, float, float, float]:
        bottom = self.height - (row + 1) * (self.below + self.side + self.above) + self.below
        return x / self.width, bottom / self.height, width / self.width, self.side / self.height


def _mean(sample: Sample, layer: int) -> NDArray[np.float64]:
    mean: NDArray[np.float64] = sample.showers.layers[layer].mean(axis=0, dtype=np.float64)
    return mean


def _energy_norm(means: Sequence[NDArray[np.float64]]) -> LogNorm:
    top = max(float(mean.max()) for mean in means)
    if not top > 0:
        return LogNorm(0.1, 1.0)
    lowest = min(float(mean[mean > 0].min(initial=top)) for mean in means)
    low = max(lowest, top / 10**_DECADES)
    return LogNorm(low if low < top else top / 10, top, clip=True)


def _ratio(mean: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    both = (mean > 0) & (expected > 0)
    return np.divide(mean, expected, out=np.zeros_like(mean), where=both)


def _reach(ratio: NDArray[np.float64]) -> float:
    """Largest ratio of the scale, which is symmetric around 1: as wide as nearly all cells need."""
    away = np.abs(np.log(ratio[ratio > 0]))
    reach = float(np.exp(np.quantile(away, 0.98))) if len(away) else _SMALLEST_RATIO
    return float(np.clip(reach, _SMALLEST_RATIO, _LARGEST_RATIO))


def _ratio_ticks(reach: float) -> list[float]:
    if reach < 2:
        ticks = [0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.4, 1.6, 1.8]
    elif reach < 4:
        ticks = [0.3, 0.4, 0.5, 0.7, 1, 1.5, 2, 3]
    else:
        ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10]
    return [tick for tick in ticks if 0.999 / reach <= tick <= 1.001 * reach]


def _draw(
    axes: Axes,
    image: NDArray[np.float64],
    readout: ReadoutLayer | PolarLayer,
    colours: str,
    norm: LogNorm,
) -> ScalarMappable:
    """Draw an image with eta to the right and phi upwards, each cell where it is."""
    shown = np.ma.masked_less_equal(image, 0)
    colormap = mpl.colormaps[colours].with_extremes(bad=_EMPTY)
    half = readout.half_extent_mm
    mappable: ScalarMappable
    if isinstance(readout, PolarLayer):
        parts = -(-_ARC_STEPS // readout.n_alpha)  # of each cell, so that its arcs are round
        alpha = np.linspace(-np.pi, np.pi, readout.n_alpha * parts + 1)[:, None]
        edges = np.array(readout.r_edges_mm)
        mappable = axes.pcolormesh(
            np.cos(alpha) * edges,
            np.sin(alpha) * edges,
            np.ma.repeat(shown, parts, axis=0),
            cmap=colormap,
            norm=norm,
        )
        axes.set(xlim=(-half, half), ylim=(-half, half), aspect="equal")
    else:
        mappable = axes.imshow(
            shown.T,
            origin="lower",
            extent=(-half, half, -half, half),
            aspect="equal",
            interpolation="nearest",
            cmap=colormap,
            norm=norm,
        )
    axes.set_xlabel(r"$\eta$ direction, $x$ [mm]", loc="center", fontsize=13)
    axes.tick_params(direction="out", top=False, right=False)
    axes.minorticks_off()
    # labels at the very edge would run into those of the panel beside
    axes.set_xticks([tick for tick in axes.get_xticks() if abs(tick) < 0.98 * half])
    return mappable
