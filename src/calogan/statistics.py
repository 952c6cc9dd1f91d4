"""Samples of one observable in numbers: mean, spread, and how far two samples are apart.

Training, the quality of a model and the reports use these, so that one name is one formula
everywhere. A value that is not finite stands for "not defined in this shower" and never counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Estimate",
    "Moments",
    "compared_moments",
    "defined",
    "ks_distance",
    "mean_distance",
    "moments",
    "relative_wasserstein",
    "wasserstein",
]

Values = NDArray[np.float64]

_SMALLEST_DISTANCE = 0.01


@dataclass(frozen=True)
class Estimate:
    """A figure and its statistical error (one standard deviation)."""

    value: float
    error: float


@dataclass(frozen=True)
class Moments:
    """Mean and standard deviation of a sample, with their statistical errors.

    Args:
        n: Number of showers in which the observable is defined.
        defined: Their share of all showers.
        mean: Mean.
        mean_error: Its standard error.
        sd: Standard deviation (of the sample, with n - 1).
        sd_error: Its standard error, from the fourth moment.
    """

    n: int
    defined: float
    mean: float
    mean_error: float
    sd: float
    sd_error: float


def defined(values: Values) -> Values:
    """Leave out what is not finite: `(n,)` to `(k,)`, k <= n."""
    return values[np.isfinite(values)]


def moments(values: Values) -> Moments:
    """Mean and standard deviation of the finite values, `(n,)`."""
    found = defined(values)
    n = len(found)
    share = n / len(values) if len(values) else 0.0
    if n < 2:
        mean = float(found[0]) if n else np.nan
        return Moments(n, share, mean, np.nan, np.nan, np.nan)
    deviation = found - found.mean()
    variance = float((deviation**2).sum() / (n - 1))
    sd = np.sqrt(variance)
    # variance of the sample variance: (m4 - s^4 (n - 3) / (n - 1)) / n
    of_variance = max((deviation**4).mean() - variance**2 * (n - 3) / (n - 1), 0.0) / n
    sd_error = np.sqrt(of_variance) / (2 * sd) if sd > 0 else 0.0
    return Moments(
        n, share, float(found.mean()), float(sd / np.sqrt(n)), float(sd), float(sd_error)
    )


def compared_moments(real: Values, generated: Values) -> dict[str, float]:
    """Mean, spread and distance of two samples, as cards of models hold them; {} if one is empty.

    Args:
        real: Validation sample, `(n,)`.
        generated: Generated sample, `(m,)`.
    """
    a, b = defined(real), defined(generated)
    if not (len(a) and len(b)):
        return {}
    return {
        "validation_mean": float(a.mean()),
        "generated_mean": float(b.mean()),
        "validation_std": float(a.std()),
        "generated_std": float(b.std()),
        "distance": relative_wasserstein(a, b),
    }


def mean_distance(distances: Iterable[float]) -> float:
    """Geometric mean of relative distances: their scales differ, and each counts alike.

    One below 0.01, the noise of a validation sample, counts as 0.01. What is not defined is left
    out; without any the mean is infinite.
    """
    known = [max(value, _SMALLEST_DISTANCE) for value in distances if np.isfinite(value)]
    return float(np.exp(np.mean(np.log(known)))) if known else float("inf")


def wasserstein(
    first: Values,
    second: Values,
    *,
    first_weights: Values | None = None,
    second_weights: Values | None = None,
) -> float:
    r"""1-Wasserstein distance of two samples, in units of their values.

    $W_1 = \int |F(x) - G(x)|\,dx$, the area between the two cumulative distributions (L. N.
    Wasserstein 1969; in one dimension S. S. Vallender, Theory Probab. Appl. 18 (1974) 784). It is
    exact: nothing is binned.

    Args:
        first: Values `(n,)`; those that are not finite do not count.
        second: Values `(m,)`.
        first_weights: Weights `(n,)`, not negative; all equal without.
        second_weights: Weights `(m,)`.

    Returns:
        The distance; NaN if a sample is empty or has no weight.
    """
    a, b = _sorted(first, first_weights), _sorted(second, second_weights)
    if a is None or b is None:
        return np.nan
    points = np.sort(np.concatenate([a[0], b[0]]))
    gaps = np.abs(_cumulative(a, points[:-1]) - _cumulative(b, points[:-1]))
    return float((gaps * np.diff(points)).sum())


def relative_wasserstein(reference: Values, candidate: Values) -> float:
    """1-Wasserstein distance in standard deviations of the reference.

    A shift of the whole distribution by one tenth of its standard deviation is 0.1.

    Args:
        reference: Values `(n,)`; those that are not finite do not count.
        candidate: Values `(m,)`.

    Returns:
        The distance; NaN if a sample is empty or the reference has no spread to measure by.
    """
    found = defined(reference)
    # equal values may have a standard deviation of some 1e-17
    if not len(found) or found.min() == found.max():
        return np.nan
    return wasserstein(found, candidate) / float(found.std())


def ks_distance(first: Values, second: Values) -> float:
    r"""Kolmogorov-Smirnov distance: $\sup_x |F(x) - G(x)|$ of the cumulative distributions.

    Args:
        first: Values `(n,)`; those that are not finite do not count.
        second: Values `(m,)`.

    Returns:
        The distance, from 0 to 1; NaN if a sample is empty.
    """
    a, b = _sorted(first, None), _sorted(second, None)
    if a is None or b is None:
        return np.nan
    points = np.concatenate([a[0], b[0]])
    return float(np.abs(_cumulative(a, points) - _cumulative(b, points)).max())


def _sorted(values: Values, weights: Values | None) -> tuple[Values, Values | None] | None:
    """Sort values; with weights also their normalised sums, `(k + 1,)`, from 0 to 1."""
    finite = np.isfinite(values)
    found = values[finite]
    if weights is None:
        return (np.sort(found), None) if len(found) else None
    order = np.argsort(found, kind="stable")
    sums = np.concatenate([[0.0], np.cumsum(weights[finite][order])])
    return (found[order], sums / sums[-1]) if sums[-1] > 0 else None


def _cumulative(sample: tuple[Values, Values | None], points: Values) -> Values:
    ordered, sums = sample
    below = np.searchsorted(ordered, points, side="right")
    return below / len(ordered) if sums is None else sums[below]
