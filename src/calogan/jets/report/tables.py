"""Tables of a page of jet images: numbers written as a reader wants them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from calogan.evaluation.distances.lights import light
from calogan.evaluation.distances.measures import Measured
from calogan.evaluation.pictures.memorisation import NeighbourResult
from calogan.evaluation.report.tables import LIGHTS, NONE_MARK, number, with_error
from calogan.jets.images import JetImages
from calogan.jets.report.samples import CLASSES
from calogan.jets.report.study import INTENSITY, SHAPES, Findings

if TYPE_CHECKING:
    from calogan.jets.report.classifying import Classified

__all__ = [
    "candidate_cards",
    "classifier_table",
    "distance_rows",
    "neighbour_table",
    "overall_table",
    "ranking_rows",
    "sample_rows",
    "verdict_head",
]

Table = Sequence[Sequence[str]]

_HEADS = {
    "yes": "The paper's statement holds",
    "in part": "The paper's statement holds in part",
    "no": "The paper's statement does not hold",
}


def candidate_cards(findings: Findings) -> list[dict[str, Any]]:
    """What is said of each candidate at the top of the page."""
    cards = []
    for sample in findings.samples.candidates:
        name = sample.name
        won = [one.label for one in findings.ranking.ranked if one.places[0].name == name]
        sentences = []
        if len(findings.samples.candidates) > 1:
            n = len(findings.ranking.ranked)
            sentences.append(f"Nearest of all in {len(won)} of {n} distributions.")
        far = [
            f"{_label(one.observable)} {one.place(name).value:.2f}"
            for one in findings.ranking.ranked
            if one.in_paper
        ]
        sentences.append(f"1-Wasserstein distance, worse class: {', '.join(far)} sd.")
        if findings.classified is not None:
            tests, own = findings.classified.tests[name], findings.classified.pythia
            auc = tests["generated/reference"].auc
            real = findings.classified.real[name].auc
            sentences.append(
                f"W against QCD, trained on it: AUC {auc:.3f}, where {findings.samples.reference.name}"
                f" gives {own.auc:.3f}. Told from {findings.samples.reference.name} with an AUC of"
                f" {real:.2f}."
            )
        lights = findings.lights(name)
        cards.append(
            {
                "name": name,
                "lights": [(LIGHTS[c], c, n) for c, n in lights.items() if n],
                "sentences": sentences,
            }
        )
    return cards


def verdict_head(findings: Findings) -> str:
    """The paper's statement in one line; empty if it was not tested."""
    return _HEADS.get(findings.ranking.holds, "")


def distance_rows(findings: Findings) -> list[dict[str, Any]]:
    """One row per observable and class: the 1-Wasserstein distance of each candidate."""
    rows = []
    for k, shape in enumerate(SHAPES):
        for j, of in enumerate(CLASSES):
            one = findings.compared[of][k]
            reference = one.reference
            rows.append(
                {
                    "name": shape.name,
                    "label": shape.label,
                    "description": shape.description,
                    "unit": shape.unit,
                    "of": of,
                    "first": j == 0,
                    "cells": _cells(
                        {c.name: (c.measured["wasserstein"], c.light) for c in one.candidates}
                    ),
                    "floor": _floor(c.measured["wasserstein"] for c in one.candidates),
                    "mean": number(reference.mean, reference.mean_error),
                    "sd": number(reference.sd, reference.mean_error),
                }
            )
    for j, of in enumerate(CLASSES):
        measured = findings.intensities[of].measured
        rows.append(
            {
                "name": INTENSITY,
                "label": "$I$",
                "description": "pixel intensity, logarithm",
                "unit": "",
                "of": of,
                "first": j == 0,
                "cells": _cells(
                    {n: (one, light({"wasserstein": one})) for n, one in measured.items()}
                ),
                "floor": _floor(measured.values()),
                "mean": NONE_MARK,
                "sd": "",
            }
        )
    return rows


