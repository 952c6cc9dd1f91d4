"""Rows of the tables of a page: numbers written as a reader wants them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from calogan.evaluation.distances.measures import Measured
from calogan.evaluation.report.comparison import Compared, ComparedCandidate
from calogan.evaluation.report.findings import Findings
from calogan.evaluation.samples.accumulation import Sample

__all__ = [
    "LIGHTS",
    "NONE_MARK",
    "number",
    "observable_rows",
    "overall_blocks",
    "sample_rows",
    "verdict_cards",
    "with_error",
]

NONE_MARK = "\N{EN DASH}"
"""What stands in the place of a number that does not exist."""

_PLACES = {"ks": 3, "wasserstein": 3, "chi2_ndf": 2}
"""Distances beside the separation power, and the decimal places that they are written with."""

LIGHTS = {"green": "●", "yellow": "▲", "red": "■"}
"""Signs of the traffic lights: shapes, for not everybody tells the colours apart."""


def number(value: float, error: float | None = None, digits: int = 3) -> str:
    """Write a number, up to the place of its error's first digit."""
    if not np.isfinite(value):
        return NONE_MARK
    if error is not None and np.isfinite(error) and error > 0:
        places = int(np.clip(-np.floor(np.log10(error)), 0, 6))
        return f"{value:z.{places}f}"
    return f"{value:z.{digits}g}"


def verdict_cards(findings: Findings) -> list[dict[str, Any]]:
    """What is said of each candidate at the top of the page."""
    by_name = {c.shape.name: c for c in findings.observables}
    cards = []
    for k, verdict in enumerate(findings.verdicts):
        worst = [by_name[name] for name in verdict.worst]
        cards.append(
            {
                "name": verdict.name,
                "answer": verdict.answer.replace(" ", "-"),
                "head": verdict.head,
                "sentences": verdict.sentences,
                "lights": [(LIGHTS[c], c, n) for c, n in verdict.lights.items() if n],
                "worst": [
                    {
                        "name": c.shape.name,
                        "label": c.shape.label,
                        "description": c.shape.description,
                        "separation": _percent(c.candidates[k].measured["separation"].value),
                    }
                    for c in worst
                ],
                "seen": number(verdict.seen_percent, digits=2),
            }
        )
    return cards


def observable_rows(findings: Findings) -> list[dict[str, Any]]:
    """One row per observable, group by group."""
    rows = [_row(c, len(findings.candidates)) for c in findings.observables]
    for before, row in pairwise(rows):
        row["starts_group"] = row["group"] != before["group"]
    return rows


def sample_rows(samples: Sequence[Sample], floor: Sample | None) -> list[dict[str, Any]]:
    """One row per sample."""
    rows = []
    for k, sample in enumerate(samples):
        origin = sample.origin
        low, high = origin.energy_range_gev
        rows.append(
            {
                "name": origin.name,
                "role": "reference" if k == 0 else ("floor" if sample is floor else ""),
                "source": origin.source,
                "n": len(origin),
                "n_source": origin.n_source,
                "particles": ", ".join(origin.particles) or "not known",
                "energies": f"{low:.4g}"
                if high - low < 1e-4 * high
                else f"{low:.3g} to {high:.3g}",
                "made_with": json.dumps(
                    dict(origin.made_with), indent=2, sort_keys=True, default=str
                )
                if origin.made_with
                else "",
            }
        )
    return rows


def _row(compared: Compared, n_candidates: int) -> dict[str, Any]:
    shape, reference = compared.shape, compared.reference
    return {
        "name": shape.name,
        "group": shape.group,
        "starts_group": False,
        "label": shape.label,
        "unit": shape.unit,
        "description": shape.description,
        "mean": number(reference.mean, reference.mean_error),
        "sd": number(reference.sd, reference.mean_error),
        "defined": reference.defined,
        "candidates": [_cells(c, k >= n_candidates) for k, c in enumerate(compared.candidates)],
    }


