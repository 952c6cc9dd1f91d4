"""The classifier tests of a report: every candidate, every kind of inputs."""

from __future__ import annotations

from collections.abc import Mapping

from calogan.errors import CaloganError
from calogan.evaluation.classifiers import (
    INPUTS,
    ClassifierSettings,
    Controls,
    TestResult,
    measure_controls,
    real_or_generated,
)
from calogan.evaluation.classifiers.controls import match_sizes
from calogan.evaluation.report.parallel import Report
from calogan.evaluation.report.settings import Settings
from calogan.showers import Showers

__all__ = ["classify"]


def classify(
    reference: Showers,
    candidates: Mapping[str, Showers],
    floor: Showers | None,
    settings: Settings,
    report: Report,
) -> dict[str, dict[str, TestResult | str]]:
    """Ask classifiers whether they can tell candidates from the reference.

    Floor and ceiling are measured once for all candidates that have as many showers.

    Args:
        reference: Showers of the reference.
        candidates: Showers of the candidates, by name.
        floor: A second sample of the reference's simulation.
        settings: Inputs, number of trainings, seed.
        report: Told of the progress.

    Returns:
        For each candidate, by the name of the inputs, what was found; or why nothing was.
    """
    seeds = range(settings.seed, settings.seed + settings.n_seeds)
    training = ClassifierSettings(threads=settings.workers)
    kinds = settings.inputs or INPUTS
    n_done, n_tests = 0, len(kinds) * len(candidates)
    found: dict[str, dict[str, TestResult | str]] = {name: {} for name in candidates}
    for inputs in kinds:
        controls: dict[int, Controls] = {}
        for name, candidate in candidates.items():
            report("classifiers", n_done, n_tests)
            try:
                ours, theirs = match_sizes(reference, candidate, seeds[0])
                if len(ours) not in controls:
                    controls[len(ours)] = measure_controls(
                        ours, inputs=inputs, seeds=seeds, settings=training, floor=floor
                    )
                found[name][inputs] = real_or_generated(
                    ours,
                    theirs,
                    inputs=inputs,
                    seeds=seeds,
                    settings=training,
                    floor=floor,
                    controls=controls[len(ours)],
                )
            except CaloganError as error:
                found[name][inputs] = str(error)
            n_done += 1
            report("classifiers", n_done, n_tests)
    return found
