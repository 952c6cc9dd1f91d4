"""Samples drawn again: what chance does to a histogram and to a cumulative distribution.

A bootstrap of n showers draws n of them with replacement. For everything that only counts, that
is a multinomial draw of the counts, whatever n is. Here the counts are drawn as independent
Poisson numbers and then divided by their sum (the Poisson bootstrap): given the sum that is the
same multinomial, and the sum itself differs from n by 1 / sqrt(n) only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calogan.statistics import defined

__all__ = ["filled_in", "grid_counts", "redraw"]

Floats = NDArray[np.float64]

_POINTS, _TAIL = 1000, 25
_FEW = 5


def redraw(counts: Floats, *, rng: np.random.Generator, n: int, total: float = 0.0) -> Floats:
    """Draw the counts of a sample again.

    Args:
        counts: Counts `(bins,)`; their shares are the distribution that is drawn from.
        rng: Source of random numbers.
        n: How many samples to draw.
        total: Mean number of entries of each; as many as there are without.

    Returns:
        Counts `(n, bins)`.
    """
    entries = counts.sum()
    mean = counts * (total / entries) if total and entries else counts
    return rng.poisson(mean, (n, len(counts))).astype(float)


def filled_in(counts: Floats) -> Floats:
    """Estimate the distribution behind a histogram whose tails hold single entries.

    Where one shower was seen another sample has none in one case of three, and the other way
    round. Drawn from the counts as they are, samples would never reach an empty bin, and two of
    them would look more alike than two independent samples do. So bins with fewer than 5 entries
    get the mean of themselves and of those neighbours that hold fewer than 5, twice. A spike
    between empty bins remains.

    Args:
        counts: Counts `(bins,)` of neighbouring bins.

    Returns:
        The same number of entries, `(bins,)`.
    """
    few = counts < _FEW
    window = np.ones(3)
    neighbours = np.convolve(few, window, "same")
    smooth = counts
    for _ in range(2):
        inside = np.convolve(np.where(few, smooth, 0.0), window, "same")
        smooth = np.where(few, inside / np.maximum(neighbours, 1.0), smooth)
    total = smooth.sum()
    return smooth * (counts.sum() / total) if total else counts


def grid_counts(first: Floats, second: Floats) -> tuple[Floats, Floats, Floats]:
    """Count two samples between points at which their cumulative distributions shall be compared.

    The points are about 1000 quantiles of both samples together and their 25 smallest and 25
    largest values, so that single showers far out stay where they are. Samples with fewer
    different values than that, as those of observables that count cells, are met exactly. Else
    the cumulative distributions move by 0.001 at most from one point to the next: that is how
    exact a Kolmogorov-Smirnov distance is that is taken at the points only.

    Args:
        first: Values `(n,)`; those that are not finite do not count.
        second: Values `(m,)`.

    Returns:
        The points `(k,)` in rising order, and the number of values of each sample in (previous
        point, point], `(k,)`. The last point is the largest value.
    """
    a, b = defined(first), defined(second)
    both = np.sort(np.concatenate([a, b]))
    if len(both) <= _POINTS + 2 * _TAIL:
        points = np.unique(both)
    else:
        inner = np.linspace(0, len(both) - 1, _POINTS + 1).round().astype(int)
        points = np.unique(np.concatenate([both[:_TAIL], both[inner], both[-_TAIL:]]))
    counts = [
        np.bincount(np.searchsorted(points, values, side="left"), minlength=len(points))
        for values in (a, b)
    ]
    return points, counts[0].astype(float), counts[1].astype(float)
