"""The cells of one readout layer, each where it is, coloured by its value."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from numpy.typing import NDArray

from calogan.calorimeter import AnyLayer, PolarLayer

__all__ = ["draw_cells", "energy_scale", "nearest_energy"]

_EMPTY = "#E6E6E6"
_ARC_STEPS = 180


def energy_scale(images: Iterable[NDArray[np.floating[Any]]], *, decades: float = 5) -> LogNorm:
    """Logarithmic scale of colours that ends at the largest value of all images.

    Args:
        images: Cell energies, of any shape.
        decades: How far the scale reaches down; less where no value lies there.
    """
    arrays = [np.asarray(image) for image in images]
    top = max((float(image.max(initial=0)) for image in arrays), default=0.0)
    if not top > 0:
        return LogNorm(0.1, 1.0, clip=True)
    lowest = min(float(image[image > 0].min(initial=top)) for image in arrays)
    low = max(lowest, top / 10**decades)
    return LogNorm(low if low < top else top / 10, top, clip=True)


def nearest_energy(
    energy_gev: NDArray[np.float64], wanted_gev: float, rng: np.random.Generator
) -> int:
    """Draw one of the showers whose energy is close to a wanted one.

    Of those within 1 % each may be drawn; without any, the closest is taken. A pick by chance, and
    not by looks, is what makes a picture of single showers fair.

    Args:
        energy_gev: Energies of the showers, `(n,)`, at least one [GeV].
        wanted_gev: The wanted energy [GeV].
        rng: Draws.
    """
    away = np.abs(energy_gev - wanted_gev)
    close = np.flatnonzero(away <= 0.01 * wanted_gev)
    return int(rng.choice(close)) if len(close) else int(away.argmin())


def draw_cells(
    axes: Axes,
    image: NDArray[np.floating[Any]],
    layer: AnyLayer,
    norm: Normalize,
    *,
    colours: str = "viridis",
) -> ScalarMappable:
    """Draw an image with eta to the right and phi upwards, each cell where it is.

    Args:
        axes: Where to; it gets the proportions of the layer, and no ticks.
        image: Values of the cells, of the layer's `shape`; grey where NaN, and where a
            logarithm has none.
        layer: The readout layer.
        norm: Scale of the colours.
        colours: Name of the colour map.
    """
    shown = np.ma.masked_invalid(image)
    if isinstance(norm, LogNorm):
        shown = np.ma.masked_less_equal(shown, 0)
    colormap = mpl.colormaps[colours].with_extremes(bad=_EMPTY)
    half = layer.half_extent_mm
    mappable: ScalarMappable
    if isinstance(layer, PolarLayer):
        parts = -(-_ARC_STEPS // layer.n_alpha)  # of each cell, so that its arcs are round
        alpha = np.linspace(-np.pi, np.pi, layer.n_alpha * parts + 1)[:, None]
        edges = np.array(layer.r_edges_mm)
        mappable = axes.pcolormesh(
            np.cos(alpha) * edges,
            np.sin(alpha) * edges,
            np.ma.repeat(shown, parts, axis=0),
            cmap=colormap,
            norm=norm,
            rasterized=True,
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
    axes.set(xticks=[], yticks=[])
    axes.minorticks_off()
    return mappable
