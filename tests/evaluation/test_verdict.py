"""The answer in words follows from the lights, and the page sets symbols and numbers right."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra evaluate")

from calogan.calorimeter import Calorimeter
from calogan.errors import ConfigurationError
from calogan.evaluation.distances.measures import Difference, Measured, moments
from calogan.evaluation.pictures.binning import Binning, Counts
from calogan.evaluation.report.comparison import Compared, ComparedCandidate, Shape
from calogan.evaluation.report.page import symbol
from calogan.evaluation.report.settings import Settings
from calogan.evaluation.report.tables import number, with_error
from calogan.evaluation.report.verdict import judge, with_classifiers
from calogan.observables import observables_of


def compared(lights: str, group: str = "widths", reach: float = 0.002) -> list[Compared]:
    """Observables of a candidate with given lights: g, y, r."""
    one = moments(np.array([1.0, 2.0, 3.0]))
    counts = Counts(np.ones(2), np.zeros(2))
    nothing = Difference(1, 0, 1, 0, 0, 0, 0)
    names = {"g": "green", "y": "yellow", "r": "red"}
    return [
        Compared(
            Shape(f"{group}_{k}", "$x$", "mm", "something", group),
            Binning(np.array([0.0, 1.0, 2.0])),
            one,
            counts,
            (
                ComparedCandidate(
                    "c",
                    one,
                    nothing,
                    counts,
                    {"separation": Measured(0.01 * k, 0.001, 0.004, 0.004 + reach)},
                    names[letter],
                ),
            ),
        )
        for k, letter in enumerate(lights)
    ]


@pytest.mark.parametrize(
    ("lights", "answer"),
    [
        ("gggg", "yes"),
        ("gggy", "yes"),  # one by chance
        ("gggggggggggggggggggy", "yes"),
        ("ggyy", "with care"),
        ("yyyy", "with care"),
        ("gggr", "in part"),
        ("ggrr", "no"),
    ],
)
def test_the_answer_follows_from_the_lights(lights: str, answer: str) -> None:
    verdict = judge(compared(lights), 0)
    assert verdict.answer == answer
    assert verdict.lights == {
        "green": lights.count("g"),
        "yellow": lights.count("y"),
        "red": lights.count("r"),
    }
    assert verdict.seen_percent == pytest.approx(0.6)
    assert verdict.sentences


@pytest.mark.parametrize(
    ("lights", "answer"),
    [
        ("gggg", "too few showers"),
        ("gggr", "too few showers"),
        ("grrr", "too few showers"),
        ("rrrrrgggg", "no"),
        ("rrrrr" + 20 * "g", "too few showers"),
    ],
)
def test_few_showers_make_no_answer(lights: str, answer: str) -> None:
    verdict = judge(compared(lights, reach=0.02), 0)
    assert verdict.answer == answer
    assert verdict.sentences


def test_a_candidate_that_is_too_close_is_pointed_out() -> None:
    close = compared("ggg")
    for one in close:
        one.candidates[0].measured["separation"] = Measured(0.001, 0.001, 0.004, 0.006)  # type: ignore[index]
    assert "closer to the reference" in judge(close, 0).sentences[-1]
    assert "closer" not in " ".join(judge(compared("gggg"), 0).sentences)


def test_the_answer_names_what_is_good_and_what_is_not() -> None:
    both = [*compared("rrg", "widths"), *compared("gyg", "fractions")]
    verdict = judge(both, 0)
    text = " ".join(verdict.sentences)
    assert "2 of 6 distributions differ so much that it matters, 1 more measurably." in text
    assert "Do not rely on: lateral widths (2 of 3)." in text
    assert "Good enough for most uses: layer fractions." in text
    assert verdict.worst == ("widths_1", "widths_0", "fractions_1")


@pytest.mark.parametrize(
    ("label", "html"),
    [
        (r"$\sigma_{\eta,1}$", "σ<sub>η,1</sub>"),  # noqa: RUF001
        (r"$E_{\mathrm{tot}}/E$", "E<sub>tot</sub>/E"),
        (r"$\sigma_{s_d}$", "σ<sub>s<sub>d</sub></sub>"),  # noqa: RUF001
        (r"$E_{0,(1)}/E_{0}$", "E<sub>0,(1)</sub>/E<sub>0</sub>"),
        ("$<b>$", "&lt;b&gt;"),
    ],
)
def test_symbols(label: str, html: str) -> None:
    assert symbol(label) == html


def test_no_symbol_keeps_a_sign_of_mathtext() -> None:
    for observable in observables_of(Calorimeter.load("calogan")):
        assert not set("\\{}$_^") & set(symbol(observable.label)), observable.label


def test_numbers() -> None:
    assert number(1.23456, 0.012) == "1.23"
    assert number(float("nan")) == "–"  # noqa: RUF001
    assert with_error(0.51234, 0.004) == "0.512 ± 0.004"
    assert with_error(0.51234, float("nan")) == "0.512"


def test_a_classifier_that_counts_has_a_say() -> None:
    def found(auc: float, inputs: str, *, conclusive: bool) -> SimpleNamespace:
        floor = SimpleNamespace(auc=0.51)
        return SimpleNamespace(auc=auc, inputs=inputs, floor=floor, conclusive=conclusive)

    verdict = judge(compared("gggg"), 0)
    assert with_classifiers(verdict, {"low": "too few showers"}) is verdict
    tests = {
        "low": found(0.6, "low", conclusive=True),
        "high": found(0.99, "high", conclusive=False),
        "strict": found(0.87, "strict", conclusive=True),
    }
    said = with_classifiers(verdict, tests).sentences[-1]
    assert "an AUC of 0.87 (inputs: strict; reference against reference: 0.51)" in said
    assert verdict.answer == "yes"
    assert with_classifiers(verdict, tests).answer == "with care"
    assert with_classifiers(verdict, {"low": tests["low"]}).answer == "yes"
    bad = judge(compared("rrrrrrr"), 0)
    assert with_classifiers(bad, tests).answer == bad.answer == "no"


@pytest.mark.parametrize(
    ("name", "value"), [("n_bootstrap", 0), ("n_seeds", 0), ("seed", -1), ("workers", 0)]
)
def test_settings_that_make_no_sense(name: str, value: int) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} of {value}: at least "):
        Settings(**{name: value})  # type: ignore[arg-type]
