"""One classifier: how showers are split, and what a training on one part finds in another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from calogan.errors import CalorimeterError, ConfigurationError
from calogan.evaluation.classifiers.inputs import Inputs, Scaling
from calogan.evaluation.classifiers.network import Trained, train
from calogan.evaluation.classifiers.results import SeedResult
from calogan.evaluation.classifiers.scores import calibrate, jensen_shannon, roc, roc_auc
from calogan.evaluation.classifiers.settings import ClassifierSettings
from calogan.showers import Showers

__all__ = ["MIN_SHOWERS", "Parts", "check_samples", "fit", "rows_of_parts", "run_trial"]

Matrix = NDArray[np.float32]
Rows = NDArray[np.intp]

MIN_SHOWERS = 50
"""Fewer showers of a class are no sample: the test part would have less than ten."""

_SHARES = (0.6, 0.2)


class Parts(NamedTuple):
    """Something per part: 60 % of the showers for training, 20 % for selection, 20 % for test."""

    training: Matrix
    selection: Matrix
    test: Matrix

    @classmethod
    def take(cls, values: Matrix, rows: Sequence[Rows]) -> Parts:
        """Split `(n, features)` by the rows of each part."""
        return cls(*(values[these] for these in rows))


def check_samples(samples: Sequence[Showers]) -> None:
    """Check that samples can be told apart by their showers only.

    Raises:
        CalorimeterError: Their calorimeters differ.
        ConfigurationError: A sample has too few showers.
    """
    if any(sample.calorimeter != samples[0].calorimeter for sample in samples):
        msg = "classifier: the samples are in different calorimeters"
        raise CalorimeterError(msg)
    fewest = min(len(sample) for sample in samples)
    if fewest < MIN_SHOWERS:
        msg = f"classifier: a sample has {fewest} showers: give {MIN_SHOWERS} or more of each"
        raise ConfigurationError(msg)


def rows_of_parts(n: int, seed: int) -> tuple[Rows, Rows, Rows]:
    """Split n showers at random into parts for training, selection and test.

    Both classes are split in the same way, so that a generated shower and the simulated one with
    whose incident energy it was made are in the same part.
    """
    order = np.random.default_rng([seed, n]).permutation(n)
    cuts = np.round(n * np.cumsum(_SHARES)).astype(int)
    training, selection, test = np.split(order, cuts)
    return training, selection, test


def fit(
    ones: Parts, zeros: Parts, inputs: Inputs, settings: ClassifierSettings, seed: int
) -> tuple[Trained, Scaling | None]:
    """Train a classifier on the training parts of two classes.

    Returns:
        The classifier, and the scaling that its inputs need, if any.
    """
    scaling = None
    if inputs in {"high", "strict"}:
        scaling = Scaling.measure(np.concatenate([ones.training, zeros.training]))
    training, selection = (
        _join(one, zero, scaling)
        for one, zero in ((ones.training, zeros.training), (ones.selection, zeros.selection))
    )
    rate = settings.rate(inputs)
    return train(*training, *selection, settings, learning_rate=rate, seed=seed), scaling


def run_trial(
    ones: Parts, zeros: Parts, inputs: Inputs, settings: ClassifierSettings, seed: int
) -> SeedResult:
    """Train a classifier on two classes, calibrate it, and test it."""
    trained, scaling = fit(ones, zeros, inputs, settings, seed)
    selection, selection_labels = _join(ones.selection, zeros.selection, scaling)
    test, labels = _join(ones.test, zeros.test, scaling)
    scores = trained.scores(test)
    probability = calibrate(selection_labels, trained.scores(selection), scores)
    fpr, tpr = roc(labels, scores)
    return SeedResult(
        seed=seed,
        auc=roc_auc(labels, scores),
        jsd=jensen_shannon(labels, probability),
        fpr=fpr,
        tpr=tpr,
        epochs=trained.epochs,
        best_epoch=trained.best_epoch,
        converged=trained.converged,
    )


def _join(
    ones: Matrix, zeros: Matrix, scaling: Scaling | None
) -> tuple[Matrix, NDArray[np.float64]]:
    """Inputs of both classes, scaled, and their labels."""
    values = np.concatenate([ones, zeros])
    labels = np.repeat([1.0, 0.0], [len(ones), len(zeros)])
    return (values if scaling is None else scaling.apply(values)), labels
