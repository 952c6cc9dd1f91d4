"""How a layer's energy is shared out among its cells: how many were hit, and the brightest."""

from __future__ import annotations

import numpy as np

from calogan.observables.energies import layer_energy
from calogan.observables.observable import Values, ratio
from calogan.observables.sharing import shared
from calogan.showers import Showers

__all__ = ["N_BRIGHTEST", "brightest_fraction", "energy_ratio", "hit_share"]

N_BRIGHTEST = 5
"""How many of the brightest cells are looked at, as in CaloFlow (arXiv:2106.05285)."""


def hit_share(showers: Showers, layer: int) -> Values:
    """Share of a layer's cells that hold energy above 0, shape `(n,)`; 0 in an empty layer.

    The paper's sparsity (arXiv:1705.02355), which also its discriminator looks at.
    """
    image = showers.layers[layer]
    share: Values = np.count_nonzero(image > 0, axis=(1, 2)) / (image.shape[1] * image.shape[2])
    return share


def energy_ratio(showers: Showers, layer: int) -> Values:
    r"""How much the brightest cell of a layer stands out, shape `(n,)`; NaN in an empty layer.

    $E_{ratio,k} = (E_{k,(1)} - E_{k,(2)}) / (E_{k,(1)} + E_{k,(2)})$ with $E_{k,(m)}$ the energy of
    the m-th brightest cell of layer k (arXiv:1705.02355: $E_{ratio,i}$). From 0, two cells of the
    same energy, to 1, all energy in one cell; always 1 where a layer has only one.
    """
    cells = _brightest(showers, layer)
    if cells.shape[1] == 1:
        return ratio(cells[:, 0], cells[:, 0])
    return ratio(cells[:, 0] - cells[:, 1], cells[:, 0] + cells[:, 1])


def brightest_fraction(showers: Showers, layer: int, place: int) -> Values:
    r"""Share of a layer's energy that is in its m-th brightest cell, shape `(n,)`.

    $E_{k,(m)} / E_k$, as in CaloFlow (arXiv:2106.05285). NaN in an empty layer; 0 where fewer
    than m cells were hit.

    Args:
        showers: n showers.
        layer: The layer.
        place: m, from 1 to 5, and at most the number of cells.
    """
    return ratio(_brightest(showers, layer)[:, place - 1].copy(), layer_energy(showers, layer))


@shared
def _brightest(showers: Showers, layer: int) -> Values:
    """Energies of the five brightest cells of a layer, falling [MeV], shape `(n, up to 5)`."""
    image = showers.layers[layer]
    cells = image.reshape(len(image), image.shape[1] * image.shape[2])
    # sorting whole rows is faster than partition for so few cells, and its results are the same
    best = np.sort(cells, axis=1)[:, -N_BRIGHTEST:]
    return best[:, ::-1].astype(np.float64)
