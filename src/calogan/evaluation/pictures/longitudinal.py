"""Along the depth of a calorimeter: the mean energy in each layer, of all showers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from calogan.evaluation.pictures.binning import Binning
from calogan.evaluation.pictures.plots import overlay
from calogan.evaluation.pictures.style import what_is_shown
from calogan.evaluation.samples.accumulation import Sample

__all__ = ["longitudinal_profile"]


@dataclass(frozen=True, eq=False)
class _Profile:
    """Mean energy per layer of one sample."""

    name: str
    n: float
    shares: NDArray[np.float64]
    errors: NDArray[np.float64]

    @classmethod
    def of(cls, sample: Sample, scale: float) -> _Profile:
        return cls(sample.name, len(sample), sample.layer_mean * scale, sample.layer_error * scale)


def longitudinal_profile(
    reference: Sample, candidates: Sequence[Sample], *, log: bool = False
) -> Figure:
    """Draw the mean energy in the cells of each layer, with statistical errors.

    Args:
        reference: Reference.
        candidates: Candidates.
        log: Energy on a logarithmic scale.
    """
    scale, unit = (1e-3, "GeV") if reference.layer_mean.max(initial=0) > 1e4 else (1.0, "MeV")
    return overlay(
        Binning(np.arange(len(reference.layer_mean) + 1, dtype=np.float64) - 0.5),
        _Profile.of(reference, scale),
        [_Profile.of(candidate, scale) for candidate in candidates],
        label="Readout layer",
        unit="",
        left="Energy per layer",
        right=what_is_shown(reference.origin, reference.origin.particles),
        height=f"Mean energy in the layer [{unit}]",
        log=log,
    )
