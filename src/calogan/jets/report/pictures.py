"""Pictures of jet images: averages, differences, single images, nearest neighbours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize, SymLogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from calogan.evaluation.pictures.memorisation import NeighbourResult, Neighbours
from calogan.evaluation.pictures.sheets import shortened
from calogan.evaluation.pictures.style import hep_style, new_figure
from calogan.jets.images import HALF_WIDTH, JetImages
from calogan.jets.report.samples import TITLES

__all__ = ["average_images", "differences", "neighbour_pairs", "single_images"]

Image = NDArray[np.float64]

_DECADES, _DECADES_OF_DIFFERENCES = 5, 3
_EMPTY = "#D9D9D9"
_SIDE, _GAP = 2.5, 0.12
_LEFT, _RIGHT, _ABOVE, _BELOW = 1.05, 1.15, 0.42, 0.6


@dataclass(frozen=True)
class _Grid:
    """Squares in rows and columns, with a colour bar at the right of rows [inch]."""

    figure: Figure
    rows: int
    columns: int
    side: float

    @classmethod
    def of(cls, rows: int, columns: int, side: float = _SIDE) -> _Grid:
        width = _LEFT + columns * side + (columns - 1) * _GAP + _RIGHT
        height = _ABOVE + rows * side + (rows - 1) * _GAP + _BELOW
        return cls(new_figure(width, height), rows, columns, side)

    def _box(self, row: int, x: float, width: float, rows: int = 1) -> Axes:
        total = self.figure.get_size_inches()
        top = _ABOVE + row * (self.side + _GAP)
        tall = rows * self.side + (rows - 1) * _GAP
        box = (x / total[0], 1 - (top + tall) / total[1], width / total[0], tall / total[1])
        return self.figure.add_axes(box)

    def panel(self, row: int, column: int) -> Axes:
        axes = self._box(row, _LEFT + column * (self.side + _GAP), self.side)
        axes.tick_params(direction="out", top=False, right=False, length=4, labelsize=11)
        axes.minorticks_off()
        axes.tick_params(labelleft=column == 0, labelbottom=row == self.rows - 1)
        return axes

    def bar(self, row: int, rows: int, shown: ScalarMappable, label: str) -> None:
        x = _LEFT + self.columns * (self.side + _GAP)
        axes = self._box(row, x, 0.15, rows)
        bar = self.figure.colorbar(shown, cax=axes)
        bar.set_label(label, loc="center", fontsize=12)
        axes.tick_params(labelsize=11)


def _draw(axes: Axes, image: Image, norm: Normalize, colours: str) -> ScalarMappable:
    """Draw one image, with phi' upwards and eta' to the right."""
    palette = mpl.colormaps[colours].with_extremes(bad=_EMPTY, under=_EMPTY)
    extent = (-HALF_WIDTH, HALF_WIDTH, -HALF_WIDTH, HALF_WIDTH)
    shown = axes.imshow(image, norm=norm, cmap=palette, extent=extent, interpolation="nearest")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 5, 10], prune="both"))
    return shown


def _energies(top: float, decades: int = _DECADES) -> LogNorm:
    top = top or 1.0
    return LogNorm(top / 10**decades, top)


def _symmetric(images: Sequence[Image]) -> SymLogNorm:
    reach = max(float(np.abs(image).max()) for image in images) or 1.0
    return SymLogNorm(reach / 10**_DECADES_OF_DIFFERENCES, vmin=-reach, vmax=reach)


def _seen(difference: Image, *means: Image) -> Image:
    """A difference, without the pixels in which no image has energy."""
    return np.where(sum(mean > 0 for mean in means) > 0, difference, np.nan)


@hep_style()
def average_images(means: Mapping[str, Mapping[str, Image]]) -> Figure:
    """Draw the average images of signal and background, and their difference.

    Energies are on a logarithmic scale of five decades, differences on one that is logarithmic on
    both sides of zero; each is the same for all samples. Pixels without any energy are grey.

    Args:
        means: By sample and class the average image, `(25, 25)` [GeV].
    """
    grid = _Grid.of(3, len(means))
    norm = _energies(max(float(m.max()) for of in means.values() for m in of.values()))
    apart = {name: of["signal"] - of["background"] for name, of in means.items()}
    symmetric = _symmetric(list(apart.values()))
    for column, (name, of) in enumerate(means.items()):
        top, middle, bottom = (grid.panel(row, column) for row in range(3))
        top.set_title(shortened(name, 22), loc="left")
        shown = _draw(top, of["signal"], norm, "viridis")
        _draw(middle, of["background"], norm, "viridis")
        unlike = _seen(apart[name], of["signal"], of["background"])
        difference = _draw(bottom, unlike, symmetric, "RdBu_r")
        bottom.set_xlabel(r"$\eta'$", loc="center", fontsize=13)
        if column == 0:
            for axes, label in zip(
                (top, middle, bottom), (*TITLES.values(), "signal $-$ background"), strict=True
            ):
                axes.set_ylabel(f"{label}\n$\\phi'$", loc="center", fontsize=12.5)
    grid.bar(0, 2, shown, "Mean energy per pixel [GeV]")
    grid.bar(2, 1, difference, "Difference [GeV]")
    return grid.figure


@hep_style()
def differences(reference: str, means: Mapping[str, Mapping[str, Image]]) -> Figure:
    """Draw the average images of candidates minus those of the reference.

    Args:
        reference: Name of the reference.
        means: By sample and class the average image, `(25, 25)` [GeV]; the reference is one.
    """
    own = means[reference]
    others = {name: of for name, of in means.items() if name != reference}
    grid = _Grid.of(2, len(others))
    found = {name: {of: mean - own[of] for of, mean in by.items()} for name, by in others.items()}
    norm = _symmetric([one for by in found.values() for one in by.values()])
    for column, (name, by) in enumerate(found.items()):
        for row, (of, label) in enumerate(TITLES.items()):
            axes = grid.panel(row, column)
            shown = _draw(axes, _seen(by[of], others[name][of], own[of]), norm, "RdBu_r")
            if row == 0:
                axes.set_title(shortened(name, 22), loc="left")
            else:
                axes.set_xlabel(r"$\eta'$", loc="center", fontsize=13)
            if column == 0:
                axes.set_ylabel(f"{label}\n$\\phi'$", loc="center", fontsize=12.5)
    grid.bar(0, 2, shown, f"Candidate $-$ {shortened(reference, 18)} [GeV]")
    return grid.figure


@hep_style()
def single_images(samples: Mapping[str, NDArray[np.float32]]) -> Figure:
    """Draw single images, a row for each sample.

    Args:
        samples: By name a few images, `(k, 25, 25)` [GeV], the same number of each.
    """
    columns = max(len(images) for images in samples.values())
    grid = _Grid.of(len(samples), columns, side=1.7)
    norm = LogNorm(1e-2, 300)
    for row, (name, images) in enumerate(samples.items()):
        for column, image in enumerate(images):
            axes = grid.panel(row, column)
            shown = _draw(axes, np.where(image > 0, image, np.nan), norm, "viridis")
            axes.tick_params(labelleft=False, labelbottom=False, length=0)
            if column == 0:
                axes.set_ylabel(shortened(name, 18), loc="center", fontsize=12)
    grid.bar(0, len(samples), shown, "Energy per pixel [GeV]")
    return grid.figure


@hep_style()
def neighbour_pairs(
    samples: Mapping[str, JetImages],
    result: NeighbourResult[JetImages],
    *,
    seed: int,
    n_pairs: int = 5,
) -> Figure:
    """Draw images above their nearest neighbours among the targets.

    Args:
        samples: Images of each sample by name, the reference first.
        result: The nearest neighbours.
        seed: Draws the images that are shown.
        n_pairs: How many of each sample.
    """
    rng = np.random.default_rng(seed)
    grid = _Grid.of(2 * len(samples), n_pairs, side=1.7)
    norm = LogNorm(1e-2, 300)
    targets = "training" if result.against == "training" else next(iter(samples))
    for k, (name, images) in enumerate(samples.items()):
        found: Neighbours = result.candidates.get(name, result.baseline)
        n = min(n_pairs, len(found.rows))
        for column, at in enumerate(np.sort(rng.choice(len(found.rows), n, replace=False))):
            pair = (
                images.image[found.rows[at]],
                result.targets.image[found.nearest[at]],
            )
            for line, image in enumerate(pair):
                axes = grid.panel(2 * k + line, column)
                shown = _draw(axes, np.where(image > 0, image, np.nan), norm, "viridis")
                axes.tick_params(labelleft=False, labelbottom=False, length=0)
                if column == 0:
                    label = f"nearest in\n{shortened(targets, 18)}" if line else shortened(name, 18)
                    axes.set_ylabel(label, loc="center", fontsize=12)
            axes.text(
                0.04,
                0.04,
                f"$d$ = {found.relative[at]:.2f}",
                transform=axes.transAxes,
                fontsize=10.5,
                bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.5},
            )
    grid.bar(0, 2 * len(samples), shown, "Energy per pixel [GeV]")
    return grid.figure
