"""The test of several candidates with several kinds of inputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from calogan.errors import ConfigurationError
from calogan.evaluation.classifiers.controls import Controls, match_sizes, measure_controls
from calogan.evaluation.classifiers.inputs import INPUTS, check_inputs
from calogan.evaluation.classifiers.real_or_generated import TestResult, real_or_generated
from calogan.evaluation.classifiers.settings import ClassifierSettings
from calogan.evaluation.classifiers.trial import check_samples
from calogan.showers import Showers

__all__ = ["classify"]


def classify(
    reference: Showers,
    candidates: Mapping[str, Showers],
    *,
    inputs: Sequence[str] = INPUTS,
    seeds: Sequence[int] = (0, 1, 2, 3, 4),
    settings: ClassifierSettings | None = None,
    floor: Showers | None = None,
    progress: Callable[[str], None] | None = None,
) -> dict[str, dict[str, TestResult]]:
    """Test candidates against a reference, see `real_or_generated`.

    Floor and ceiling are measured once for all candidates that have the same number of showers.

    Args:
        reference: Showers as of Geant4.
        candidates: Showers to be judged, by name.
        inputs: Kinds of inputs.
        seeds: One training each.
        settings: Network and training.
        floor: A second sample of the same kind as the reference; its halves unless given.
        progress: Told what is going on.

    Returns:
        For each candidate, by the kind of the inputs, what was found.

    Raises:
        CalorimeterError: Samples of different calorimeters.
        ConfigurationError: No such inputs, none at all, no seeds, or too few showers.
    """
    kinds = list(dict.fromkeys(check_inputs(kind) for kind in inputs))
    if not (kinds and seeds):
        msg = "classifier: nothing to do: give at least one kind of inputs and one seed"
        raise ConfigurationError(msg)
    check_samples([reference, *candidates.values()])
    say = progress or (lambda _: None)
    controls: dict[tuple[str, int], Controls] = {}
    found: dict[str, dict[str, TestResult]] = {name: {} for name in candidates}
    for kind in kinds:
        for name, candidate in candidates.items():

            def tell(text: str, name: str = name) -> None:
                say(f"{name}: {text}")

            ours, theirs = match_sizes(reference, candidate, seeds[0])
            key = kind, len(ours)
            if key not in controls:
                controls[key] = measure_controls(
                    ours, inputs=kind, seeds=seeds, settings=settings, floor=floor, progress=tell
                )
            found[name][kind] = real_or_generated(
                ours,
                theirs,
                inputs=kind,
                seeds=seeds,
                settings=settings,
                controls=controls[key],
                progress=tell,
            )
    return found
