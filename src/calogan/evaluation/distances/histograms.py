"""Distances of two histograms with the same bins: separation power and chi2.

What takes counts `(k, bins)` compares k pairs of histograms at once, as a bootstrap needs it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "chi2_per_ndf",
    "chi2s",
    "merged_bins",
    "separation",
    "separation_noise",
    "separations",
    "shares",
]

Floats = NDArray[np.float64]

_FEWEST_EXPECTED = 5.0


def separation(reference: Floats, candidate: Floats) -> float:
    r"""Separation power of two histograms, from 0 (the same) to 1 (no overlap).

    $\langle S^2\rangle = \frac12 \sum_b (p_b - q_b)^2 / (p_b + q_b)$ with p and q the shares of
    the samples in bin b, as in CaloFlow (arXiv:2106.05285) and the CaloChallenge
    (arXiv:2410.21611).

    Args:
        reference: Counts `(bins,)`, with whatever lies beyond the axis in further bins.
        candidate: Counts in the same bins.
    """
    return float(separations(reference[None], candidate[None])[0])


def separation_noise(reference: Floats, candidate: Floats) -> float:
    """Separation power that two samples of one distribution have on average, by their size.

    Each share p_b has the variance p_b / N, so the expectation of `separation` is
    (filled bins - 1) / 4 (1 / N + 1 / M).
    """
    filled = np.count_nonzero(reference + candidate)
    if not (reference.sum() and candidate.sum()):
        return 0.0
    return float((filled - 1) / 4 * (1 / reference.sum() + 1 / candidate.sum()))


def chi2_per_ndf(reference: Floats, candidate: Floats) -> tuple[float, int]:
    r"""Compare two histograms of counts with a $\chi^2$ test of homogeneity.

    $\chi^2 = \frac{1}{NM} \sum_b (M n_b - N m_b)^2 / (n_b + m_b)$ with the counts n and m and
    their totals N and M, which may differ; the number of degrees of freedom is one less than the
    number of bins (H. Cramer 1946; N. Gagunashvili, arXiv:physics/0605123, eq. 1-3; ROOT's
    `TH1::Chi2Test` with the option `UU`). Neighbouring bins are merged until each holds enough
    that 5 entries would be expected of either sample.

    Args:
        reference: Counts `(bins,)`.
        candidate: Counts in the same bins.

    Returns:
        Chi2 over ndf, and ndf; NaN and 0 if there are no two bins to compare.
    """
    starts = merged_bins(reference, candidate)
    values = chi2s(reference[None], candidate[None], starts=starts)
    return float(values[0]), max(len(starts) - 1, 0)


def shares(counts: Floats) -> Floats:
    """Share of each bin: `(k, bins)` to the same; 0 where a histogram is empty."""
    found: Floats = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    return found


def separations(reference: Floats, candidate: Floats) -> Floats:
    """Separation power of pairs of histograms: `(k, bins)` twice to `(k,)`."""
    p, q = shares(reference), shares(candidate)
    both = p + q
    terms = np.divide((p - q) ** 2, both, out=np.zeros_like(both), where=both > 0)
    powers: Floats = 0.5 * terms.sum(axis=1)
    return powers


def merged_bins(reference: Floats, candidate: Floats) -> NDArray[np.intp]:
    """First bins of the groups of bins that hold enough entries together."""
    totals = reference.sum(), candidate.sum()
    if not all(totals):
        return np.zeros(1, np.intp)
    enough = _FEWEST_EXPECTED * sum(totals) / min(totals)
    starts, held = [0], 0.0
    both = reference + candidate
    for k, entries in enumerate(both):
        if held >= enough:
            starts.append(k)
            held = 0.0
        held += entries
    if held < enough and len(starts) > 1:
        starts.pop()  # what is left at the end joins the group before it
    return np.array(starts, np.intp)


def chi2s(reference: Floats, candidate: Floats, *, starts: NDArray[np.intp]) -> Floats:
    """Chi2 over ndf of pairs of histograms with merged bins: `(k, bins)` twice to `(k,)`."""
    if len(starts) < 2:
        return np.full(len(reference), np.nan)
    n, m = (np.add.reduceat(counts, starts, axis=1) for counts in (reference, candidate))
    n_all, m_all = n.sum(axis=1, keepdims=True), m.sum(axis=1, keepdims=True)
    both = n + m
    squares = (m_all * n - n_all * m) ** 2
    terms = np.divide(squares, both, out=np.zeros_like(both), where=both > 0)
    norm = np.maximum(n_all * m_all, 1e-300)[:, 0]
    ratios: Floats = terms.sum(axis=1) / norm / (len(starts) - 1)
    return ratios
