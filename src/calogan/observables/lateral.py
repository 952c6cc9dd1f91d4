"""Where across the beam a layer's energy is, and how far it spreads, along eta and phi."""

from __future__ import annotations

import numpy as np

from calogan.calorimeter import Axis, ReadoutLayer
from calogan.errors import CalorimeterError
from calogan.observables.observable import Values, ratio
from calogan.observables.sharing import shared
from calogan.showers import Showers

__all__ = ["centroid", "lateral_width", "lateral_width_cells"]


def centroid(showers: Showers, layer: int, axis: Axis) -> Values:
    r"""Energy-weighted mean position in a layer [mm], shape `(n,)`; NaN in an empty layer.

    $c_k = \sum_i E_{k,i} x_i / E_k$, with $x_i$ the centres of the cells along the axis; those of
    area, for cells in angle and radius.
    """
    mean: Values = _mean_and_width(showers, layer, axis)[0]
    return mean


def lateral_width(showers: Showers, layer: int, axis: Axis) -> Values:
    r"""Energy-weighted standard deviation of the position [mm], shape `(n,)`.

    $\sigma_k = \sqrt{\sum_i E_{k,i} (x_i - c_k)^2 / E_k}$, with $x_i$ the centres of the cells
    along the axis and $c_k$ the centroid. NaN in an empty layer; 0 if one row of cells has it all.

    The paper's $\sigma_i$ (arXiv:1705.02355, "standard deviation of the transverse energy
    profile") is the one along **eta**: its published numbers and analysis code use the centres
    of the eta cells in mm, although its table says cell numbers.
    """
    width: Values = _mean_and_width(showers, layer, axis)[1]
    return width


def lateral_width_cells(showers: Showers, layer: int, axis: Axis) -> Values:
    r"""Energy-weighted standard deviation of the position [cells], shape `(n,)`.

    `lateral_width` over the size of a cell along the axis: what it is with the numbers of the
    cells in place of their centres, as the table of the paper (arXiv:1705.02355) says. NaN in an
    empty layer.

    Raises:
        CalorimeterError: Cells in angle and radius: they have no size along eta or phi.
    """
    cells = showers.calorimeter.layers[layer]
    if not isinstance(cells, ReadoutLayer):
        msg = f"layer {layer} has cells in angle and radius: no width in cells along {axis}"
        raise CalorimeterError(msg)
    return lateral_width(showers, layer, axis) / cells.cell_size_mm[axis == "phi"]


@shared
def _mean_and_width(showers: Showers, layer: int, axis: Axis) -> Values:
    """Mean and standard deviation of the position [mm], shape `(2, n)`."""
    profile, centers = showers.calorimeter.layers[layer].profile(showers.layers[layer], axis)
    energy = profile.sum(axis=1)
    mean = ratio(profile @ centers, energy)
    # around the centroid, and not <x^2> - <x>^2: that loses digits and can go below zero
    squares = (profile * (centers - np.nan_to_num(mean)[:, None]) ** 2).sum(axis=1)
    return np.stack([mean, np.sqrt(ratio(squares, energy))])
