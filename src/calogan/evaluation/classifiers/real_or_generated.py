"""Can a network tell generated showers from those of the reference?

The test of CaloFlow (arXiv:2106.05285) and of the CaloChallenge (arXiv:2410.21611), with three
controls without which its figure does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calogan.errors import ConfigurationError
from calogan.evaluation.classifiers.controls import Controls, match_sizes, measure_controls
from calogan.evaluation.classifiers.inputs import check_inputs, features
from calogan.evaluation.classifiers.network import threads
from calogan.evaluation.classifiers.results import Outcome
from calogan.evaluation.classifiers.scores import auc_error
from calogan.evaluation.classifiers.settings import ClassifierSettings
from calogan.evaluation.classifiers.trial import Parts, check_samples, rows_of_parts, run_trial
from calogan.showers import Showers
from calogan.statistics import ks_distance

__all__ = ["TestResult", "real_or_generated"]


@dataclass(frozen=True, eq=False, kw_only=True)
class TestResult(Outcome):
    """What the test found.

    Args:
        inputs: What the network saw.
        controls: Floor and ceiling.
        conclusive: Whether the figure counts.
        reason: Why it does not, in words; empty if it does.
        settings: Network and training.
    """

    __test__ = False  # no test of pytest's

    inputs: str
    controls: Controls
    conclusive: bool
    reason: str
    settings: ClassifierSettings

    @property
    def floor(self) -> Outcome:
        """Reference against reference."""
        return self.controls.floor

    @property
    def ceiling(self) -> Outcome:
        """Reference against shuffled cells."""
        return self.controls.ceiling

    def as_dict(self) -> dict[str, Any]:
        """All numbers, JSON-like; what is not defined is None."""
        return {
            "inputs": self.inputs,
            **super().as_dict(),
            "conclusive": self.conclusive,
            "reason": self.reason,
            "floor": self.floor.as_dict() | {"from_halves": self.controls.from_halves},
            "ceiling": self.ceiling.as_dict(),
            "settings": self.settings.as_dict(),
        }


def real_or_generated(
    reference: Showers,
    candidate: Showers,
    *,
    inputs: str,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    settings: ClassifierSettings | None = None,
    floor: Showers | None = None,
    controls: Controls | None = None,
    progress: Callable[[str], None] | None = None,
) -> TestResult:
    """Train networks to tell a candidate's showers from those of the reference.

    Both samples get the same number of showers, 60 % of them to train with, 20 % to choose the
    epoch and to calibrate with, 20 % to measure with.

    Args:
        reference: Showers as of Geant4.
        candidate: Showers to be judged, in the same calorimeter. They should have been asked for
            like energies: the energy is an input.
        inputs: What the network sees: `low`, `low-normalised`, `high` or `strict`.
        seeds: One training each: of split, weights and order.
        settings: Network and training.
        floor: A second sample of the same kind as the reference, to measure the floor with;
            halves of the reference unless given.
        controls: Floor and ceiling, if they are known already for samples of this size.
        progress: Told what is going on.

    Raises:
        CalorimeterError: Samples of different calorimeters.
        ConfigurationError: No such inputs, no seeds, or too few showers.
    """
    kind = check_inputs(inputs)
    settings = ClassifierSettings() if settings is None else settings
    if not seeds:
        msg = "classifier: no seeds: give at least one"
        raise ConfigurationError(msg)
    check_samples([reference, candidate])
    say = progress or (lambda _: None)
    reference, candidate = match_sizes(reference, candidate, seeds[0])
    if controls is None:
        controls = measure_controls(
            reference, inputs=inputs, seeds=seeds, settings=settings, floor=floor, progress=say
        )
    ours, theirs = features(reference, kind), features(candidate, kind)
    found = []
    with threads(settings.threads):
        for seed in seeds:
            say(f"{inputs}: candidate, seed {seed}")
            rows = rows_of_parts(len(ours), seed)
            found.append(
                run_trial(Parts.take(ours, rows), Parts.take(theirs, rows), kind, settings, seed)
            )
    outcome = Outcome(seeds=tuple(found), n_showers=len(ours))
    doubts = [
        *_doubts_about_energies(reference, candidate),
        *_doubts_about_trainings(outcome, controls, settings),
        *_doubts_about_ceiling(outcome, controls, settings),
        *_doubts_about_floor(controls),
    ]
    return TestResult(
        seeds=outcome.seeds,
        n_showers=outcome.n_showers,
        inputs=inputs,
        controls=controls,
        conclusive=not doubts,
        reason="; ".join(doubts),
        settings=settings,
    )


def _doubts_about_energies(reference: Showers, candidate: Showers) -> list[str]:
    """Whether the samples can be told apart by their incident energies."""
    n, m = len(reference), len(candidate)
    distance = ks_distance(reference.incident.energy_gev, candidate.incident.energy_gev)
    if distance <= 1.95 * np.sqrt((n + m) / (n * m)):  # one in a thousand by chance
        return []
    return [f"the incident energies of the samples differ (KS distance {distance:.2f})"]


def _doubts_about_trainings(
    outcome: Outcome, controls: Controls, settings: ClassifierSettings
) -> list[str]:
    trainings = [*outcome.seeds, *controls.floor.seeds, *controls.ceiling.seeds]
    bad = sum(not seed.converged for seed in trainings)
    if not bad:
        return []
    return [
        f"{bad} of {len(trainings)} trainings had not converged in {settings.max_epochs} epochs"
    ]


def _doubts_about_ceiling(
    outcome: Outcome, controls: Controls, settings: ClassifierSettings
) -> list[str]:
    """Whether the trainings see differences that are there: the ceiling, or the figure, says so."""
    reached = controls.ceiling.auc
    if max(reached, outcome.auc) >= settings.required_auc:
        return []
    doubt = f"the control with shuffled cells reached an AUC of only {reached:.2f}"
    n = outcome.n_showers // 5
    if outcome.auc > 0.5 + 5 * auc_error(n, n):
        doubt += ", so the showers differ, but perhaps by more than the figure says"
    return [doubt]


def _doubts_about_floor(controls: Controls) -> list[str]:
    n = controls.floor.n_showers // 5
    found = controls.floor.auc
    if abs(found - 0.5) <= max(0.02, 3 * auc_error(n, n)):
        return []
    what = "two halves of the reference" if controls.from_halves else "reference and floor sample"
    return [f"{what} are told apart with an AUC of {found:.2f}"]
