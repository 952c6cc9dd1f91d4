"""Can generated showers stand in for simulated ones when particles are told apart?

The table of the CaloGAN paper (arXiv:1705.02355): classifiers of two particles, trained on
simulated and on generated showers, each tested on both. The network is that of the other tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from calogan.errors import ConfigurationError
from calogan.evaluation.classifiers.controls import match_sizes
from calogan.evaluation.classifiers.inputs import check_inputs, features
from calogan.evaluation.classifiers.network import threads
from calogan.evaluation.classifiers.results import finite, mean, spread
from calogan.evaluation.classifiers.scores import roc_auc
from calogan.evaluation.classifiers.settings import ClassifierSettings
from calogan.evaluation.classifiers.trial import Parts, check_samples, fit, rows_of_parts
from calogan.showers import Showers

__all__ = ["PhysicsEntry", "PhysicsTable", "physics_table"]

Origin = Literal["reference", "generated"]
_ORIGINS: tuple[Origin, ...] = get_args(Origin)


@dataclass(frozen=True)
class PhysicsEntry:
    """One entry of the table.

    Args:
        trained_on: `reference` or `generated`.
        tested_on: `reference` or `generated`.
        accuracies: Share of the showers that were named rightly, one per seed.
        aucs: Area under the ROC curve, one per seed.
    """

    trained_on: Origin
    tested_on: Origin
    accuracies: tuple[float, ...]
    aucs: tuple[float, ...]

    @property
    def accuracy(self) -> float:
        """Mean accuracy of the seeds."""
        return mean(self.accuracies)

    @property
    def accuracy_spread(self) -> float:
        """Standard deviation of the accuracy over the seeds; NaN for one."""
        return spread(self.accuracies)

    @property
    def auc(self) -> float:
        """Mean AUC of the seeds."""
        return mean(self.aucs)

    @property
    def auc_spread(self) -> float:
        """Standard deviation of the AUC over the seeds; NaN for one."""
        return spread(self.aucs)

    def as_dict(self) -> dict[str, Any]:
        """All numbers, JSON-like; what is not defined is None."""
        return {
            "trained_on": self.trained_on,
            "tested_on": self.tested_on,
            "accuracy": self.accuracy,
            "accuracy_spread": finite(self.accuracy_spread),
            "auc": self.auc,
            "auc_spread": finite(self.auc_spread),
            "accuracies": list(self.accuracies),
            "aucs": list(self.aucs),
        }


@dataclass(frozen=True)
class PhysicsTable:
    """The table of two particles.

    Args:
        signal: Particle of class 1.
        background: Particle of class 0.
        inputs: What the network saw; never the incident energy.
        n_showers: Showers of each particle and origin, over all three parts.
        entries: The four entries.
        conclusive: Whether all trainings had converged.
        reason: What is wrong, in words; empty if nothing is.
        settings: Network and training.
    """

    signal: str
    background: str
    inputs: str
    n_showers: int
    entries: tuple[PhysicsEntry, ...]
    conclusive: bool
    reason: str
    settings: ClassifierSettings

    def entry(self, trained_on: Origin, tested_on: Origin) -> PhysicsEntry:
        """The entry of a classifier trained on the one and tested on the other."""
        (found,) = (
            e for e in self.entries if (e.trained_on, e.tested_on) == (trained_on, tested_on)
        )
        return found

    def as_dict(self) -> dict[str, Any]:
        """All numbers, JSON-like; what is not defined is None."""
        return {
            "signal": self.signal,
            "background": self.background,
            "inputs": self.inputs,
            "n_showers": self.n_showers,
            "entries": [entry.as_dict() for entry in self.entries],
            "conclusive": self.conclusive,
            "reason": self.reason,
            "settings": self.settings.as_dict(),
        }


def physics_table(
    reference: Mapping[str, Showers],
    generated: Mapping[str, Showers],
    *,
    signal: str,
    background: str,
    inputs: str = "high",
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    settings: ClassifierSettings | None = None,
    progress: Callable[[str], None] | None = None,
) -> PhysicsTable:
    """Tell two particles apart, trained and tested on simulated and on generated showers.

    All four samples get the same number of showers. They are split into 60 % to train with, 20 %
    to choose the epoch with and 20 % to test with, so no shower is trained and tested with, and
    neither is a generated shower and the simulated one whose incident energy it has. The network
    is not told the incident energy, which an experiment does not know.

    Args:
        reference: Simulated showers of each particle, by name.
        generated: Generated showers of each particle, by the same names.
        signal: Name of the one particle.
        background: Name of the other.
        inputs: What the network sees: `high` (shower shapes), `low`, `low-normalised`, `strict`.
        seeds: One training of each kind per seed.
        settings: Network and training.
        progress: Told what is going on.

    Raises:
        CalorimeterError: Samples of different calorimeters.
        ConfigurationError: A particle without showers, no such inputs, no seeds, too few showers.
    """
    kind = check_inputs(inputs)
    settings = ClassifierSettings() if settings is None else settings
    if not seeds:
        msg = "classifier: no seeds: give at least one"
        raise ConfigurationError(msg)
    say = progress or (lambda _: None)
    particles = (signal, background)
    for samples, what in ((reference, "reference"), (generated, "generated")):
        for particle in particles:
            if particle not in samples:
                msg = f"classifier: no {what} showers of {particle}"
                raise ConfigurationError(msg)
    check_samples([s[particle] for particle in particles for s in (reference, generated)])
    pairs = {p: match_sizes(reference[p], generated[p], seeds[0]) for p in particles}
    n = min(len(real) for real, _ in pairs.values())
    values = {
        (origin, p): features(
            showers[_some(len(showers), n, seeds[0])], kind, incident_energy=False
        )
        for p in particles
        for origin, showers in zip(_ORIGINS, pairs[p], strict=True)
    }
    found: dict[tuple[Origin, Origin], list[tuple[float, float]]] = {}
    unfinished = 0
    with threads(settings.threads):
        for seed in seeds:
            rows = rows_of_parts(n, seed)
            parts = {key: Parts.take(these, rows) for key, these in values.items()}
            for trained_on in _ORIGINS:
                say(f"{signal} or {background}: trained on {trained_on}, seed {seed}")
                trained, scaling = fit(
                    parts[trained_on, signal], parts[trained_on, background], kind, settings, seed
                )
                unfinished += not trained.converged
                for tested_on in _ORIGINS:
                    test = [parts[tested_on, particle].test for particle in particles]
                    joined = np.concatenate(test)
                    scores = trained.scores(joined if scaling is None else scaling.apply(joined))
                    labels = np.repeat([1.0, 0.0], [len(part) for part in test])
                    right = float(((scores > 0) == (labels == 1)).mean())
                    result = right, roc_auc(labels, scores)
                    found.setdefault((trained_on, tested_on), []).append(result)
    trainings = len(_ORIGINS) * len(seeds)
    return PhysicsTable(
        signal=signal,
        background=background,
        inputs=inputs,
        n_showers=n,
        entries=tuple(
            PhysicsEntry(*key, *(tuple(figures) for figures in zip(*results, strict=True)))
            for key, results in found.items()
        ),
        conclusive=not unfinished,
        reason=(
            f"{unfinished} of {trainings} trainings had not converged in"
            f" {settings.max_epochs} epochs"
            if unfinished
            else ""
        ),
        settings=settings,
    )


def _some(n: int, wanted: int, seed: int) -> slice | np.ndarray[Any, np.dtype[np.intp]]:
    """So many of n showers at random, the same ones of samples of the same size."""
    if n == wanted:
        return slice(None)
    return np.sort(np.random.default_rng([seed, n]).permutation(n)[:wanted])
