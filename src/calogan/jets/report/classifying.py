"""Classifiers of jet images: W or QCD, and real or generated.

All are the network of the project's classifier tests, a fully connected one, smaller and on the
square roots of the pixels, standardised. `tell_classes` is the test of the LAGAN paper
(arXiv:1701.05927, section 5): classifiers of W and QCD trained on images of Pythia and of a
network, each tested on both. The confusion matrices are those of the one that was trained on
Pythia, the same for all networks; those of their own auxiliary classifiers are on their cards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calogan.evaluation.classifiers.network import threads
from calogan.evaluation.classifiers.results import Outcome, SeedResult, finite, mean, spread
from calogan.evaluation.classifiers.scores import roc, roc_auc
from calogan.evaluation.classifiers.settings import ClassifierSettings
from calogan.evaluation.classifiers.trial import Parts, fit, rows_of_parts, run_trial
from calogan.evaluation.report.parallel import Report
from calogan.jets.report.samples import CLASSES, JetSample, Samples
from calogan.jets.report.settings import JetSettings

__all__ = ["Classified", "Tested", "classify"]

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
Origin = Literal["reference", "generated"]

_INPUTS: Literal["strict"] = "strict"  # standardised, with the learning rate for such inputs
_HIDDEN = (256, 256, 256)


@dataclass(frozen=True, eq=False)
class Tested:
    """Classifiers of W and QCD, one per seed, tested on images that they did not see.

    Args:
        curves: ROC curves: shares of background and of signal that are kept.
        aucs: Areas under them.
        confusion: Shares of true background (first row) and signal that are called background
            and signal, mean of the seeds, `(2, 2)`.
    """

    curves: tuple[Curve, ...]
    aucs: tuple[float, ...]
    confusion: NDArray[np.float64]

    @property
    def auc(self) -> float:
        """Mean of the seeds."""
        return mean(self.aucs)

    @property
    def auc_spread(self) -> float:
        """Standard deviation over the seeds; NaN for one."""
        return spread(self.aucs)

    @property
    def accuracy(self) -> float:
        """Share of the images that are named rightly, both classes counting alike."""
        return float(np.trace(self.confusion)) / 2

    def as_dict(self) -> dict[str, Any]:
        """All numbers but the curves, JSON-like."""
        return {
            "auc": self.auc,
            "auc_spread": finite(self.auc_spread),
            "aucs": list(self.aucs),
            "accuracy": self.accuracy,
            "confusion": self.confusion.tolist(),
        }


@dataclass(frozen=True, eq=False)
class Classified:
    """What classifiers found.

    Args:
        n: Images of each class and sample, over the parts for training, selection and test.
        pythia: Trained and tested on the reference.
        tests: By candidate, what was trained on it or on the reference, and tested on it or on
            the reference, as `trained on/tested on`: `reference/generated` and so on.
        real: By candidate, how well it is told from the reference.
        floor: The same of the halves of the reference.
    """

    n: int
    pythia: Tested
    tests: Mapping[str, Mapping[str, Tested]]
    real: Mapping[str, Outcome]
    floor: Outcome

    def as_dict(self) -> dict[str, Any]:
        """All numbers, JSON-like."""
        return {
            "n": self.n,
            "signal_or_background": {
                "reference/reference": self.pythia.as_dict(),
                "candidates": {
                    name: {key: test.as_dict() for key, test in tests.items()}
                    for name, tests in self.tests.items()
                },
            },
            "real_or_generated": {name: one.as_dict() for name, one in self.real.items()},
            "floor": self.floor.as_dict(),
        }


def classify(samples: Samples, settings: JetSettings, report: Report) -> Classified:
    """Train all classifiers.

    All samples give the same number of images of each class, 60 % of them to train with, 20 % to
    choose the epoch with and 20 % to test with.

    Args:
        samples: Reference and candidates.
        settings: Seeds, number of images, threads.
        report: Told of the progress.
    """
    every = {sample.name: sample for sample in samples.every}
    n = min(len(sample.image(of)) for sample in every.values() for of in CLASSES)
    n = min(n, settings.n_classified)
    pixels = {name: {of: _roots(sample, of, n) for of in CLASSES} for name, sample in every.items()}
    training = ClassifierSettings(hidden=_HIDDEN, threads=settings.workers)
    seeds = range(settings.seed, settings.seed + settings.n_seeds)
    candidates = [sample.name for sample in samples.candidates]
    steps = len(seeds) * (2 + 2 * len(candidates))
    done = 0

    def tell() -> None:
        nonlocal done
        report("classifiers", done, steps)
        done += 1

    own = samples.reference.name
    found: dict[tuple[str, str], list[_Test]] = {}
    real: dict[str, list[SeedResult]] = {name: [] for name in candidates}
    floors: list[SeedResult] = []
    with threads(training.threads):
        for seed in seeds:
            rows = rows_of_parts(n, seed)
            parts = {
                name: {of: Parts.take(values, rows) for of, values in classes.items()}
                for name, classes in pixels.items()
            }
            for trained_on in (own, *candidates):
                tell()
                tested_on = (own, *candidates) if trained_on == own else (own, trained_on)
                tests = _trained(parts, trained_on, tested_on, training, seed)
                for name, test in tests.items():
                    found.setdefault((trained_on, name), []).append(test)
            for name in candidates:
                tell()
                real[name].append(_told_apart(parts[own], parts[name], training, seed))
            tell()
            halves = _halves(pixels[own], seed)
            floors.append(_told_apart(*halves, training, seed))
    report("classifiers", steps, steps)
    joined = {key: _join(tests) for key, tests in found.items()}
    return Classified(
        n,
        joined[own, own],
        {
            name: {
                "reference/generated": joined[own, name],
                "generated/reference": joined[name, own],
                "generated/generated": joined[name, name],
            }
            for name in candidates
        },
        {name: Outcome(seeds=tuple(trials), n_showers=2 * n) for name, trials in real.items()},
        Outcome(seeds=tuple(floors), n_showers=2 * (n // 2)),
    )


@dataclass(frozen=True, eq=False)
class _Test:
    curve: Curve
    auc: float
    confusion: NDArray[np.float64]


def _roots(sample: JetSample, of: str, n: int) -> NDArray[np.float32]:
    image = sample.image(of)[:n]
    return np.sqrt(image.reshape(len(image), -1))


def _trained(
    parts: Mapping[str, Mapping[str, Parts]],
    trained_on: str,
    tested_on: Sequence[str],
    training: ClassifierSettings,
    seed: int,
) -> dict[str, _Test]:
    """Train a classifier of W and QCD on one sample, and test it on several."""
    own = parts[trained_on]
    network, scaling = fit(own["signal"], own["background"], _INPUTS, training, seed)
    tests = {}
    for name in tested_on:
        test = [parts[name][of].test for of in CLASSES]
        labels = np.repeat([1.0, 0.0], [len(part) for part in test])
        values = np.concatenate(test)
        scores = network.scores(values if scaling is None else scaling.apply(values))
        called = [(scores[labels == truth] > 0).mean() for truth in (0, 1)]
        confusion = np.array([[1 - share, share] for share in called])
        tests[name] = _Test(roc(labels, scores), roc_auc(labels, scores), confusion)
    return tests


def _told_apart(
    ones: Mapping[str, Parts],
    zeros: Mapping[str, Parts],
    training: ClassifierSettings,
    seed: int,
) -> SeedResult:
    """Train a classifier to tell two samples apart, both classes of jets together."""
    both = [
        Parts(*(np.concatenate(part) for part in zip(*sample.values(), strict=True)))
        for sample in (ones, zeros)
    ]
    return run_trial(both[0], both[1], _INPUTS, training, seed)


def _halves(
    pixels: Mapping[str, NDArray[np.float32]], seed: int
) -> tuple[dict[str, Parts], dict[str, Parts]]:
    first, second = {}, {}
    for of, values in pixels.items():
        half = len(values) // 2
        rows = rows_of_parts(half, seed)
        first[of] = Parts.take(values[:half], rows)
        second[of] = Parts.take(values[half : 2 * half], rows)
    return first, second


def _join(tests: Sequence[_Test]) -> Tested:
    return Tested(
        tuple(test.curve for test in tests),
        tuple(test.auc for test in tests),
        np.mean([test.confusion for test in tests], axis=0),
    )
