"""The page of a report of jet images: numbers and pictures set into one HTML file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import calogan
from calogan.evaluation.report.figures import Section
from calogan.evaluation.report.page import page_environment
from calogan.evaluation.report.tables import NONE_MARK
from calogan.jets.report.study import Findings
from calogan.jets.report.tables import (
    candidate_cards,
    distance_rows,
    overall_table,
    ranking_rows,
    sample_rows,
    verdict_head,
)

__all__ = ["render"]


def render(findings: Findings, sections: Sequence[Section], folder: Path) -> str:
    """Set the page.

    Args:
        findings: The numbers.
        sections: The pictures.
        folder: The report's folder, where the pictures are.

    Returns:
        HTML that needs nothing else: pictures and style are inside.
    """
    template = page_environment(folder, "calogan.jets.report").get_template("jets.html")
    return template.render(
        version=calogan.__version__,
        none_mark=NONE_MARK,
        reference=findings.samples.reference.name,
        candidates=[sample.name for sample in findings.samples.candidates],
        notes=findings.notes,
        head=verdict_head(findings),
        holds=findings.ranking.holds.replace(" ", "-"),
        sentences=findings.ranking.sentences,
        cards=candidate_cards(findings),
        rows=distance_rows(findings),
        ranking=ranking_rows(findings) if len(findings.samples.candidates) > 1 else (),
        overall=overall_table(findings),
        sections=sections,
        samples=sample_rows(findings),
        threshold_mev=1e3 * findings.settings.threshold_gev,
        settings=json.dumps(findings.settings.as_dict(), indent=2),
        quick=findings.settings.quick,
    )
