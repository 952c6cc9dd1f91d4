"""Which network comes nearest to Pythia, and whether that is the LAGAN, as its paper says.

The paper (arXiv:1701.05927) measures how far the distributions of an observable are apart, for W
and for QCD jets, and takes the larger one of the two; its published code has the earth mover's
distance for that, which in one dimension is the 1-Wasserstein distance. So it is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calogan.evaluation.distances.measures import Measured

__all__ = ["NETWORKS", "PAPER", "Place", "Ranked", "Ranking", "rank"]

PAPER = ("mass", "pt", "tau_21")
"""The observables that the paper compares its networks by."""

NETWORKS = ("lagan", "dcgan", "fcgan", "hybrid")
"""The networks that it compares."""

_CERTAIN = 2.0


@dataclass(frozen=True)
class Place:
    """One candidate in one observable: the larger of its distances in the two classes.

    Args:
        name: Name of the candidate.
        of: The class that the distance is of.
        value: 1-Wasserstein distance in standard deviations of the reference.
        error: Its statistical error.
    """

    name: str
    of: str
    value: float
    error: float


@dataclass(frozen=True)
class Ranked:
    """One observable.

    Args:
        observable: Its name.
        label: What it is called in a sentence.
        in_paper: Whether it is one that the paper compares its networks by.
        places: The candidates, the nearest first.
        floor: Largest median distance that chance gives, of the classes and candidates.
    """

    observable: str
    label: str
    in_paper: bool
    places: tuple[Place, ...]
    floor: float

    def behind(self, name: str) -> bool:
        """Whether a candidate is farther than the nearest one by more than the errors."""
        first, own = self.places[0], self.place(name)
        if np.isnan(own.value):
            return not np.isnan(first.value)
        return own.value - first.value > _CERTAIN * float(np.hypot(own.error, first.error))

    def ahead(self, name: str) -> bool:
        """Whether a candidate is nearer than all others by more than the errors."""
        if self.places[0].name != name or len(self.places) < 2:
            return False
        first, second = self.places[:2]
        gap = second.value - first.value
        return gap > _CERTAIN * float(np.hypot(first.error, second.error))

    def place(self, name: str) -> Place:
        """The place of a candidate."""
        return next(place for place in self.places if place.name == name)

    def as_dict(self) -> dict[str, Any]:
        """All of it, JSON-like."""
        return {
            "in_paper": self.in_paper,
            "floor": self.floor,
            "places": [vars(place) for place in self.places],
        }


@dataclass(frozen=True)
class Ranking:
    """All observables, and what they say of the LAGAN.

    Args:
        ranked: The observables.
        lagan: Name of the candidate that is one; empty if there is none or if it stands alone.
        holds: Whether the paper's statement holds: `yes`, `in part`, `no`; empty if not known.
        sentences: The answer in words.
    """

    ranked: tuple[Ranked, ...]
    lagan: str
    holds: str
    sentences: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """All of it, JSON-like."""
        return {
            "lagan": self.lagan,
            "holds": self.holds,
            "sentences": list(self.sentences),
            "observables": {one.observable: one.as_dict() for one in self.ranked},
        }


def rank(
    distances: Mapping[str, tuple[str, Mapping[str, Mapping[str, Measured]]]], lagan: str
) -> Ranking:
    """Rank candidates in each observable.

    Args:
        distances: By observable what it is called, and by class and candidate its distance.
        lagan: Name of the candidate that is a LAGAN, if the paper's other networks are there too;
            empty otherwise.
    """
    ranked = tuple(_ranked(name, *found) for name, found in distances.items())
    several = all(len(one.places) > 1 for one in ranked)
    if not (lagan and several):
        return Ranking(ranked, "", "", tuple(_nearest(ranked)) if several else ())
    paper = [one for one in ranked if one.in_paper]
    ahead = [one for one in paper if one.ahead(lagan)]
    behind = [one for one in paper if one.behind(lagan)]
    level = [one for one in paper if one not in ahead and one not in behind]
    if behind:
        holds = "no" if len(behind) == len(paper) else "in part"
    else:
        holds = "yes" if ahead else "in part"
    sentences = [
        f"The LAGAN paper says that its network comes nearest to Pythia of the four. {_HEADS[holds]}"
    ]
    if ahead:
        sentences.append(f"{lagan} is nearer than the others in {_names(ahead)}.")
    if level:
        sentences.append(f"Within the errors no network is nearer than {lagan} in {_names(level)}.")
    for one in behind:
        first, own = one.places[0], one.place(lagan)
        sentences.append(
            f"In {one.label} {first.name} is nearer: {first.value:.3f} ± {first.error:.3f} against "
            f"{own.value:.3f} ± {own.error:.3f}."
        )
    return Ranking(ranked, lagan, holds, (*sentences, *_beside(ranked, lagan)))


_HEADS = {
    "yes": "Here it does.",
    "in part": "Here that holds in part.",
    "no": "Here it does not.",
}


def _ranked(
    observable: str, label: str, of_classes: Mapping[str, Mapping[str, Measured]]
) -> Ranked:
    names = list(next(iter(of_classes.values())))
    places = []
    for name in names:
        values = {of: found[name] for of, found in of_classes.items()}
        of = max(values, key=lambda key: np.nan_to_num(values[key].value, nan=np.inf))
        places.append(Place(name, of, values[of].value, values[of].error))
    floors = [one.floor for found in of_classes.values() for one in found.values()]
    places.sort(key=lambda place: np.nan_to_num(place.value, nan=np.inf))
    return Ranked(observable, label, observable in PAPER, tuple(places), float(np.nanmax(floors)))


def _names(ranked: Sequence[Ranked]) -> str:
    *first, last = [one.label for one in ranked]
    return f"{', '.join(first)} and {last}" if first else last


def _nearest(ranked: Sequence[Ranked]) -> list[str]:
    winners: dict[str, list[Ranked]] = {}
    for one in ranked:
        winners.setdefault(one.places[0].name, []).append(one)
    return [
        f"{name} is nearest to the reference in {_names(won)}." for name, won in winners.items()
    ]


def _beside(ranked: Sequence[Ranked], lagan: str) -> list[str]:
    """What the observables say that the paper shows without a figure of merit."""
    others = [one for one in ranked if not one.in_paper]
    won = [one for one in others if one.places[0].name == lagan]
    if not others:
        return []
    return [
        f"Of the {len(others)} other distributions it is nearest in {len(won)}"
        + (f": {_names(won)}." if won else ".")
    ]
