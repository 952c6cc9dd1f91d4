"""The numbers of a comparison: every observable, in the reference and in each candidate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from calogan.evaluation.binning import Binning, Counts, choose_binning
from calogan.evaluation.distances import Difference, Moments, difference, moments
from calogan.evaluation.sources import Sample
from calogan.observables import Observable

__all__ = ["Compared", "ComparedCandidate", "compare_observable"]


@dataclass(frozen=True, eq=False)
class ComparedCandidate:
    """One candidate in one observable."""

    name: str
    moments: Moments
    difference: Difference
    counts: Counts


@dataclass(frozen=True, eq=False)
class Compared:
    """One observable in the reference and in each candidate.

    Args:
        observable: The observable.
        unit: Unit of all numbers here: GeV where MeV would need five digits.
        binning: The bins of the histograms.
        reference: Mean and standard deviation in the reference.
        reference_counts: Histogram of the reference.
        candidates: The candidates.
    """

    observable: Observable
    unit: str
    binning: Binning
    reference: Moments
    reference_counts: Counts
    candidates: tuple[ComparedCandidate, ...]

    @property
    def separation_percent(self) -> float:
        """Largest separation power of a candidate [%]."""
        return max(c.difference.separation_percent for c in self.candidates)

    def as_dict(self) -> dict[str, Any]:
        """All numbers, JSON-like."""
        return {
            "description": self.observable.description,
            "unit": self.unit,
            "reference": asdict(self.reference),
            "candidates": {
                c.name: asdict(c.moments) | asdict(c.difference) for c in self.candidates
            },
            "histogram": {
                "edges": self.binning.edges.tolist(),
                "reference": self.reference_counts.all.tolist(),
                "candidates": {c.name: c.counts.all.tolist() for c in self.candidates},
                "counts": "[below, bins..., above]",
            },
        }


def compare_observable(
    observable: Observable, reference: Sample, candidates: Sequence[Sample]
) -> Compared:
    """Compute an observable in all samples, and how much they differ."""
    expected = observable.compute(reference.showers)
    values = [observable.compute(candidate.showers) for candidate in candidates]
    unit = observable.unit
    if unit == "MeV" and np.nanmax(expected, initial=0) > 1e4:
        unit, expected, values = "GeV", expected / 1e3, [v / 1e3 for v in values]
    binning = choose_binning(
        expected,
        values,
        quantum=observable.quantum,
        may_be_log=observable.group == "energies" and observable.unit == "MeV",
    )
    counts = binning.count(expected)
    return Compared(
        observable,
        unit,
        binning,
        moments(expected),
        counts,
        tuple(
            _candidate(candidate.name, value, expected, counts, binning)
            for candidate, value in zip(candidates, values, strict=True)
        ),
    )


def _candidate(
    name: str,
    values: np.ndarray[Any, np.dtype[np.float64]],
    expected: np.ndarray[Any, np.dtype[np.float64]],
    expected_counts: Counts,
    binning: Binning,
) -> ComparedCandidate:
    counts = binning.count(values)
    return ComparedCandidate(
        name,
        moments(values),
        difference(expected, values, expected_counts.all, counts.all),
        counts,
    )
