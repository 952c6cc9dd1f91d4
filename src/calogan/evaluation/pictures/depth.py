"""Which layers of a calorimeter with many of them are looked at one by one."""

from __future__ import annotations

import numpy as np

from calogan.showers import Showers

__all__ = ["chosen_layers"]

_MANY, _CHOSEN = 12, 8


def chosen_layers(showers: Showers) -> tuple[int, ...]:
    """Layers to look at one by one: all, or 8 of more than 12 between which equal energies lie."""
    n = len(showers.layers)
    if n <= _MANY:
        return tuple(range(n))
    energy = showers.layer_energies.mean(axis=0)
    if not energy.sum() > 0:
        energy = np.ones(n)
    reached = np.cumsum(energy) / energy.sum()
    wanted = (np.arange(_CHOSEN) + 0.5) / _CHOSEN
    return tuple(int(k) for k in np.unique(np.searchsorted(reached, wanted).clip(0, n - 1)))
