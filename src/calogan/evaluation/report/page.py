"""The page of a report: numbers and pictures set into one HTML file."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

import calogan
from calogan.evaluation.report.figures import Section
from calogan.evaluation.report.findings import Findings
from calogan.evaluation.report.folder import FIGURES
from calogan.evaluation.report.tables import (
    NONE_MARK,
    observable_rows,
    overall_blocks,
    sample_rows,
    verdict_cards,
)
from calogan.evaluation.report.verdict import RULE

__all__ = ["page_environment", "render", "symbol"]

_LETTERS = {
    "sigma": "σ",  # noqa: RUF001
    "eta": "η",
    "phi": "φ",
    "langle": "⟨",
    "rangle": "⟩",
    "pi": "π",
    "tau": "τ",
    "gamma": "γ",  # noqa: RUF001
    "Delta": "Δ",
    "alpha": "α",  # noqa: RUF001
    "ell": "ℓ",  # noqa: RUF001
}


def render(findings: Findings, sections: Sequence[Section], folder: Path) -> str:
    """Set the page.

    Args:
        findings: The numbers.
        sections: The pictures.
        folder: The report's folder, where the pictures are.

    Returns:
        HTML that needs nothing else: pictures and style are inside.
    """
    environment = page_environment(folder)
    candidates = [c.name for c in findings.candidates]
    return environment.get_template("report.html").render(
        version=calogan.__version__,
        none_mark=NONE_MARK,
        rule=RULE,
        reference=findings.reference.name,
        candidates=candidates,
        columns=[sample.name for sample in findings.samples[1:]],
        floor=findings.floor.name if findings.floor else "",
        calorimeter=findings.reference.origin.calorimeter.name,
        notes=findings.notes,
        cards=verdict_cards(findings),
        overall=overall_blocks(findings),
        rows=observable_rows(findings),
        sections=sections,
        samples=sample_rows(findings.samples, findings.floor),
        settings=json.dumps(findings.settings.as_dict(), indent=2),
        quick=findings.settings.quick,
        paper=findings.settings.paper,
    )


def page_environment(folder: Path, *rooms: str) -> jinja2.Environment:
    """What sets the pages of reports: their templates, style and pictures.

    Args:
        folder: The report's folder, where the pictures are.
        rooms: Packages with further templates; these may include those of this one.
    """
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [jinja2.PackageLoader(room) for room in (*rooms, "calogan.evaluation.report")]
        ),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["symbol"] = symbol
    environment.globals["picture_data"] = lambda name: _data(folder / FIGURES / f"{name}.png")
    return environment


def symbol(label: str) -> Markup:
    r"""Turn the mathtext of an observable into HTML: `$\sigma_{\eta,1}$` -> sigma with a subscript."""
    text = re.sub(r"\\(?:mathrm|text|rm)\b", "", label.replace("$", ""))
    text = re.sub(r"\\([A-Za-z]+)", lambda m: _LETTERS.get(m[1], m[1]), text)
    text = re.sub(r"\\[,;! ]", " ", text)
    # escaped first: what is marked safe below holds no markup but what is put in here
    html = str(escape(text))
    for sign, tag in (("_", "sub"), (r"\^", "sup")):
        html = re.sub(rf"{sign}\{{((?:[^{{}}]|\{{[^{{}}]*\}})*)\}}", rf"<{tag}>\1</{tag}>", html)
        html = re.sub(rf"{sign}(\w)", rf"<{tag}>\1</{tag}>", html)
    return Markup(html.replace("{", "").replace("}", ""))


def _data(path: Path) -> str:
    return b64encode(path.read_bytes()).decode("ascii")
