"""Along the depth of a calorimeter: the energy in each layer, and which layers are looked at alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calogan.evaluation.binning import Binning
from calogan.evaluation.plots import overlay
from calogan.evaluation.sources import Sample
from calogan.evaluation.style import what_is_shown
from calogan.showers import Showers

__all__ = ["chosen_layers", "longitudinal_profile"]

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


@dataclass(frozen=True, eq=False)
class _Profile:
    """Mean energy per layer of one sample."""

    name: str
    n: float
    shares: NDArray[np.float64]
    errors: NDArray[np.float64]

    @classmethod
    def of(cls, sample: Sample, scale: float) -> _Profile:
        energy = sample.showers.layer_energies * scale
        error = energy.std(axis=0) / np.sqrt(len(energy))
        return cls(sample.name, len(energy), energy.mean(axis=0), error)


def longitudinal_profile(reference: Sample, candidates: Sequence[Sample]) -> Figure:
    """Draw the mean energy in the cells of each layer, with statistical errors.

    Args:
        reference: Reference.
        candidates: Candidates.
    """
    in_gev = reference.showers.layer_energies.mean(axis=0).max(initial=0) > 1e4
    scale, unit = (1e-3, "GeV") if in_gev else (1.0, "MeV")
    return overlay(
        Binning(np.arange(len(reference.showers.layers) + 1, dtype=np.float64) - 0.5),
        _Profile.of(reference, scale),
        [_Profile.of(candidate, scale) for candidate in candidates],
        label="Readout layer",
        unit="",
        left="Energy per layer",
        right=what_is_shown(reference.showers, reference.particles),
        height=f"Mean energy in the layer [{unit}]",
    )
