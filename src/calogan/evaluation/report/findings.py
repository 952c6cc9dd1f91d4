"""Everything that a comparison found, before it is put into figures, a page and a file of numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from calogan.evaluation.report.comparison import Compared
from calogan.evaluation.report.particles import Pair
from calogan.evaluation.report.settings import Settings
from calogan.evaluation.report.verdict import Verdict
from calogan.evaluation.samples.accumulation import Sample
from calogan.showers import Showers

__all__ = ["Findings"]


@dataclass(frozen=True, eq=False)
class Findings:
    """What a comparison found.

    Args:
        settings: What was asked for.
        reference: The reference.
        candidates: The candidates.
        floor: A second sample of the reference's simulation, if there is one.
        mode: How showers were selected: `all`, `overlap`, `window`.
        notes: What to keep in mind, one sentence each.
        energy: The incident energy.
        observables: All observables; the floor, if any, comes after the candidates.
        layers: Layers that are shown one by one.
        overall: Distances over all observables together, by the names of the samples.
        classifiers: What the classifiers found, by the names of the candidates and the inputs.
        verdicts: The judgement on each candidate.
        extrapolated: Showers of candidates for energies also outside of their training.
        others: Reference and candidate of further particles.
        physics: How well classifiers tell particles apart, by the name of the other one.
    """

    settings: Settings
    reference: Sample
    candidates: tuple[Sample, ...]
    floor: Sample | None
    mode: str
    notes: tuple[str, ...]
    energy: Compared
    observables: tuple[Compared, ...]
    layers: tuple[int, ...]
    overall: Mapping[str, Mapping[str, Any]]
    classifiers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    verdicts: tuple[Verdict, ...] = ()
    extrapolated: Mapping[str, Showers] = field(default_factory=dict)
    others: tuple[Pair, ...] = ()
    physics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The reference, the candidates and the floor."""
        return self.reference, *self.candidates, *([] if self.floor is None else [self.floor])

    @property
    def layers_apart(self) -> bool:
        """Whether only some of the layers are shown."""
        return len(self.layers) < len(self.reference.images)
