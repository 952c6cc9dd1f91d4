"""The numbers of a comparison: every observable, in the reference and in each candidate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.evaluation.distances.measures import (
    Difference,
    Measured,
    Moments,
    difference,
    light,
    measure,
    moments,
)
from calogan.evaluation.pictures.binning import Binning, Counts, choose_binning
from calogan.observables import Observable

__all__ = ["Compared", "ComparedCandidate", "Shape", "compare_observable"]

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Shape:
    """An observable without the function that computes it: what tables and figures need.

    Args:
        name: Short and plain, as in tables and files.
        label: The symbol as mathtext.
        unit: Unit of all numbers here: GeV where MeV would need five digits.
        description: A few words.
        group: What kind of observable it is.
        quantum: Distance of the values that are possible, for one that counts something.
        layer: The readout layer that it is about, if it is about one.
        may_be_log: Whether its bins may be in the logarithm.
    """

    name: str
    label: str
    unit: str
    description: str
    group: str
    quantum: float | None = None
    layer: int | None = None
    may_be_log: bool = False

    @classmethod
    def of(cls, observable: Observable) -> Shape:
        """Describe an observable."""
        return cls(
            observable.name,
            observable.label,
            observable.unit,
            observable.description,
            observable.group,
            observable.quantum,
            observable.layer,
            observable.group == "energies" and observable.unit == "MeV",
        )


@dataclass(frozen=True, eq=False)
class ComparedCandidate:
    """One candidate in one observable.

    Args:
        name: Name of the candidate.
        moments: Its mean and standard deviation.
        difference: How they differ from those of the reference.
        counts: Its histogram.
        measured: Distances, by their name; without any for the incident energy.
        light: Traffic light of the distances: `green`, `yellow` or `red`; empty without any.
    """

    name: str
    moments: Moments
    difference: Difference
    counts: Counts
    measured: Mapping[str, Measured]
    light: str

    def as_dict(self) -> dict[str, Any]:
        """All numbers but the histogram, JSON-like."""
        distances = {name: asdict(found) for name, found in self.measured.items()}
        return (
            asdict(self.moments)
            | asdict(self.difference)
            | {"distances": distances, "light": self.light}
        )


@dataclass(frozen=True, eq=False)
class Compared:
    """One observable in the reference and in each candidate.

    Args:
        shape: The observable.
        binning: The bins of the histograms.
        reference: Mean and standard deviation in the reference.
        reference_counts: Histogram of the reference.
        candidates: The candidates.
    """

    shape: Shape
    binning: Binning
    reference: Moments
    reference_counts: Counts
    candidates: tuple[ComparedCandidate, ...]

    def as_dict(self) -> dict[str, Any]:
        """All numbers, JSON-like."""
        return {
            "description": self.shape.description,
            "unit": self.shape.unit,
            "group": self.shape.group,
            "reference": asdict(self.reference),
            "candidates": {c.name: c.as_dict() for c in self.candidates},
            "histogram": {
                "edges": self.binning.edges.tolist(),
                "reference": self.reference_counts.all.tolist(),
                "candidates": {c.name: c.counts.all.tolist() for c in self.candidates},
                "counts": "[below, bins..., above]",
            },
        }


def compare_observable(
    shape: Shape,
    reference: Values,
    candidates: Mapping[str, Values],
    *,
    seed: tuple[int, ...] = (0,),
    n_bootstrap: int = 200,
) -> Compared:
    """Measure how much the values of an observable differ.

    Args:
        shape: The observable.
        reference: Its values in the reference, `(n,)`; NaN where it is not defined.
        candidates: Its values in the candidates, by their names.
        seed: Fixes the bootstrap samples.
        n_bootstrap: Number of bootstrap samples; with 0 no distances are measured.
    """
    if shape.unit == "MeV" and np.nanmax(reference, initial=0) > 1e4:
        shape = replace(shape, unit="GeV")
        reference, candidates = reference / 1e3, {n: v / 1e3 for n, v in candidates.items()}
    binning = choose_binning(
        reference, list(candidates.values()), quantum=shape.quantum, may_be_log=shape.may_be_log
    )
    counts = binning.count(reference)
    rng = np.random.default_rng(seed)
    compared = []
    for name, values in candidates.items():
        own = binning.count(values)
        measured = (
            measure(reference, values, counts.all, own.all, rng=rng, n_bootstrap=n_bootstrap)
            if n_bootstrap
            else {}
        )
        differ = difference(reference, values, counts.all, own.all)
        compared.append(
            ComparedCandidate(
                name, moments(values), differ, own, measured, light(measured) if measured else ""
            )
        )
    return Compared(shape, binning, moments(reference), counts, tuple(compared))
