"""Frechet physics distance (FPD): two samples of many observables, as if both were Gaussian.

R. Kansal et al., Phys. Rev. D 107 (2023) 076017, arXiv:2211.10295. It sees means, spreads and
linear correlations of all observables at once, and no other property of their distribution.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calogan.errors import CaloganError
from calogan.statistics import Estimate

__all__ = ["fewest_for_frechet", "frechet_distance", "gaussian_frechet_distance"]

Floats = NDArray[np.float64]

_BLOCKS = 20
_SMALLEST_SHARE = 10  # blocks of 20
_PER_OBSERVABLE = 5


def gaussian_frechet_distance(
    first_mean: Floats, first_covariance: Floats, second_mean: Floats, second_covariance: Floats
) -> Floats:
    r"""Squared Frechet (2-Wasserstein) distance of two normal distributions.

    $|\mu_1 - \mu_2|^2 + \mathrm{tr}(\Sigma_1 + \Sigma_2 - 2 (\Sigma_1 \Sigma_2)^{1/2})$ (D. Dowson
    and B. Landau, J. Multivar. Anal. 12 (1982) 450; arXiv:2211.10295, section II). The trace of
    the root is that of $(\Sigma_1^{1/2} \Sigma_2 \Sigma_1^{1/2})^{1/2}$, which is symmetric, so
    that observables which depend on each other do no harm.

    Args:
        first_mean: Means `(..., d)`; any number of pairs at once.
        first_covariance: Covariances `(..., d, d)`.
        second_mean: Means `(..., d)`.
        second_covariance: Covariances `(..., d, d)`.

    Returns:
        Distances `(...)`.
    """
    values, vectors = np.linalg.eigh(first_covariance)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]) @ vectors.swapaxes(-1, -2)
    middle = root @ second_covariance @ root
    roots = np.sqrt(np.maximum(np.linalg.eigvalsh(middle), 0.0)).sum(axis=-1)
    traces = [np.trace(c, axis1=-2, axis2=-1) for c in (first_covariance, second_covariance)]
    distance: Floats = ((first_mean - second_mean) ** 2).sum(-1) + sum(traces) - 2 * roots
    return distance


def fewest_for_frechet(n_observables: int) -> int:
    """How many showers each sample needs: 5 per observable, and 40 at least.

    With fewer, the distance of finite samples is no straight line in 1/N. With so many, what that
    does to the result is less than half of its statistical error.
    """
    return max(_PER_OBSERVABLE * n_observables, 2 * _BLOCKS)


def frechet_distance(
    reference: Floats, candidate: Floats, *, rng: np.random.Generator, n_draws: int = 20
) -> Estimate:
    r"""Frechet physics distance, extrapolated to samples of infinite size ($FPD_\infty$).

    The distance of finite samples is too large by about c / N. As in arXiv:2211.10295 (section
    III; M. Chong and D. Forsyth, arXiv:1911.07023) it is taken for parts of the samples, averaged
    over 20 draws for each size, and a straight line in 1/N gives the value at 1/N = 0. What is
    other than there:

    - The paper's sizes are 20 000 to 50 000. Here they are shares from a half to all of
      both samples, whatever their sizes, and the line is in 1 / share.
    - Parts are drawn without replacement. With replacement (jetnet) the line ends at the distance
      of the two samples, which is above that of their distributions by c / N; without, it ends at
      the latter, and two samples of one distribution give 0 on average, at times less than 0.
    - The error holds the statistical error (a jackknife that leaves out one of 20 blocks of
      showers), and not only that of the line.

    Args:
        reference: Features `(n, d)`, finite and standardised, as `features_of` makes them.
        candidate: Features `(m, d)`.
        rng: Source of random numbers: which showers are drawn together.
        n_draws: Draws for each size.

    Raises:
        CaloganError: Fewer showers than `fewest_for_frechet` in a sample.
    """
    d = reference.shape[1]
    fewest = fewest_for_frechet(d)
    if min(len(reference), len(candidate)) < fewest:
        msg = (
            f"Frechet distance: {min(len(reference), len(candidate))} showers are too few for "
            f"{d} observables, at least {fewest} are needed"
        )
        raise CaloganError(msg)
    center = reference.mean(axis=0)
    sums = [_Blocks.of(features - center, rng) for features in (reference, candidate)]
    sizes = np.repeat(np.arange(_SMALLEST_SHARE, _BLOCKS), n_draws)
    drawn = [np.argsort(rng.random((len(sizes), _BLOCKS)), axis=1).argsort(axis=1) for _ in sums]
    left_out = 1.0 - np.eye(_BLOCKS)
    choices = [
        np.concatenate([ranks < sizes[:, None], left_out, np.ones((1, _BLOCKS))]) for ranks in drawn
    ]
    first, second = (s.gaussians(c) for s, c in zip(sums, choices, strict=True))
    found = gaussian_frechet_distance(*first, *second)
    draws, jackknife, whole = found[: len(sizes)], found[len(sizes) : -1], found[-1]
    means = np.append(draws.reshape(-1, n_draws).mean(axis=1), whole)
    inverse = _BLOCKS / np.arange(_SMALLEST_SHARE, _BLOCKS + 1)
    value, of_line = _intercept(inverse, means)
    of_sample = (_BLOCKS - 1) * float(np.var(jackknife))  # (B - 1) / B times the sum of squares
    return Estimate(value, float(np.sqrt(of_line**2 + of_sample)))


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Showers in blocks, as far as means and covariances need them.

    Args:
        numbers: Showers in each block, `(20,)`.
        sums: Sums of the features, `(20, d)`.
        products: Sums of the products of two features, `(20, d, d)`.
    """

    numbers: Floats
    sums: Floats
    products: Floats

    @classmethod
    def of(cls, features: Floats, rng: np.random.Generator) -> _Blocks:
        """Deal showers out to the blocks at random."""
        parts = np.array_split(rng.permutation(len(features)), _BLOCKS)
        blocks = [features[rows] for rows in parts]
        return cls(
            np.array([len(block) for block in blocks], dtype=float),
            np.stack([block.sum(axis=0) for block in blocks]),
            np.stack([block.T @ block for block in blocks]),
        )

    def gaussians(self, choices: Floats) -> tuple[Floats, Floats]:
        """Means `(k, d)` and covariances `(k, d, d)` of the blocks that each `(k, 20)` takes."""
        choices = choices.astype(float)
        n = (choices @ self.numbers)[:, None]
        mean = choices @ self.sums / n
        products = np.tensordot(choices, self.products, axes=1)
        scatter = products - n[..., None] * mean[:, :, None] * mean[:, None, :]
        return mean, scatter / (n[..., None] - 1)


def _intercept(x: Floats, y: Floats) -> tuple[float, float]:
    """Value and standard error at x = 0 of the straight line through points."""
    deviation = x - x.mean()
    spread = (deviation**2).sum()
    slope = (deviation * y).sum() / spread
    residual = y - y.mean() - slope * deviation
    variance = (residual**2).sum() / (len(x) - 2)
    error = np.sqrt(variance * (1 / len(x) + x.mean() ** 2 / spread))
    return float(y.mean() - slope * x.mean()), float(error)
