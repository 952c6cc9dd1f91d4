"""Distances between showers, and whether a generator repeats showers that it has seen."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from calogan.errors import ShowerFileError
from calogan.showers import Showers

__all__ = [
    "MemorisationTest",
    "NeighbourResult",
    "Neighbours",
    "ShowerSpace",
    "compare_neighbours",
    "find_nearest",
    "memorisation",
]

Vectors = NDArray[np.float32]
Targets = TypeVar("Targets", bound=Sized)

_CHUNK_VALUES = 8_000_000
_FEWEST = 20
_BOOTSTRAP = 200
_QUANTILE = 0.01


class ShowerSpace:
    r"""A space in which the distance of two showers is measured.

    A shower is the vector of the square roots of its cell energies, layer by layer divided by
    $s_k$, with $s_k^2$ the sum over the layer's cells of the variance of $\sqrt{E}$ in the
    reference; the distance is Euclid's. The square root is between two extremes: distances of
    the energies themselves see a few bright cells only, those of their logarithms mostly the
    faint cells, which no two showers have in common. The $s_k$ let all layers count alike,
    whatever energy they hold. A layer that is the same in all showers counts nothing.

    One more component is the square root of the incident energy, on a scale that makes its
    variance that of all cells together. A generator is told the energy, so neighbours are looked
    for at like energies; without it, among showers of a few cells here and there, the faintest
    shower of all would be the nearest to most.

    Args:
        reference: Showers that fix the scales $s_k$.
    """

    def __init__(self, reference: Showers) -> None:
        spreads = [np.sqrt(layer).var(axis=0, dtype=np.float64).sum() for layer in reference.layers]
        self.scales = tuple(1 / np.sqrt(s) if s > 0 else 0.0 for s in spreads)
        spread = float(np.sqrt(reference.incident.energy_gev).std())
        counting = sum(scale > 0 for scale in self.scales)
        self.energy_scale = np.sqrt(counting) / spread if spread > 0 else 0.0

    def vectors(self, showers: Showers) -> Vectors:
        """Vectors of showers, `(n, n_cells + 1)`."""
        roots = [
            np.sqrt(layer).reshape(len(showers), -1) * np.float32(scale)
            for layer, scale in zip(showers.layers, self.scales, strict=True)
        ]
        energy = np.sqrt(showers.incident.energy_gev[:, None]) * self.energy_scale
        return np.concatenate([*roots, energy.astype(np.float32)], axis=1)


def find_nearest(
    queries: Vectors, targets: Vectors
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find for each vector the nearest of others, in chunks that bound the memory.

    Args:
        queries: Vectors `(n, d)`.
        targets: Vectors `(m, d)`, at least one.

    Returns:
        Index of the nearest target `(n,)`, and the distance to it `(n,)`.
    """
    index = np.empty(len(queries), dtype=np.int64)
    # around a common point: |a|^2 + |b|^2 - 2 ab loses digits to vectors that are long
    middle = targets.mean(axis=0)
    centred = targets - middle
    norms = (centred**2).sum(axis=1)
    step = max(1, _CHUNK_VALUES // max(len(targets), targets.shape[1]))
    for start in range(0, len(queries), step):
        part = queries[start : start + step] - middle
        index[start : start + step] = (norms - 2 * (part @ centred.T)).argmin(axis=1)
    distance = np.empty(len(queries))
    for start in range(0, len(queries), step):
        rows = slice(start, start + step)
        between = queries[rows].astype(np.float64) - targets[index[rows]]
        distance[rows] = np.sqrt((between**2).sum(axis=1))
    return index, distance


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest showers to those of one sample.

    Args:
        rows: Which showers of the sample were looked at, `(n,)`.
        nearest: The nearest target of each, `(n,)`.
        distance: Distance to it, `(n,)`.
        relative: The same over what is typical for the reference at the shower's energy, `(n,)`.
    """

    rows: NDArray[np.int64]
    nearest: NDArray[np.int64]
    distance: NDArray[np.float64]
    relative: NDArray[np.float64]


@dataclass(frozen=True)
class MemorisationTest:
    """How near a candidate's showers come to those that it is compared with.

    Args:
        n: Showers of the candidate that were looked at.
        ratio_medians: Median of the relative distances over that of independent ones of the reference.
            Below 1 the candidate keeps closer to the targets than the reference does: it repeats
            them, or has too little variety. Above 1 it makes what the reference does not.
        ratio_medians_error: Its standard error, from the bootstrap.
        share_closer: Share of the showers that are closer than the 1 % quantile of the
            independent ones; a perfect generator has .01.
        share_closer_error: Its standard error, from the bootstrap; that of one shower at least.
        smallest: Smallest relative distance.
        copies: Showers that are equal to a target, cell by cell, and in the incident energy.
    """

    n: int
    ratio_medians: float
    ratio_medians_error: float
    share_closer: float
    share_closer_error: float
    smallest: float
    copies: int


@dataclass(frozen=True, eq=False)
class NeighbourResult(Generic[Targets]):
    """Nearest neighbours of candidates, and of independent ones of the reference beside them.

    Args:
        against: What the targets are: `training`, or `reference`.
        targets: The showers, or images, that neighbours were looked for in.
        baseline: Independent showers of the reference.
        candidates: Candidates by name.
        tests: The figures of each candidate.
        baseline_copies: Showers of the reference that are among the targets: with training
            showers given, a sign that the reference is no independent sample.
    """

    against: str
    targets: Targets
    baseline: Neighbours
    candidates: Mapping[str, Neighbours]
    tests: Mapping[str, MemorisationTest]
    baseline_copies: int

    def as_dict(self) -> dict[str, Any]:
        """Numbers for a file, without the distances themselves."""
        return {
            "against": self.against,
            "n_targets": len(self.targets),
            "n_baseline": len(self.baseline.rows),
            "baseline_copies": self.baseline_copies,
            "candidates": {name: vars(test) for name, test in self.tests.items()},
        }


def memorisation(
    reference: Showers,
    candidates: Mapping[str, Showers],
    *,
    rng: np.random.Generator,
    training: Showers | None = None,
    most: int = 5000,
) -> NeighbourResult[Showers]:
    r"""Check whether candidates repeat showers.

    The same targets for all: the showers of the training, if they are given, and the reference's
    showers are the independent ones; else one half of the reference, and the other half is
    independent. A candidate that was simulated from the incident particles of the reference,
    shower by shower, is asked with those of the independent half only.

    Distances (see `ShowerSpace`) grow with the energy. The relative distance is the distance over
    $\exp(p(\ln E))$, with p the parabola that is fitted to the logarithms of the independent
    Geant4 showers' distances; so showers of all energies count alike.

    Args:
        reference: Geant4 showers.
        candidates: Candidates by name.
        rng: Draws halves, showers, and samples of the bootstrap.
        training: Showers that the candidates were made from.
        most: Largest number of showers taken from each sample.

    Raises:
        ShowerFileError: Too few showers.
    """
    for name, showers in {"the reference": reference, **candidates}.items():
        if len(showers) < _FEWEST:
            msg = f"{name}: {len(showers)} showers, nearest neighbours need at least {_FEWEST}"
            raise ShowerFileError(msg)
    if training is not None and not len(training):
        msg = "training: no showers; give some, or leave it out"
        raise ShowerFileError(msg)
    order = rng.permutation(len(reference))
    if training is None:
        order = order[: 2 * most]
        own, targets = order[len(order) // 2 :], reference[order[: len(order) // 2]]
    else:
        own = order[:most]
        targets = training[rng.permutation(len(training))[:most]]
    space = ShowerSpace(reference)
    vectors = space.vectors(targets)
    found = {"": (reference, own)}
    for name, showers in candidates.items():
        paired = np.array_equal(showers.incident.energy_gev, reference.incident.energy_gev)
        found[name] = (showers, own if paired else rng.permutation(len(showers))[:most])
    nearest = {
        name: find_nearest(space.vectors(showers[rows]), vectors)
        for name, (showers, rows) in found.items()
    }
    typical = _Typical(reference.incident.energy_gev[own], nearest[""][1])
    neighbours = {
        name: Neighbours(
            rows, index, distance, distance / typical(showers.incident.energy_gev[rows])
        )
        for (name, (showers, rows)), (index, distance) in zip(
            found.items(), nearest.values(), strict=True
        )
    }
    baseline = neighbours.pop("")
    return NeighbourResult(
        "reference" if training is None else "training",
        targets,
        baseline,
        neighbours,
        {name: compare_neighbours(baseline, each, rng) for name, each in neighbours.items()},
        int(np.count_nonzero(baseline.distance == 0)),
    )


class _Typical:
    """Distance that is typical at an energy: a parabola in the logarithms, by least squares."""

    def __init__(self, energy_gev: NDArray[np.float64], distance: NDArray[np.float64]) -> None:
        has = distance > 0
        logs = np.log(distance[has]) if has.any() else np.zeros(1)
        energy = energy_gev[has] if has.any() else np.ones(1)
        self._middle = float(np.log(energy).mean())
        design = self._design(energy)
        # least squares of smallest norm: with one energy, only the constant is not 0
        self._parabola = np.linalg.lstsq(design, logs, rcond=1e-6)[0]
        self._range = float(energy.min()), float(energy.max())

    def _design(self, energy_gev: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.vander(np.log(energy_gev) - self._middle, 3)

    def __call__(self, energy_gev: NDArray[np.float64]) -> NDArray[np.float64]:
        """Typical distance at energies `(n,)`; beyond those of the fit, that at its end."""
        inside = np.clip(energy_gev, *self._range)
        typical: NDArray[np.float64] = np.exp(self._design(inside) @ self._parabola)
        return typical


def compare_neighbours(
    baseline: Neighbours, candidate: Neighbours, rng: np.random.Generator
) -> MemorisationTest:
    """Say how much nearer a candidate comes to the targets than independent ones do.

    Args:
        baseline: Neighbours of independent showers of the reference.
        candidate: Neighbours of the candidate's.
        rng: Draws samples of the bootstrap.
    """

    def figures(
        independent: NDArray[np.float64], asked: NDArray[np.float64]
    ) -> tuple[float, float]:
        middle, low = np.quantile(independent, [0.5, _QUANTILE])
        ratio = float(np.median(asked) / middle) if middle > 0 else np.nan
        return ratio, float(np.mean(asked < low))

    own, asked = baseline.relative, candidate.relative
    ratio, closer = figures(own, asked)
    again = np.array(
        [
            figures(rng.choice(own, len(own)), rng.choice(asked, len(asked)))
            for _ in range(_BOOTSTRAP)
        ]
    )
    return MemorisationTest(
        n=len(asked),
        ratio_medians=ratio,
        ratio_medians_error=float(again[:, 0].std()),
        share_closer=closer,
        share_closer_error=max(float(again[:, 1].std()), 1 / len(asked)),
        smallest=float(asked.min()),
        copies=int(np.count_nonzero(candidate.distance == 0)),
    )