def _cells(candidate: ComparedCandidate, is_floor: bool) -> dict[str, Any]:
    found, differ = candidate.moments, candidate.difference
    separation = candidate.measured["separation"]
    return {
        "name": candidate.name,
        "is_floor": is_floor,
        "light": candidate.light,
        "sign": LIGHTS.get(candidate.light, ""),
        "separation": _percent(separation.value),
        "separation_error": _percent(separation.error, separation.value),
        "floor": _percent(separation.floor, separation.value),
        "floor_high": _percent(separation.floor_high),
        "distances": [
            _distance(candidate.measured[name], places) for name, places in _PLACES.items()
        ],
        "mean": number(found.mean, found.mean_error),
        "sd": number(found.sd, found.mean_error),
        "defined": found.defined,
        "ratio_mean": number(differ.ratio_mean, differ.ratio_mean_error),
        "ratio_mean_error": number(differ.ratio_mean_error, differ.ratio_mean_error),
        "ratio_sd": number(differ.ratio_sd, differ.ratio_sd_error),
        "ratio_sd_error": number(differ.ratio_sd_error, differ.ratio_sd_error),
    }


def _percent(share: float, beside: float | None = None) -> str:
    """Write a separation power [%]: with up to two places, as many as the number beside it."""
    if not np.isfinite(share):
        return NONE_MARK
    percent = 100 * share
    size = percent if beside is None else 100 * beside
    return f"{percent:.{0 if size >= 10 else 1 if size >= 1 else 2}f}"


def _distance(measured: Measured, places: int) -> dict[str, str]:
    values = {"value": measured.value, "error": measured.error, "floor": measured.floor}
    return {
        key: f"{value:.{places}f}" if np.isfinite(value) else NONE_MARK
        for key, value in values.items()
    }


def overall_blocks(findings: Findings) -> list[dict[str, Any]]:
    """Tables of what was measured over all observables, or all cells, together."""
    blocks = []
    if findings.overall:
        blocks.append(_distances_block(findings))
    if findings.classifiers:
        blocks.append(_classifier_block(findings))
    return blocks


def _distances_block(findings: Findings) -> dict[str, Any]:
    lines, reasons, sources = [], [], []
    for name, found in findings.overall.items():
        line = [name]
        for key in ("fpd", "kpd"):
            one = found[key]
            line += [
                with_error(one.value, one.error),
                with_error(one.floor, one.floor_error),
            ]
            if one.reason:
                reasons.append(f"{key.upper()} of {name}: {one.reason}")
            sources.append(one.floor_from)
        lines.append(line)
    words = (
        "Frechet and kernel physics distance (arXiv:2211.10295) over the observables of the table: "
        "0 for equal distributions, up to chance, which the floor shows"
        + (f" ({sources[0]})." if sources and sources[0] else ".")
    )
    return {
        "head": ["Candidate", "FPD", "floor", "KPD", "floor"],
        "lines": lines,
        "words": " ".join([words, *(f"{reason}." for reason in dict.fromkeys(reasons))]),
    }


def _classifier_block(findings: Findings) -> dict[str, Any]:
    lines, reasons = [], []
    for name, tests in findings.classifiers.items():
        for inputs, test in tests.items():
            if isinstance(test, str):
                lines.append([name, inputs, *[NONE_MARK] * 4, "not possible"])
                reasons.append(f"{name}, {inputs}: {test}")
                continue
            lines.append(
                [
                    name,
                    inputs,
                    with_error(test.auc, test.auc_spread),
                    with_error(test.floor.auc, test.floor.auc_spread),
                    with_error(test.ceiling.auc, test.ceiling.auc_spread),
                    with_error(test.jsd, test.jsd_spread),
                    "yes" if test.conclusive else "not conclusive",
                ]
            )
            if not test.conclusive:
                reasons.append(f"{name}, {inputs}: {test.reason}")
    words = (
        "Networks that were trained to tell a candidate's showers from those of the reference. AUC "
        "0.5: they cannot; 1: always. Floor: reference against reference. Ceiling: reference "
        "against itself with shuffled cells. JSD: Jensen-Shannon divergence [bit], 0 to 1. Mean "
        "and spread of several trainings."
    )
    return {
        "head": ["Candidate", "Inputs", "AUC", "floor", "ceiling", "JSD", "conclusive"],
        "lines": lines,
        "words": " ".join([words, *(f"{reason}." for reason in reasons)]),
    }


def with_error(value: float, error: float) -> str:
    """Write a number with its error, as far as there is one."""
    if not np.isfinite(value):
        return NONE_MARK
    if not np.isfinite(error):
        return number(value)
    return f"{number(value, error)} ± {number(error, error)}"
