"""How deep a shower goes, counted in layers: 0 is the first."""

from __future__ import annotations

import numpy as np

from calogan.observables.energies import layer_energies, total_energy
from calogan.observables.observable import Values, ratio
from calogan.observables.sharing import shared
from calogan.showers import Showers

__all__ = ["deepest_layer", "depth_weighted_energy", "shower_depth", "shower_depth_width"]


def deepest_layer(showers: Showers) -> Values:
    r"""Number of the deepest layer with energy in its cells, shape `(n,)`.

    $d = \max\{k : \max_{ij} E_{k,ij} > 0\}$ (arXiv:1705.02355: depth). NaN in an empty shower,
    where the published analysis code gives 0.
    """
    filled = layer_energies(showers) > 0
    last = filled.shape[1] - 1 - np.argmax(filled[:, ::-1], axis=1)
    return np.where(filled.any(axis=1), last, np.nan)


@shared
def depth_weighted_energy(showers: Showers) -> Values:
    r"""Energy times number of its layer [MeV], shape `(n,)`; 0 in an empty shower.

    $l_d = \sum_k k\,E_k$ (arXiv:1705.02355: depth-weighted total energy).
    """
    energies = layer_energies(showers)
    weighted: Values = energies @ np.arange(energies.shape[1], dtype=np.float64)
    return weighted


@shared
def shower_depth(showers: Showers) -> Values:
    r"""Energy-weighted mean number of the layer [layers], shape `(n,)`; NaN in an empty shower.

    $s_d = l_d / E_{tot}$ (arXiv:1705.02355: shower depth).
    """
    return ratio(depth_weighted_energy(showers), total_energy(showers))


def shower_depth_width(showers: Showers) -> Values:
    r"""Energy-weighted standard deviation of the number of the layer [layers], shape `(n,)`.

    $\sigma_{s_d} = \sqrt{\sum_k E_k (k - s_d)^2 / E_{tot}}$. NaN in an empty shower; 0 if one
    layer has it all. The paper (arXiv:1705.02355: shower depth width) writes the same as
    $\sqrt{\sum_k k^2 E_k / E_{tot} - s_d^2}$, which loses digits.
    """
    energies = layer_energies(showers)
    mean = np.nan_to_num(shower_depth(showers))
    squares = (energies * (np.arange(energies.shape[1]) - mean[:, None]) ** 2).sum(axis=1)
    return np.sqrt(ratio(squares, total_energy(showers)))
