"""Classifier tests: can a network tell generated showers from simulated ones, or e+ from gamma?

`real_or_generated` is the test of CaloFlow (arXiv:2106.05285) and the CaloChallenge
(arXiv:2410.21611) with its controls; `physics_table` is the table of the CaloGAN paper
(arXiv:1705.02355), a classifier of particles trained and tested on either kind of showers.
"""

from __future__ import annotations

from importlib.util import find_spec

from calogan.errors import MissingExtraError

for _library, _extra in (("torch", "train"), ("sklearn", "evaluate")):
    if find_spec(_library) is None:
        what = "the classifier tests"
        raise MissingExtraError(what, _extra)

from calogan.evaluation.classifiers.controls import (
    Controls,
    match_sizes,
    measure_controls,
    shuffle_cells,
)
from calogan.evaluation.classifiers.inputs import INPUTS, Inputs
from calogan.evaluation.classifiers.physics import PhysicsEntry, PhysicsTable, physics_table
from calogan.evaluation.classifiers.real_or_generated import TestResult, real_or_generated
from calogan.evaluation.classifiers.results import Outcome, SeedResult
from calogan.evaluation.classifiers.settings import ClassifierSettings
from calogan.evaluation.classifiers.survey import classify

__all__ = [
    "INPUTS",
    "ClassifierSettings",
    "Controls",
    "Inputs",
    "Outcome",
    "PhysicsEntry",
    "PhysicsTable",
    "SeedResult",
    "TestResult",
    "classify",
    "match_sizes",
    "measure_controls",
    "physics_table",
    "real_or_generated",
    "shuffle_cells",
]
