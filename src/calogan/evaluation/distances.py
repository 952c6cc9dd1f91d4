"""How much two samples of one observable differ, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Difference",
    "Moments",
    "difference",
    "grade",
    "ks_distance",
    "moments",
    "separation",
    "separation_noise",
    "wasserstein",
]

Values = NDArray[np.float64]


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


@dataclass(frozen=True)
class Difference:
    """How a candidate differs from the reference.

    Args:
        ratio_mean: Candidate's mean over reference's; NaN for means that are compatible with 0.
        ratio_mean_error: Statistical error of it.
        ratio_sd: Candidate's standard deviation over reference's.
        ratio_sd_error: Statistical error of it.
        separation_percent: Separation power [%], see `separation`.
        separation_noise_percent: What two samples of one distribution would give [%].
        wasserstein: 1-Wasserstein distance in standard deviations of the reference.
    """

    ratio_mean: float
    ratio_mean_error: float
    ratio_sd: float
    ratio_sd_error: float
    separation_percent: float
    separation_noise_percent: float
    wasserstein: float


def moments(values: Values) -> Moments:
    """Mean and standard deviation of the values that are not NaN, `(n,)`."""
    found = values[~np.isnan(values)]
    n = len(found)
    defined = n / len(values) if len(values) else 0.0
    if n < 2:
        mean = float(found[0]) if n else np.nan
        return Moments(n, defined, mean, np.nan, np.nan, np.nan)
    deviation = found - found.mean()
    variance = float((deviation**2).sum() / (n - 1))
    sd = np.sqrt(variance)
    # variance of the sample variance: (m4 - s^4 (n - 3) / (n - 1)) / n
    of_variance = max((deviation**4).mean() - variance**2 * (n - 3) / (n - 1), 0.0) / n
    sd_error = np.sqrt(of_variance) / (2 * sd) if sd > 0 else 0.0
    return Moments(
        n, defined, float(found.mean()), float(sd / np.sqrt(n)), float(sd), float(sd_error)
    )


def separation(reference: NDArray[np.float64], candidate: NDArray[np.float64]) -> float:
    r"""Separation power of two histograms, from 0 (the same) to 1 (no overlap).

    $\langle S^2\rangle = \frac12 \sum_b (p_b - q_b)^2 / (p_b + q_b)$ with p and q the shares of
    the samples in bin b, as in CaloFlow (arXiv:2106.05285) and the CaloChallenge
    (arXiv:2410.21611).

    Args:
        reference: Counts `(bins,)`, with whatever lies beyond the axis in further bins.
        candidate: Counts in the same bins.
    """
    p, q = _shares(reference), _shares(candidate)
    both = p + q
    filled = both > 0
    return float(0.5 * ((p - q)[filled] ** 2 / both[filled]).sum())


def separation_noise(reference: NDArray[np.float64], candidate: NDArray[np.float64]) -> float:
    """Separation power that two samples of one distribution have on average, by their size.

    Each share p_b has the variance p_b / N, so the expectation of `separation` is
    (filled bins - 1) / 4 (1 / N + 1 / M).
    """
    filled = np.count_nonzero(reference + candidate)
    if not (reference.sum() and candidate.sum()):
        return 0.0
    return float((filled - 1) / 4 * (1 / reference.sum() + 1 / candidate.sum()))


def wasserstein(first: Values, second: Values) -> float:
    """1-Wasserstein distance of two samples, in units of their values.

    The area between the two cumulative distributions. NaN values do not count.
    """
    a, b, points = _sorted(first, second)
    if not (len(a) and len(b)):
        return np.nan
    return float((np.abs(_cdf(a, points) - _cdf(b, points))[:-1] * np.diff(points)).sum())


def ks_distance(first: Values, second: Values) -> float:
    """Kolmogorov-Smirnov distance: the largest difference of the cumulative distributions."""
    a, b, points = _sorted(first, second)
    if not (len(a) and len(b)):
        return np.nan
    return float(np.abs(_cdf(a, points) - _cdf(b, points)).max())


def difference(
    reference: Values,
    candidate: Values,
    reference_counts: NDArray[np.float64],
    candidate_counts: NDArray[np.float64],
) -> Difference:
    """Compare two samples of one observable.

    Args:
        reference: Values `(n,)`; NaN where it is not defined.
        candidate: Values `(m,)`.
        reference_counts: Histogram `(bins,)`, with what lies beyond the axis in further bins.
        candidate_counts: Histogram in the same bins.
    """
    r, c = moments(reference), moments(candidate)
    # a ratio of means says nothing where the mean is around zero by symmetry, as a centroid's
    has_mean = abs(r.mean) > max(5 * r.mean_error, 0.1 * r.sd)
    ratio_mean, ratio_mean_error = (
        _ratio(c.mean, c.mean_error, r.mean, r.mean_error) if has_mean else (np.nan, np.nan)
    )
    ratio_sd, ratio_sd_error = _ratio(c.sd, c.sd_error, r.sd, r.sd_error)
    return Difference(
        ratio_mean,
        ratio_mean_error,
        ratio_sd,
        ratio_sd_error,
        100 * separation(reference_counts, candidate_counts),
        100 * separation_noise(reference_counts, candidate_counts),
        wasserstein(reference, candidate) / r.sd if r.sd > 0 else np.nan,
    )


def _ratio(
    above: float, above_error: float, below: float, below_error: float
) -> tuple[float, float]:
    if not below:
        return np.nan, np.nan
    error = np.hypot(above_error / below, above * below_error / below**2)
    return above / below, float(error)


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    total = counts.sum()
    return counts / total if total else counts.astype(np.float64)


def _sorted(first: Values, second: Values) -> tuple[Values, Values, Values]:
    a, b = np.sort(first[~np.isnan(first)]), np.sort(second[~np.isnan(second)])
    return a, b, np.sort(np.concatenate([a, b]))


def _cdf(ordered: Values, points: Values) -> Values:
    return np.searchsorted(ordered, points, side="right") / len(ordered)


def grade(separation_percent: float, noise_percent: float) -> str:
    """How a separation is coloured: as `noise`, `above` it, or `large`."""
    if separation_percent <= 2 * noise_percent:
        return "noise"
    large = separation_percent > 5 * noise_percent and separation_percent > 5
    return "large" if large else "above"
