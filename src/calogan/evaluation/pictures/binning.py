"""Bins for one observable in several samples: chosen once, the same for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Binning", "Counts", "choose_binning"]

_FEWEST, _MANY, _MOST = 20, 30, 60
_TAIL = 0.002


@dataclass(frozen=True, eq=False)
class Counts:
    """A histogram.

    Args:
        inside: Showers in each bin, `(bins,)`.
        beyond: Showers below the first edge and above the last, `(2,)`; a value of exactly 0
            is below the first edge of a logarithmic axis.
    """

    inside: NDArray[np.float64]
    beyond: NDArray[np.float64]

    @property
    def all(self) -> NDArray[np.float64]:
        """Bins and what lies beyond, `(bins + 2,)`."""
        return np.concatenate([self.beyond[:1], self.inside, self.beyond[1:]])

    @property
    def n(self) -> float:
        """Number of showers, beyond the axis included."""
        return float(self.all.sum())

    @property
    def share_beyond(self) -> float:
        """Share of the showers beyond the axis."""
        return float(self.beyond.sum()) / self.n if self.n else 0.0


@dataclass(frozen=True, eq=False)
class Binning:
    """The edges of the bins, `(bins + 1,)`, evenly spaced in the value or in its logarithm."""

    edges: NDArray[np.float64]
    log: bool = False

    def count(self, values: NDArray[np.float64]) -> Counts:
        """Fill a histogram with values `(n,)`; NaN does not count."""
        found = values[~np.isnan(values)]
        inside, _ = np.histogram(found, self.edges)
        beyond = [(found < self.edges[0]).sum(), (found > self.edges[-1]).sum()]
        return Counts(inside.astype(np.float64), np.array(beyond, dtype=np.float64))


def choose_binning(
    reference: NDArray[np.float64],
    candidates: Sequence[NDArray[np.float64]],
    *,
    quantum: float | None = None,
    may_be_log: bool = False,
) -> Binning:
    """Choose bins that show the reference well and still hold most of the candidates.

    The axis reaches from the 0.2 % to the 99.8 % quantile of the reference, and further where a
    candidate does, at most by the reference's own width on either side. The number of bins
    follows Freedman and Diaconis, within 20 (30 for 900 showers and more) and 60.

    Args:
        reference: Values `(n,)`; NaN does not count.
        candidates: The same of the others.
        quantum: Distance of possible values: bins hold a whole number of them.
        may_be_log: Bins in the logarithm, where positive values span more than a decade and a
            half.
    """
    reference = reference[~np.isnan(reference)]
    others = [values[~np.isnan(values)] for values in candidates]
    log = may_be_log and _spans_decades(reference)
    if log:
        reference = np.log10(reference[reference > 0])
        others = [np.log10(values[values > 0]) for values in others]
    low, high = _span(reference, others)
    width = _bin_width(reference, low, high)
    if quantum is not None:
        step = max(1, round(width / quantum)) * quantum
        first = np.floor(low / step + 1e-9)
        number = int(np.floor(high / step + 1e-9) - first) + 1
        # half a step below, so that no possible value lies on an edge
        return Binning((first + np.arange(number + 1)) * step - quantum / 2)
    number = max(1, round((high - low) / width))
    edges = np.linspace(low, high, number + 1)
    return Binning(10**edges if log else edges, log)


def _spans_decades(values: NDArray[np.float64]) -> bool:
    positive = values[values > 0]
    if len(positive) < 10:
        return False
    low, high = np.quantile(positive, [0.05, 0.95])
    return bool(high > 30 * low)


def _span(
    reference: NDArray[np.float64], others: Sequence[NDArray[np.float64]]
) -> tuple[float, float]:
    filled = [values for values in (reference, *others) if len(values)]
    if not filled:
        return 0.0, 1.0
    low, high = (float(q) for q in np.quantile(filled[0], [_TAIL, 1 - _TAIL]))
    reach = high - low
    for values in filled[1:]:
        q_low, q_high = np.quantile(values, [5 * _TAIL, 1 - 5 * _TAIL])
        low = min(low, max(float(q_low), low - reach))
        high = max(high, min(float(q_high), high + reach))
    # an axis that nearly starts at a natural limit starts there
    if 0 < low < 0.1 * (high - low) and min(v.min() for v in filled) >= 0:
        low = 0.0
    if high <= low:
        middle = abs(low) or 1.0
        return low - 0.05 * middle, high + 0.05 * middle
    margin = 0.02 * (high - low)
    return (low if low == 0 else low - margin), high + margin


def _bin_width(values: NDArray[np.float64], low: float, high: float) -> float:
    if len(values) < 2:
        return (high - low) / _FEWEST
    quartiles = np.quantile(values, [0.25, 0.75])
    width = 2 * float(quartiles[1] - quartiles[0]) / len(values) ** (1 / 3)
    fewest = np.clip(np.sqrt(len(values)), _FEWEST, _MANY)
    return float(np.clip(width, (high - low) / _MOST, (high - low) / fewest))
