"""Controls: what the test finds where the answer is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calogan.evaluation.classifiers.inputs import check_inputs, features
from calogan.evaluation.classifiers.network import threads
from calogan.evaluation.classifiers.results import Outcome
from calogan.evaluation.classifiers.settings import ClassifierSettings
from calogan.evaluation.classifiers.trial import Parts, check_samples, rows_of_parts, run_trial
from calogan.showers import Showers

__all__ = ["Controls", "match_sizes", "measure_controls", "shuffle_cells"]

Progress = Callable[[str], None]

_LIKE = 20


@dataclass(frozen=True, eq=False)
class Controls:
    """The controls of a test.

    Args:
        floor: The reference against itself: a second sample, or one half against the other.
        ceiling: The reference against itself with shuffled cells.
        from_halves: Whether the floor was measured with two halves of the reference.
    """

    floor: Outcome
    ceiling: Outcome
    from_halves: bool


def shuffle_cells(showers: Showers, rng: np.random.Generator, *, like: int = _LIKE) -> Showers:
    """Make a known bad candidate: every cell is exchanged among showers of like energy.

    Sorted by incident energy, so many neighbours at a time, and for each cell in an order of its
    own. The distribution of each cell stays as it is, at every energy; what cells have to do
    with each other goes, and with it the sum of their energies.

    Args:
        showers: n showers; without their views.
        rng: Source of the orders.
        like: How many neighbours exchange their cells.
    """
    order = np.argsort(showers.incident.energy_gev, kind="stable")
    layers = tuple(_shuffled(layer, order, rng, like) for layer in showers.layers)
    overflow = _shuffled(showers.overflow, order, rng, like)
    return Showers(showers.incident, layers, overflow, showers.calorimeter)


def _shuffled(
    values: NDArray[np.float32], order: NDArray[np.intp], rng: np.random.Generator, like: int
) -> NDArray[np.float32]:
    n = len(values)
    whole = n - n % like
    in_order = values[order].reshape(n, -1)
    groups = in_order[:whole].reshape(whole // like, like, -1) if whole else in_order[:0, None]
    in_order[:whole] = rng.permuted(groups, axis=1).reshape(whole, in_order.shape[1])
    in_order[whole:] = rng.permuted(in_order[whole:], axis=0)  # and the few that are left
    found = np.empty_like(in_order)
    found[order] = in_order
    return found.reshape(values.shape)


def match_sizes(first: Showers, second: Showers, seed: int) -> tuple[Showers, Showers]:
    """Give both samples as many showers as the smaller one has.

    The first ones of the larger, if these have the incident energies of the smaller, as where a
    model made a shower for each of them; else some at random.
    """
    if len(first) < len(second):
        second, first = match_sizes(second, first, seed)
        return first, second
    n = len(second)
    if len(first) == n:
        return first, second
    if np.array_equal(first.incident.energy_gev[:n], second.incident.energy_gev):
        return first[:n], second
    chosen = np.random.default_rng([seed, n]).permutation(len(first))[:n]
    return first[np.sort(chosen)], second


def measure_controls(
    reference: Showers,
    *,
    inputs: str,
    seeds: Sequence[int],
    settings: ClassifierSettings | None = None,
    floor: Showers | None = None,
    progress: Progress | None = None,
) -> Controls:
    """Measure floor and ceiling of a test.

    Args:
        reference: The n showers that candidates are compared with.
        inputs: What the network sees: `low`, `low-normalised`, `high` or `strict`.
        seeds: Of the trainings of the floor, the first `settings.floor_seeds` of them; the first
            also of the ceiling.
        settings: Network and training.
        floor: A second sample of the same kind as the reference; its halves unless given.
        progress: Told what is going on.

    Raises:
        CalorimeterError: Samples of different calorimeters.
        ConfigurationError: No such inputs, or too few showers.
    """
    kind = check_inputs(inputs)
    settings = ClassifierSettings() if settings is None else settings
    check_samples([reference] if floor is None else [reference, floor])
    say = progress or (lambda _: None)
    used = tuple(seeds)[: settings.floor_seeds]
    values = features(reference, kind)
    pair = None
    if floor is not None:
        pair = tuple(features(sample, kind) for sample in match_sizes(reference, floor, used[0]))
    floors = []
    with threads(settings.threads):
        for seed in used:
            say(f"{inputs}: floor, seed {seed}")
            one, other = _halves(values, seed) if pair is None else pair
            rows = rows_of_parts(len(one), seed)
            floors.append(
                run_trial(Parts.take(one, rows), Parts.take(other, rows), kind, settings, seed)
            )
        seed = used[0]
        say(f"{inputs}: ceiling, seed {seed}")
        rows = rows_of_parts(len(values), seed)
        rng = np.random.default_rng([seed, len(values), 1])
        # within each part: no cell of a shower of the test part is trained with
        bad = Parts(*(features(shuffle_cells(reference[part], rng), kind) for part in rows))
        ceiling = run_trial(Parts.take(values, rows), bad, kind, settings, seed)
    return Controls(
        floor=Outcome(seeds=tuple(floors), n_showers=len(one)),
        ceiling=Outcome(seeds=(ceiling,), n_showers=len(values)),
        from_halves=floor is None,
    )


def _halves(
    values: NDArray[np.float32], seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Two halves at random, of the same size."""
    order = np.random.default_rng([seed, len(values), 2]).permutation(len(values))
    half = len(values) // 2
    return values[order[:half]], values[order[half : 2 * half]]
