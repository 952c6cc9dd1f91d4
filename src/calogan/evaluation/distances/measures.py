"""How much two samples of one observable differ, in numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calogan.evaluation.distances.histograms import (
    chi2_per_ndf,
    chi2s,
    merged_bins,
    separation,
    separation_noise,
    separations,
    shares,
)
from calogan.evaluation.distances.lights import LIMITS, Light, grade, light
from calogan.evaluation.distances.resampling import filled_in, grid_counts, redraw
from calogan.statistics import (
    Moments,
    defined,
    ks_distance,
    moments,
    relative_wasserstein,
    wasserstein,
)

__all__ = [
    "LIMITS",
    "Difference",
    "Light",
    "Measured",
    "Moments",
    "chi2_per_ndf",
    "difference",
    "grade",
    "ks_distance",
    "light",
    "measure",
    "moments",
    "relative_wasserstein",
    "separation",
    "separation_noise",
    "wasserstein",
]

Floats = NDArray[np.float64]

_HIGH = 0.95


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


@dataclass(frozen=True)
class Measured:
    """A distance, and what chance alone makes of it.

    Args:
        value: The distance.
        error: Its bootstrap standard error.
        floor: Median of the same figure between two independent samples of the reference's
            distribution, with the sizes of reference and candidate.
        floor_high: 95 % quantile of that.
    """

    value: float
    error: float
    floor: float
    floor_high: float


def measure(
    reference: Floats,
    candidate: Floats,
    reference_counts: Floats,
    candidate_counts: Floats,
    *,
    rng: np.random.Generator,
    n_bootstrap: int = 200,
) -> dict[str, Measured]:
    """Measure the distances of two samples of one observable, with errors and floors.

    Showers in which the observable is not defined (NaN) fill one more bin of the histograms: if
    their shares differ, separation and chi2 say so. The other two look at the defined values.

    Errors and floors come from samples that are drawn again, see `calogan.evaluation.distances.resampling`:
    histograms as they are, cumulative distributions at about 1000 points. There, the
    Kolmogorov-Smirnov and 1-Wasserstein distances of equal samples agree with the exact ones, which
    `value` is, to 0.001 and, on average over samples, to 4 per cent. A bootstrap error is too large
    where the distance itself is at the floor; the floor is what counts there.

    Args:
        reference: Values `(n,)`; NaN where it is not defined.
        candidate: Values `(m,)`.
        reference_counts: Histogram `(bins,)` of the defined values, with what lies beyond the axis
            in further bins.
        candidate_counts: Histogram in the same bins.
        rng: Source of random numbers.
        n_bootstrap: How often samples are drawn again.

    Returns:
        `separation` (0 to 1), `ks` (0 to 1), `wasserstein` (in standard deviations of the
        reference) and `chi2_ndf`. What is not defined is NaN: all of it for an empty sample,
        `ks` and `wasserstein` where a sample has no defined value, `wasserstein` if the reference
        has one single value and the candidate another, `chi2_ndf` if all showers are in one bin;
        its floor, if all showers of the reference are. Without a bootstrap (`n_bootstrap` 0) there
        are neither errors nor floors.
    """
    counts = (
        _with_undefined(reference, reference_counts),
        _with_undefined(candidate, candidate_counts),
    )
    if not (counts[0].sum() and counts[1].sum()):
        nothing = Measured(np.nan, np.nan, np.nan, np.nan)
        return dict.fromkeys(("separation", "ks", "wasserstein", "chi2_ndf"), nothing)
    around = [redraw(one, rng=rng, n=n_bootstrap) for one in counts]
    # the last bin, of showers without a value, has no neighbour
    expected = np.append(filled_in(counts[0][:-1]), counts[0][-1])
    null = [redraw(expected, rng=rng, n=n_bootstrap, total=one.sum()) for one in counts]
    # the candidate may fill bins that no sample of the reference would: each pair has its own
    starts, null_starts = merged_bins(*counts), merged_bins(expected, _scaled(expected, counts[1]))
    ks, w1 = _of_values(reference, candidate, rng, n_bootstrap)
    return {
        "separation": _measured(
            separation(*counts),
            separations(*around),
            separations(*null),
        ),
        "ks": ks,
        "wasserstein": w1,
        "chi2_ndf": _measured(
            float(chi2s(counts[0][None], counts[1][None], starts=starts)[0]),
            chi2s(*around, starts=starts),
            chi2s(*null, starts=null_starts),
        ),
    }


def difference(
    reference: Floats,
    candidate: Floats,
    reference_counts: Floats,
    candidate_counts: Floats,
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
        relative_wasserstein(reference, candidate),
    )


def _ratio(
    above: float, above_error: float, below: float, below_error: float
) -> tuple[float, float]:
    if not below:
        return np.nan, np.nan
    error = np.hypot(above_error / below, above * below_error / below**2)
    return above / below, float(error)


def _with_undefined(values: Floats, counts: Floats) -> Floats:
    """Add a bin of the showers without a value, in the measure of the histogram."""
    n = len(defined(values))
    undefined = len(values) - n
    share = undefined / n * counts.sum() if n else undefined
    return np.append(counts, share)


def _scaled(counts: Floats, other: Floats) -> Floats:
    """Scale a histogram to the entries of another one."""
    total = counts.sum()
    return counts * (other.sum() / total) if total else counts


def _measured(value: float, around: Floats, null: Floats) -> Measured:
    if np.isnan(value):
        return Measured(np.nan, np.nan, np.nan, np.nan)
    error = float(np.nanstd(around, ddof=1)) if len(around) > 1 else np.nan
    if np.isnan(null).all():
        return Measured(value, error, np.nan, np.nan)
    floor, high = np.nanquantile(null, [0.5, _HIGH])
    return Measured(value, error, float(floor), float(high))


def _of_values(
    reference: Floats, candidate: Floats, rng: np.random.Generator, n_bootstrap: int
) -> tuple[Measured, Measured]:
    """Kolmogorov-Smirnov and relative 1-Wasserstein distance of values."""
    ks = ks_distance(reference, candidate)
    w1 = 0.0 if ks == 0 else relative_wasserstein(reference, candidate)
    if np.isnan(ks):
        nothing = Measured(np.nan, np.nan, np.nan, np.nan)
        return nothing, nothing
    points, *counts = grid_counts(reference, candidate)
    first, second = (redraw(one, rng=rng, n=n_bootstrap) for one in counts)
    another = redraw(counts[0], rng=rng, n=n_bootstrap, total=counts[1].sum())
    cumulative = np.cumsum(shares(first), axis=1)
    around = np.abs(cumulative - np.cumsum(shares(second), axis=1))
    null = np.abs(cumulative - np.cumsum(shares(another), axis=1))
    found = defined(reference)
    # of one and the same value in both samples there is one point, and no width
    widths = np.diff(points) / (found.std() if found.min() < found.max() else 1.0)
    return (
        _measured(ks, around.max(axis=1), null.max(axis=1)),
        _measured(w1, around[:, :-1] @ widths, null[:, :-1] @ widths),
    )