def _cells(found: dict[str, tuple[Measured, str]]) -> list[dict[str, Any]]:
    values = [one.value for one, _ in found.values()]
    best = np.nanmin(values) if np.isfinite(values).any() else np.nan
    return [
        {
            "light": colour,
            "sign": LIGHTS.get(colour, ""),
            "value": _places(one.value),
            "error": _places(one.error),
            "floor_high": _places(one.floor_high),
            "best": len(found) > 1 and one.value == best,
        }
        for one, colour in found.values()
    ]


def _floor(found: Iterable[Measured]) -> str:
    """What chance gives: the largest of the candidates, whose sizes may differ."""
    floors = [one.floor for one in found if np.isfinite(one.floor)]
    return _places(max(floors, default=np.nan))


def _places(value: float) -> str:
    return f"{value:.3f}" if np.isfinite(value) else NONE_MARK


def ranking_rows(findings: Findings) -> list[dict[str, Any]]:
    """One row per observable: the larger distance of the two classes, the nearest first."""
    return [
        {
            "label": _label(one.observable),
            "description": one.label,
            "in_paper": one.in_paper,
            "places": [
                {
                    "name": place.name,
                    "value": f"{_places(place.value)} ± {_places(place.error)}",
                    "of": place.of,
                }
                for place in one.places
            ],
            "floor": _places(one.floor),
        }
        for one in findings.ranking.ranked
    ]


def _label(name: str) -> str:
    symbols = {"mass": "m", "pt": "pT", "tau_21": "τ21", INTENSITY: "I"}
    return symbols.get(name, name)


def overall_table(findings: Findings) -> Table:
    """Frechet and kernel distance over all observables together; the first row is the head."""
    if not findings.overall:
        return ()
    rows = [["Candidate", "Jets", "FPD", "floor", "KPD", "floor"]]
    for of, by_name in findings.overall.items():
        for name, found in by_name.items():
            line = [name, of]
            for key in ("fpd", "kpd"):
                one = found.get(key)
                line += (
                    [NONE_MARK, NONE_MARK]
                    if one is None
                    else [with_error(one.value, one.error), with_error(one.floor, one.floor_error)]
                )
            rows.append(line)
    return rows


def neighbour_table(result: NeighbourResult[JetImages]) -> Table:
    """How near candidates come to the targets; the first row is the head."""
    rows = [
        ["Candidate", "Images", "Median / independent", "Below their 1 % quantile", "Copies"],
    ]
    for name, test in result.tests.items():
        rows.append(
            [
                name,
                f"{test.n:,}",
                with_error(test.ratio_medians, test.ratio_medians_error),
                f"{100 * test.share_closer:.1f} ± {100 * test.share_closer_error:.1f} %",
                str(test.copies),
            ]
        )
    return rows


def classifier_table(own: str, found: Classified) -> Table:
    """Areas under the ROC curves; the first row is the head."""
    rows = [
        [
            "Sample",
            f"trained on it, tested on {own}",
            f"trained on {own}, tested on it",
            "trained and tested on it",
            f"told from {own}",
        ]
    ]
    floor = with_error(found.floor.auc, found.floor.auc_spread)
    auc = with_error(found.pythia.auc, found.pythia.auc_spread)
    rows.append([own, auc, auc, auc, f"{floor} (halves)"])
    for name, tests in found.tests.items():
        keys = ("generated/reference", "reference/generated", "generated/generated")
        real = found.real[name]
        rows.append(
            [
                name,
                *(with_error(tests[key].auc, tests[key].auc_spread) for key in keys),
                with_error(real.auc, real.auc_spread),
            ]
        )
    return rows


def sample_rows(findings: Findings) -> list[dict[str, Any]]:
    """One row per sample."""
    rows = []
    for k, sample in enumerate(findings.samples.every):
        rows.append(
            {
                "name": sample.name,
                "role": "" if k else "reference",
                "source": sample.source,
                "n": len(sample),
                "n_source": sample.n_source,
                "of": {of: len(sample.image(of)) for of in CLASSES},
                "made_with": json.dumps(
                    dict(sample.made_with), indent=2, sort_keys=True, default=str
                )
                if sample.made_with
                else "",
            }
        )
    return rows
