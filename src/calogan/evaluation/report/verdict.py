"""May these showers be used in place of the reference? The answer in words, by a stated rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import numpy as np

from calogan.evaluation.report.comparison import Compared, ComparedCandidate

__all__ = ["GROUPS", "RULE", "Verdict", "judge", "with_classifiers"]

Answer = Literal["yes", "with care", "in part", "no", "too few showers"]

GROUPS = {
    "energies": "energies",
    "fractions": "layer fractions",
    "depth": "shower depth",
    "widths": "lateral widths",
    "hits": "hit shares",
    "centroids": "centroids",
    "peaks": "brightest cells",
}
"""What the groups of observables are called."""

_IN_PART = 0.25
_BY_CHANCE = 0.15
_TOO_CLOSE = 0.6
_COARSE, _CERTAINLY = 0.01, 5
_TOLD_APART = 0.75

RULE = (
    "Yes: no light is red, and at most 15 % are yellow, as chance makes them. "
    "Yes, with care: no light is red, more are yellow. In part: at most a quarter is red. "
    "No: more than that. Too few showers to say: chance reaches more than 1 % beyond its median "
    "separation, so that lights turn red, or stay green, too easily; then the answer is no if at "
    "least five, and more than a quarter, are red. A classifier that counts, with an AUC above 0.75, "
    "makes a yes a yes with care: it sees what single distributions do not show."
)
"""How lights make an answer."""

_HEADS: dict[Answer, str] = {
    "yes": "Yes",
    "with care": "Yes, with care",
    "in part": "In part",
    "no": "No",
    "too few showers": "Too few showers to say",
}


@dataclass(frozen=True)
class Verdict:
    """What the distances say of one candidate.

    Args:
        name: Name of the candidate.
        answer: Whether it may stand for the reference.
        sentences: The same in words.
        lights: Number of observables of each colour.
        worst: Up to three observables that are farthest from the reference, the farthest first.
        seen_percent: Separation power [%] below which a difference would not have been seen.
    """

    name: str
    answer: Answer
    sentences: tuple[str, ...]
    lights: dict[str, int]
    worst: tuple[str, ...]
    seen_percent: float

    @property
    def head(self) -> str:
        """The answer, as a sentence starts with it."""
        return _HEADS[self.answer]

    def as_dict(self) -> dict[str, Any]:
        """All of it, JSON-like."""
        return asdict(self)


def judge(compared: Sequence[Compared], k: int) -> Verdict:
    """Judge candidate number `k` by the traffic lights of its observables: see `RULE`.

    Args:
        compared: The observables; one at least.
        k: Number of the candidate.
    """
    mine = [c.candidates[k] for c in compared]
    lights = {
        colour: sum(one.light == colour for one in mine) for colour in ("green", "yellow", "red")
    }
    n, red, yellow = len(mine), lights["red"], lights["yellow"]
    answer: Answer
    coarse = _reach_of_chance(mine) > _COARSE
    if red > _IN_PART * n and not (coarse and red < _CERTAINLY):
        answer = "no"
    elif coarse:
        answer = "too few showers"
    elif red:
        answer = "in part"
    else:
        answer = "with care" if yellow > max(1, _BY_CHANCE * n) else "yes"
    far = sorted(
        (c for c in compared if c.candidates[k].light in {"yellow", "red"}),
        key=lambda c: (c.candidates[k].light != "red", -_separation(c, k)),
    )
    sentences = _sentences(compared, k, answer, lights)
    if _below_chance(mine) < _TOO_CLOSE:
        sentences.append(
            "It is closer to the reference than an independent sample would be: does it hold "
            "showers of the reference?"
        )
    floors = [one.measured["separation"].floor_high for one in mine]
    floors = [floor for floor in floors if np.isfinite(floor)]
    return Verdict(
        mine[0].name,
        answer,
        tuple(sentences),
        lights,
        tuple(c.shape.name for c in far[:3]),
        100 * float(np.median(floors)) if floors else float("nan"),
    )


def with_classifiers(verdict: Verdict, tests: Mapping[str, Any]) -> Verdict:
    """Add what classifiers say that counts: the one that tells the candidate apart best. See `RULE`.

    Args:
        verdict: What the distances say.
        tests: By kind of inputs a `TestResult`, or why there is none.
    """
    count = [test for test in tests.values() if not isinstance(test, str) and test.conclusive]
    if not count:
        return verdict
    best = max(count, key=lambda test: float(test.auc))
    words = (
        f"A network tells its showers from those of the reference with an AUC of {best.auc:.2f} "
        f"(inputs: {best.inputs}; reference against reference: {best.floor.auc:.2f})."
    )
    told_apart = verdict.answer == "yes" and best.auc > _TOLD_APART
    answer: Answer = "with care" if told_apart else verdict.answer
    return replace(verdict, answer=answer, sentences=(*verdict.sentences, words))


def _reach_of_chance(mine: Sequence[ComparedCandidate]) -> float:
    """How far the separation power goes beyond its floor by chance; median of the observables."""
    found = [one.measured["separation"] for one in mine]
    reach = [one.floor_high - one.floor for one in found if np.isfinite(one.floor_high)]
    return float(np.median(reach)) if reach else float("inf")


def _below_chance(mine: Sequence[ComparedCandidate]) -> float:
    """Median over the observables of the separation power over what chance gives."""
    found = [one.measured["separation"] for one in mine]
    ratios = [one.value / one.floor for one in found if one.floor > 0 and np.isfinite(one.value)]
    return float(np.median(ratios)) if ratios else 1.0


def _separation(compared: Compared, k: int) -> float:
    value = compared.candidates[k].measured["separation"].value
    return value if np.isfinite(value) else 0.0


def _sentences(
    compared: Sequence[Compared], k: int, answer: Answer, lights: dict[str, int]
) -> list[str]:
    n = len(compared)
    if not lights["red"] and (answer == "yes" or not lights["yellow"]):
        if not lights["yellow"]:
            return ["None of its distributions differs from the reference by more than chance."]
        alike = _of(n - lights["yellow"], n)
        return [f"{alike} distributions differ by no more than chance; the others, little."]
    groups: dict[str, list[str]] = {}
    for c in compared:
        groups.setdefault(c.shape.group, []).append(c.candidates[k].light)
    said = []
    if lights["red"]:
        said.append(
            f"{_of(lights['red'], n)} distributions differ so much that it matters"
            + (f", {lights['yellow']} more measurably." if lights["yellow"] else ".")
        )
        bad = [
            f"{GROUPS.get(name, name)} ({found.count('red')} of {len(found)})"
            for name, found in groups.items()
            if "red" in found
        ]
        said.append(f"Do not rely on: {', '.join(bad)}.")
    else:
        said.append(
            f"{_of(lights['yellow'], n)} distributions differ measurably, none of them much."
        )
    good = [GROUPS.get(name, name) for name, found in groups.items() if "red" not in found]
    if lights["red"] and good:
        said.append(f"Good enough for most uses: {', '.join(good)}.")
    return said


def _of(k: int, n: int) -> str:
    return f"{k} of {n}" if k != n else f"All {n}"
