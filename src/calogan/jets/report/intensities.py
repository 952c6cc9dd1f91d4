"""Pixel intensities: how many pixels hold how much energy, and how far two samples are apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calogan.evaluation.distances.measures import Measured

__all__ = ["INTENSITY_EDGES_GEV", "Spectrum", "spectrum_distance"]

Values = NDArray[np.float64]

INTENSITY_EDGES_GEV: Values = np.logspace(-3, 3, 61)
"""Bins of the spectra: 10 in each decade from 1 MeV to 1 TeV [GeV]."""

_BINS = len(INTENSITY_EDGES_GEV) - 1
_HIGH = 0.95


@dataclass(frozen=True, eq=False)
class Spectrum:
    """How many pixels of each image are in each bin.

    Args:
        counts: `(n, bins)`; energies beyond the edges are in the outermost bins.
    """

    counts: NDArray[np.float32]

    @classmethod
    def of(cls, image: NDArray[np.float32]) -> Spectrum:
        """Count the hit pixels of images `(n, 25, 25)` [GeV]."""
        which, *_ = np.nonzero(image)
        energies = image[image > 0].astype(np.float64)
        bins = np.searchsorted(INTENSITY_EDGES_GEV, energies, side="right") - 1
        index = which * _BINS + bins.clip(0, _BINS - 1)
        counts = np.bincount(index, minlength=len(image) * _BINS)
        return cls(counts.reshape(len(image), _BINS).astype(np.float32))

    @property
    def per_image(self) -> Values:
        """Pixels per image in each bin, `(bins,)`."""
        mean: Values = self.counts.mean(axis=0, dtype=np.float64)
        return mean

    @property
    def errors(self) -> Values:
        """Statistical errors of it, from the scatter between images, `(bins,)`."""
        spread = self.counts.std(axis=0, dtype=np.float64)
        errors: Values = spread / np.sqrt(max(len(self.counts), 1))
        return errors


def spectrum_distance(
    reference: Spectrum, candidate: Spectrum, *, rng: np.random.Generator, n_bootstrap: int
) -> Measured:
    """1-Wasserstein distance of the logarithms of pixel intensities, in sd of the reference.

    Of hit pixels: how many are hit is another observable. Errors and floor are from images that
    are drawn again, as the pixels of one image belong together.

    Args:
        reference: Spectrum of the reference.
        candidate: Spectrum of the candidate.
        rng: Draws images.
        n_bootstrap: How often.
    """
    middles = np.log10(INTENSITY_EDGES_GEV[:-1])
    width = float(middles[1] - middles[0])
    shares = reference.per_image / max(reference.per_image.sum(), 1e-300)
    mean = shares @ middles
    sd = float(np.sqrt(shares @ (middles - mean) ** 2))
    if not (sd > 0 and candidate.counts.any()):
        return Measured(np.nan, np.nan, np.nan, np.nan)
    first, second = (
        _redrawn(s.counts, len(s.counts), rng, n_bootstrap) for s in (reference, candidate)
    )
    another = _redrawn(reference.counts, len(candidate.counts), rng, n_bootstrap)
    whole = (s.per_image[None] for s in (reference, candidate))
    value, around, null = (
        np.abs(_cumulative(a) - _cumulative(b)).sum(axis=1) * width / sd
        for a, b in ((next(whole), next(whole)), (first, second), (first, another))
    )
    floor, high = np.quantile(null, [0.5, _HIGH])
    return Measured(float(value[0]), float(around.std(ddof=1)), float(floor), float(high))


def _redrawn(
    counts: NDArray[np.float32], n: int, rng: np.random.Generator, n_bootstrap: int
) -> Values:
    """Spectra of n images each, drawn with replacement (Poisson weights), `(n_bootstrap, bins)`."""
    mean = n / len(counts)
    weights = rng.poisson(mean, (n_bootstrap, len(counts))).astype(np.float32)
    return (weights @ counts).astype(np.float64)


def _cumulative(counts: Values) -> Values:
    total = counts.sum(axis=1, keepdims=True)
    cumulative: Values = np.cumsum(counts, axis=1) / np.maximum(total, 1e-300)
    return cumulative
