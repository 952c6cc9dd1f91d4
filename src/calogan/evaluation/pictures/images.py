"""Mean shower images: reference, candidate, difference and ratio, one row per candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import LogNorm, Normalize, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from calogan.calorimeter import AnyLayer
from calogan.evaluation.pictures.cells import draw_cells, energy_scale
from calogan.evaluation.pictures.style import new_figure, plain
from calogan.evaluation.samples.accumulation import MeanImage

__all__ = ["mean_images"]

_DECADES_OF_DIFFERENCES = 3
_LARGEST_RATIO = 10.0
_SMALLEST_RATIO = 1.5


def mean_images(reference: MeanImage, candidates: Sequence[MeanImage]) -> Figure:
    """Draw the mean energy in each cell of a layer.

    Colours of energies are on a logarithmic scale of five decades, the same for all samples; a
    cell that never has energy is grey. Differences, candidate - reference, are on a scale that is
    logarithmic on both sides of zero and linear around it.

    Args:
        reference: Reference.
        candidates: Candidates, one row each.
    """
    norm = energy_scale([reference.mean, *(candidate.mean for candidate in candidates)])
    layout = _Layout(len(candidates))
    figure = new_figure(layout.width, layout.height)
    for row, candidate in enumerate(candidates):
        panels = [figure.add_axes(layout.panel(row, x)) for x in layout.panels]
        bars = [figure.add_axes(layout.bar(row, x)) for x in layout.bars]
        _draw(panels[0], reference.mean, reference.layer, norm)
        shown = _draw(panels[1], candidate.mean, reference.layer, norm)
        _label(figure.colorbar(shown, cax=bars[0]), "Mean energy per cell [MeV]")
        _draw_difference(panels[2], bars[1], candidate, reference)
        _draw_ratio(panels[3], bars[2], candidate, reference)
        panels[0].set_ylabel(r"$\phi$ direction, $y$ [mm]", loc="center", fontsize=13)
        titles = (reference.name, candidate.name, "difference", "ratio")
        for ax, title in zip(panels, titles, strict=True):
            ax.set_title(plain(title if len(title) < 32 else f"{title[:29]}…"), loc="left")
        for ax in panels[1:]:
            ax.tick_params(labelleft=False)
    return figure


def _draw_difference(
    axes: Axes, bar_axes: Axes, candidate: MeanImage, reference: MeanImage
) -> None:
    difference = candidate.mean - reference.mean
    reach = float(np.abs(difference).max()) or 1.0
    norm = SymLogNorm(reach / 10**_DECADES_OF_DIFFERENCES, vmin=-reach, vmax=reach)
    hit = (candidate.mean > 0) | (reference.mean > 0)
    shown = _draw(axes, np.where(hit, difference, np.nan), reference.layer, norm, "RdBu_r")
    bar = bar_axes.figure.colorbar(shown, cax=bar_axes)
    _label(bar, "Candidate - reference [MeV]")
    top = int(np.floor(np.log10(reach)))
    powers = [top, top - 1]
    ticks = [-(10.0**p) for p in powers] + [0.0] + [10.0**p for p in powers]
    names = [rf"$-10^{{{p}}}$" for p in powers] + ["0"] + [rf"$10^{{{p}}}$" for p in powers]
    _tick(bar, ticks, names)


def _draw_ratio(axes: Axes, bar_axes: Axes, candidate: MeanImage, reference: MeanImage) -> None:
    both = (candidate.mean > 0) & (reference.mean > 0)
    ratio = np.divide(candidate.mean, reference.mean, out=np.full(both.shape, np.nan), where=both)
    reach = _reach(ratio[both])
    norm = LogNorm(1 / reach, reach)
    bar = bar_axes.figure.colorbar(
        _draw(axes, ratio, reference.layer, norm, "RdBu_r"), cax=bar_axes
    )
    _label(bar, "Candidate / reference")
    ticks = _ratio_ticks(reach)
    _tick(bar, ticks, [f"{tick:g}" for tick in ticks])


def _label(bar: Colorbar, text: str) -> None:
    bar.set_label(text, loc="center", fontsize=12)


def _tick(bar: Colorbar, ticks: Sequence[float], names: Sequence[str]) -> None:
    bar.ax.yaxis.set_major_locator(FixedLocator(ticks))
    bar.ax.yaxis.set_major_formatter(FixedFormatter(names))
    bar.ax.yaxis.set_minor_locator(NullLocator())


@dataclass(frozen=True)
class _Layout:
    """Where everything is [inch]: four squares and three colour bars per row."""

    rows: int
    side: float = 3.3
    below: float = 0.65
    above: float = 0.4
    panels: tuple[float, ...] = (0.85, 4.3, 8.75, 13.2)
    bars: tuple[float, ...] = (7.7, 12.15, 16.6)
    width: float = 17.5

    @property
    def height(self) -> float:
        return self.rows * (self.below + self.side + self.above)

    def panel(self, row: int, x: float) -> tuple[float, float, float, float]:
        return self._box(row, x, self.side)

    def bar(self, row: int, x: float) -> tuple[float, float, float, float]:
        return self._box(row, x, 0.16)

    def _box(self, row: int, x: float, width: float) -> tuple[float, float, float, float]:
        bottom = self.height - (row + 1) * (self.below + self.side + self.above) + self.below
        return x / self.width, bottom / self.height, width / self.width, self.side / self.height


def _reach(ratio: NDArray[np.float64]) -> float:
    """Largest ratio of the scale, which is symmetric around 1: as wide as nearly all cells need."""
    away = np.abs(np.log(ratio))
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
    layer: AnyLayer,
    norm: Normalize,
    colours: str = "viridis",
) -> ScalarMappable:
    """Draw the cells of a layer, with millimetres at the axes."""
    mappable = draw_cells(axes, image, layer, norm, colours=colours)
    axes.set_xlabel(r"$\eta$ direction, $x$ [mm]", loc="center", fontsize=13)
    axes.tick_params(direction="out", top=False, right=False)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    # labels at the very edge would run into those of the panel beside
    half = layer.half_extent_mm
    axes.set_xticks([tick for tick in axes.get_xticks() if abs(tick) < 0.98 * half])
    return mappable
