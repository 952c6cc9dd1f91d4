"""Which network is nearest follows from the distances, and so does what is said of the LAGAN."""

from __future__ import annotations

import pytest

pytest.importorskip("scipy", reason="needs the extra evaluate")

from calogan.evaluation.distances.measures import Measured
from calogan.jets.report.ranking import PAPER, Ranking, rank

CLASSES = ("signal", "background")
ERROR = 0.01


def ranking(lagan: str = "lagan", **values: tuple[float, ...]) -> Ranking:
    """Rank candidates by their distances in mass, pT, tau_21 and one more, of both classes."""
    names = (*PAPER, "hit")
    return rank(
        {
            name: (
                name.upper(),
                {
                    "signal": {n: Measured(v[k], ERROR, 0.01, 0.02) for n, v in values.items()},
                    "background": {n: Measured(0.0, ERROR, 0.02, 0.03) for n in values},
                },
            )
            for k, name in enumerate(names)
        },
        lagan,
    )


def test_the_worse_class_counts() -> None:
    found = ranking(lagan="", a=(0.1, 0.1, 0.1, 0.1), b=(0.2, 0.0, 0.3, 0.3))
    first = found.ranked[0]
    assert [(place.name, place.of, place.value) for place in first.places] == [
        ("a", "signal", 0.1),
        ("b", "signal", 0.2),
    ]
    assert first.floor == 0.02
    assert [one.places[0].name for one in found.ranked] == ["a", "b", "a", "a"]
    assert (found.lagan, found.holds) == ("", "")
    assert found.sentences == (
        "a is nearest to the reference in MASS, TAU_21 and HIT.",
        "b is nearest to the reference in PT.",
    )


@pytest.mark.parametrize(
    ("lagan", "other", "holds"),
    [
        ((0.1, 0.1, 0.1, 0.9), (0.2, 0.2, 0.2, 0.1), "yes"),  # of the paper's three
        ((0.1, 0.11, 0.1, 0.1), (0.2, 0.1, 0.2, 0.1), "yes"),  # within the errors in one
        ((0.1, 0.1, 0.1, 0.1), (0.1, 0.1, 0.11, 0.1), "in part"),  # none is nearer
        ((0.1, 0.2, 0.1, 0.1), (0.2, 0.1, 0.2, 0.1), "in part"),
        ((0.2, 0.2, 0.2, 0.1), (0.1, 0.1, 0.1, 0.9), "no"),
        ((0.2, 0.2, 0.1, 0.1), (0.1, 0.1, 0.1, 0.9), "in part"),
    ],
)
def test_what_the_paper_says_is_held_against_the_numbers(
    lagan: tuple[float, ...], other: tuple[float, ...], holds: str
) -> None:
    found = _two(lagan, other)
    assert found.holds == holds
    heads = {"yes": "Here it does.", "in part": "in part", "no": "Here it does not."}
    assert heads[holds] in found.sentences[0]


def _two(lagan: tuple[float, ...], other: tuple[float, ...]) -> Ranking:
    return ranking("network", network=lagan, dcgan=other)


def test_where_another_one_is_nearer_it_is_named_with_its_numbers() -> None:
    found = _two((0.1, 0.2, 0.1, 0.3), (0.2, 0.1, 0.2, 0.1))
    assert "network is nearer than the others in MASS and TAU_21." in found.sentences
    assert "In PT dcgan is nearer: 0.100 ± 0.010 against 0.200 ± 0.010." in found.sentences
    assert found.sentences[-1] == "Of the 1 other distributions it is nearest in 0."


def test_alone_there_is_nothing_to_say() -> None:
    found = ranking("network", network=(0.1, 0.1, 0.1, 0.1))
    assert (found.sentences, found.holds) == ((), "")


def test_a_distance_that_is_not_defined_is_the_farthest() -> None:
    found = _two((float("nan"),) * 4, (0.2, 0.2, 0.2, 0.2))
    assert [place.name for place in found.ranked[0].places] == ["dcgan", "network"]
    (first,) = (one for one in found.ranked if one.observable == "mass")
    assert first.behind("network")
    assert not first.behind("dcgan")
    assert found.holds == "no"
