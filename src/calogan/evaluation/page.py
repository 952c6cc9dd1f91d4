"""The page of a report: numbers and pictures set into one HTML file."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup, escape

import calogan
from calogan.evaluation.comparison import Compared, ComparedCandidate
from calogan.evaluation.distances import grade
from calogan.evaluation.folder import FIGURES
from calogan.evaluation.selection import Selection
from calogan.evaluation.sources import Sample

__all__ = ["Picture", "Section", "number", "render"]

NONE_MARK = "\N{EN DASH}"
"""What stands in the place of a number that does not exist."""


@dataclass(frozen=True)
class Picture:
    """A figure of the report: its file's stem, what it shows, and whether it needs the width."""

    name: str
    caption: str
    wide: bool = False


@dataclass(frozen=True)
class Section:
    """Pictures under a heading."""

    anchor: str
    title: str
    pictures: list[Picture]


def render(
    selection: Selection, compared: Sequence[Compared], sections: Sequence[Section], folder: Path
) -> str:
    """Set the page.

    Args:
        selection: The samples.
        compared: The observables of the table.
        sections: The pictures.
        folder: The report's folder, where the pictures are.

    Returns:
        HTML that needs nothing else: pictures and style are inside.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("calogan.evaluation"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["symbol"] = symbol
    environment.globals["picture_data"] = lambda name: _data(folder / FIGURES / f"{name}.png")
    return environment.get_template("report.html").render(
        version=calogan.__version__,
        none_mark=NONE_MARK,
        reference=selection.reference.name,
        candidates=[c.name for c in selection.candidates],
        calorimeter=selection.reference.showers.calorimeter.name,
        notes=selection.notes,
        samples=[_sample(s) for s in selection.samples],
        rows=_rows(compared),
        largest=_largest(compared),
        sections=sections,
    )


def symbol(label: str) -> Markup:
    r"""Turn the mathtext of an observable into HTML: `$\sigma_{\eta,1}$` -> sigma with a subscript."""
    text = label.replace("$", "").replace(r"\mathrm", "")
    for name, letter in (("sigma", "σ"), ("eta", "η"), ("phi", "φ")):  # noqa: RUF001
        text = text.replace(f"\\{name}", letter)
    text = re.sub(r"_\{((?:[^{}]|\{[^{}]*\})*)\}", r"_<\1>", text)
    # escaped first: what is marked safe below holds no markup but the subscripts put in here
    html = str(escape(text.replace("{", "").replace("}", "")))
    html = re.sub(r"_&lt;(.*?)&gt;", r"<sub>\1</sub>", html)
    return Markup(html)


def number(value: float, error: float | None = None, digits: int = 3) -> str:
    """Write a number, up to the place of its error's first digit."""
    if not np.isfinite(value):
        return NONE_MARK
    if error is not None and np.isfinite(error) and error > 0:
        places = int(np.clip(-np.floor(np.log10(error)), 0, 6))
        return f"{value:z.{places}f}"
    return f"{value:z.{digits}g}"


def _data(path: Path) -> str:
    return b64encode(path.read_bytes()).decode("ascii")


def _sample(sample: Sample) -> dict[str, Any]:
    low, high = sample.energy_range_gev
    return {
        "name": sample.name,
        "source": sample.source,
        "n": len(sample.showers),
        "n_source": sample.n_source,
        "particles": ", ".join(sample.particles) or "not known",
        "energies": f"{low:.4g}" if high - low < 1e-4 * high else f"{low:.3g} to {high:.3g}",
        "made_with": json.dumps(sample.made_with, indent=2, sort_keys=True, default=str)
        if sample.made_with
        else "",
    }


def _rows(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    rows = [_row(c) for c in compared]
    for before, row in pairwise(rows):
        row["starts_group"] = row["group"] != before["group"]
    return rows


def _row(compared: Compared) -> dict[str, Any]:
    observable, reference = compared.observable, compared.reference
    return {
        "name": observable.name,
        "group": observable.group,
        "starts_group": False,
        "label": observable.label,
        "unit": compared.unit,
        "description": observable.description,
        "mean": number(reference.mean, reference.mean_error),
        "sd": number(reference.sd, reference.mean_error),
        "defined": reference.defined,
        "candidates": [_cells(c) for c in compared.candidates],
    }


def _cells(candidate: ComparedCandidate) -> dict[str, Any]:
    found, differ = candidate.moments, candidate.difference
    noise = differ.separation_noise_percent
    return {
        "name": candidate.name,
        "mean": number(found.mean, found.mean_error),
        "sd": number(found.sd, found.mean_error),
        "defined": found.defined,
        "ratio_mean": number(differ.ratio_mean, differ.ratio_mean_error),
        "ratio_mean_error": number(differ.ratio_mean_error, differ.ratio_mean_error),
        "ratio_sd": number(differ.ratio_sd, differ.ratio_sd_error),
        "ratio_sd_error": number(differ.ratio_sd_error, differ.ratio_sd_error),
        "separation": f"{differ.separation_percent:.2g}",
        "noise": f"{noise:.2g}",
        "wasserstein": number(differ.wasserstein, digits=2),
        "bar": float(np.clip(differ.separation_percent, 0, 100)),
        "shade": grade(differ.separation_percent, noise),
    }


def _largest(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """For each candidate, the observables that give it away most."""
    names = [c.name for c in compared[0].candidates]
    found = []
    for k, name in enumerate(names):
        above = [
            (c.candidates[k].difference.separation_percent, c.observable)
            for c in compared
            if _cells(c.candidates[k])["shade"] != "noise"
        ]
        above.sort(key=lambda pair: -pair[0])
        found.append(
            {
                "name": name,
                "n_above": len(above),
                "n": len(compared),
                "worst": [
                    {"label": o.label, "description": o.description, "separation": f"{s:.2g}"}
                    for s, o in above[:3]
                ],
            }
        )
    return found
