"""Distances over all observables at once, with their floors: FPD and KPD of two tables.

A table is a dictionary of observables, each with one value per shower, `(n,)`. Which observables
go in is the choice of the caller; numbers of different choices cannot be compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from calogan.errors import CaloganError
from calogan.evaluation.distances.frechet import frechet_distance
from calogan.evaluation.distances.kernel import kernel_distance
from calogan.statistics import Estimate

__all__ = ["Features", "PhysicsDistance", "features_of", "physics_distances"]

Floats = NDArray[np.float64]
Table = Mapping[str, Floats]

_UNDEFINED = 0.01
_COPY = 1e-6
_FARTHEST = 10.0


class _Distance(Protocol):
    def __call__(
        self, reference: Floats, candidate: Floats, *, rng: np.random.Generator
    ) -> Estimate: ...


_DISTANCES: Mapping[str, _Distance] = {
    "fpd": frechet_distance,
    "kpd": kernel_distance,
}


@dataclass(frozen=True)
class PhysicsDistance:
    """A distance over all observables, and the same figure between two Geant4 samples.

    Args:
        value: The distance; NaN if there are too few showers.
        error: Its statistical error.
        floor: The same figure between two samples of the reference.
        floor_error: Its error; with several random splits their standard deviation or the mean
            of their errors, whichever is larger.
        n_reference: Showers of the reference.
        n_candidate: Showers of the candidate.
        floor_sizes: Showers of the two samples of the floor.
        floor_from: How the floor was found, in words.
        n_features: Numbers per shower that were compared.
        reason: Why a figure is missing; empty if none is.
    """

    value: float
    error: float
    floor: float
    floor_error: float
    n_reference: int
    n_candidate: int
    floor_sizes: tuple[int, int]
    floor_from: str
    n_features: int
    reason: str = ""

    @property
    def above_floor(self) -> bool | None:
        """Whether the candidate differs by more than twice the errors; None if not known."""
        if np.isnan(self.value) or np.isnan(self.floor):
            return None
        return self.value - self.floor > 2 * float(np.hypot(self.error, self.floor_error))


@dataclass(frozen=True, eq=False)
class Features:
    """What is compared of two samples.

    Args:
        names: Names of the features, d of them.
        reference: Values `(n, d)`, finite.
        candidate: Values `(m, d)`.
        scale: From a table to its values, for further samples.
    """

    names: tuple[str, ...]
    reference: Floats
    candidate: Floats
    scale: _Scale


def features_of(reference: Table, candidate: Table) -> Features:
    """Make the features that distances over all observables compare.

    Each observable is standardised: less the mean of the reference, over its standard deviation.
    One that is constant in the reference is measured by the standard deviation of both samples
    together; one that is constant in both is left out, and so is one that is a copy of another
    (a width in mm and the same in cells) in both.

    Nothing is farther out than 10 standard deviations: what is, counts as 10. Without that, one
    shower far out decides the result, above all where nearly all others have one value, as the
    deepest layer with energy does. (The authors divide by the largest absolute value instead.)

    A value that is not defined becomes the mean of the reference, 0. Where more than 1 % of a sample
    is not defined, a further feature says so: 1 or 0, standardised likewise (by the standard
    deviation of a share of 1 % at least).

    Args:
        reference: Observables, each `(n,)`.
        candidate: The same observables, each `(m,)`.

    Raises:
        CaloganError: The tables have other observables, or none.
    """
    if not reference or set(reference) != set(candidate):
        different = ", ".join(sorted(set(reference) ^ set(candidate))) or "none at all"
        msg = f"distances need the same observables of both samples; they differ in: {different}"
        raise CaloganError(msg)
    scale = _Scale.of(reference, candidate)
    first, second = scale(reference), scale(candidate)
    kept = _without_copies(first, second)
    scale = replace(scale, kept=kept)
    names = tuple(np.array([*scale.observables, *(f"{n} defined" for n in scale.marked)])[kept])
    return Features(names, first[:, kept], second[:, kept], scale)


def physics_distances(
    reference_table: Table,
    candidate_table: Table,
    *,
    rng: np.random.Generator,
    floor_table: Table | None = None,
    n_splits: int = 5,
) -> dict[str, PhysicsDistance]:
    """Frechet and kernel physics distance of two samples, with their floors.

    The floor is the same figure between the reference and an independent sample of the same
    simulation, or, without one, between random halves of the reference: the mean of several
    splits. Halves are smaller than the samples, so they scatter more: such a floor is generous.
    The splits share their showers; what a few showers far out do is the same in all of them, and
    shows in the error of each and not in their spread. So the larger of the two is the error.

    Args:
        reference_table: Observables of the reference, each `(n,)`; NaN where not defined.
        candidate_table: The same of the candidate, each `(m,)`.
        rng: Source of random numbers.
        floor_table: The same of an independent sample of the reference, each `(k,)`.
        n_splits: How often the reference is split where there is none.

    Returns:
        `fpd` and `kpd`. Too few showers for a figure make it NaN, and its `reason` says so.

    Raises:
        CaloganError: The tables have other observables, or none.
    """
    features = features_of(reference_table, candidate_table)
    n = len(features.reference)
    if floor_table is None:
        half = n // 2
        orders = [rng.permutation(n) for _ in range(n_splits)]
        pairs = [(features.reference[o[:half]], features.reference[o[half:]]) for o in orders]
        source = f"{n_splits} random splits of the reference into halves"
    else:
        if set(floor_table) != set(reference_table):
            msg = "the independent sample of the floor must have the observables of the reference"
            raise CaloganError(msg)
        pairs = [(features.reference, features.scale(floor_table))]
        source = "an independent sample of the reference's simulation"
    found = {}
    for name, distance in _DISTANCES.items():
        value, reason = _try(distance, features.reference, features.candidate, rng)
        floors: list[Estimate] = []
        for pair in pairs:
            floor, why = _try(distance, *pair, rng)
            if why:
                reason = reason or f"no floor: {why}"
                break
            floors.append(floor)
        floor = _together(floors)
        found[name] = PhysicsDistance(
            value.value,
            value.error,
            floor.value,
            floor.error,
            n,
            len(features.candidate),
            (len(pairs[0][0]), len(pairs[0][1])),
            source,
            len(features.names),
            reason,
        )
    return found


def _try(
    distance: _Distance, first: Floats, second: Floats, rng: np.random.Generator
) -> tuple[Estimate, str]:
    """Take a distance, or say why there is none."""
    if not first.shape[1]:
        return Estimate(np.nan, np.nan), "every observable has one and the same value everywhere"
    try:
        return distance(first, second, rng=rng), ""
    except CaloganError as error:
        return Estimate(np.nan, np.nan), str(error)


def _together(floors: list[Estimate]) -> Estimate:
    if len(floors) < 2:
        return floors[0] if floors else Estimate(np.nan, np.nan)
    values, errors = np.array([(floor.value, floor.error) for floor in floors]).T
    return Estimate(float(values.mean()), float(max(values.std(ddof=1), errors.mean())))


@dataclass(frozen=True, eq=False)
class _Scale:
    """How observables become features.

    Args:
        observables: Names of the observables that are not constant.
        marked: Those with a feature for "defined".
        means: Mean of each feature in the reference.
        widths: What each feature is divided by.
        kept: Which features are kept.
    """

    observables: tuple[str, ...]
    marked: tuple[str, ...]
    means: Floats
    widths: Floats
    kept: NDArray[np.intp]

    @classmethod
    def of(cls, reference: Table, candidate: Table) -> _Scale:
        observables, marked, means, widths = [], [], [], []
        shares = []
        for name, values in reference.items():
            both = [v[np.isfinite(v)] for v in (values, candidate[name])]
            undefined = [float((~np.isfinite(v)).mean()) for v in (values, candidate[name])]
            if max(undefined) > _UNDEFINED:
                marked.append(name)
                shares.append(1 - undefined[0])
            width = _width(both[0]) or _width(np.concatenate(both))
            if width:
                observables.append(name)
                means.append(float(both[0].mean()) if len(both[0]) else float(both[1].mean()))
                widths.append(width)
        least = _UNDEFINED * (1 - _UNDEFINED)
        of_marks = [float(np.sqrt(max(share * (1 - share), least))) for share in shares]
        return cls(
            tuple(observables),
            tuple(marked),
            np.array(means + shares),
            np.array(widths + of_marks),
            np.arange(len(means) + len(shares)),
        )

    def __call__(self, table: Table) -> Floats:
        """From a table to the features `(n, d)`."""
        columns = [table[name] for name in self.observables]
        columns += [np.isfinite(table[name]).astype(float) for name in self.marked]
        n = len(next(iter(table.values())))
        features = np.stack(columns, axis=1) if columns else np.empty((n, 0))
        scaled = (features - self.means) / self.widths
        scaled = np.where(np.isfinite(scaled), scaled, 0.0)[:, self.kept]
        return np.clip(scaled, -_FARTHEST, _FARTHEST)


def _width(values: Floats) -> float:
    """Standard deviation; 0 for values that differ by rounding only."""
    if not len(values):
        return 0.0
    width = float(values.std())
    return width if width > 1e-9 * float(np.abs(values).max()) else 0.0


def _without_copies(first: Floats, second: Floats) -> NDArray[np.intp]:
    """Features of which none is another one, or its opposite, in both samples."""
    kept: list[int] = []
    for j in range(first.shape[1]):
        for i in kept:
            sign = np.sign(first[:, i] @ first[:, j]) or 1.0
            if all(
                np.abs(sample[:, i] - sign * sample[:, j]).max(initial=0) < _COPY
                for sample in (first, second)
            ):
                break
        else:
            kept.append(j)
    return np.array(kept, np.intp)
