"""The report of jet images: one page that a browser opens without a network, and all numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from calogan.evaluation.report.chapter import draw_chapters
from calogan.evaluation.report.folder import FIGURES, PAGE, check_report, whole_report
from calogan.evaluation.report.metrics import write_metrics
from calogan.evaluation.report.parallel import Report, open_crew
from calogan.jets.images import JetImages
from calogan.jets.report.contents import contents
from calogan.jets.report.metrics import metrics_of
from calogan.jets.report.page import render
from calogan.jets.report.samples import Samples, memory_samples, open_samples
from calogan.jets.report.settings import JetSettings
from calogan.jets.report.study import study

__all__ = ["compare_jet_files", "compare_jets"]


def compare_jets(
    reference: JetImages,
    candidates: Mapping[str, JetImages],
    output: str | Path,
    *,
    reference_name: str = "Pythia",
    training: JetImages | None = None,
    settings: JetSettings | None = None,
) -> dict[str, Any]:
    """Compare jet images and write a report.

    Args:
        reference: What the candidates ought to look like.
        candidates: One or more others, by the name they have in the report. If there are `lagan`,
            `dcgan`, `fcgan` and `hybrid`, they are held to what the LAGAN paper says.
        output: Folder of the report: `index.html`, `metrics.json` and `figures/`. An older report
            is replaced.
        reference_name: Name of the reference.
        training: Images that the candidates were trained with, to look for copies of them.
        settings: What the report holds.

    Returns:
        What `metrics.json` holds.

    Raises:
        JetError: Too few images of signal or of background.
        OutputError: The report cannot be written, or `output` holds something else.
    """
    settings = settings or JetSettings()
    samples = memory_samples(
        reference,
        candidates,
        reference_name=reference_name,
        training=training,
        threshold_gev=settings.threshold_gev,
    )
    return _write(samples, output, settings, None)


def compare_jet_files(
    reference: str | Path,
    candidates: Sequence[str | Path],
    output: str | Path,
    *,
    names: Sequence[str] = (),
    limit: int | None = None,
    training: str | Path | None = None,
    settings: JetSettings | None = None,
    report: Report | None = None,
) -> dict[str, Any]:
    """Compare files of jet images, and models, and write a report.

    Args:
        reference: File of the reference, or `sample:jets`.
        candidates: Files, names of models, or their folders. A model makes as many images of each
            class as the reference has.
        output: Folder of the report.
        names: Names in the report, the reference's first; the files' stems unless given.
        limit: Most images of each sample.
        training: File of the images that the candidates were trained with. Without it, those of
            the reference if models say that they were trained with its file.
        settings: What the report holds.
        report: Told of the progress.

    Returns:
        What `metrics.json` holds.

    Raises:
        CaloganError: A file or model that cannot be read; otherwise as `compare_jets`.
    """
    settings = settings or JetSettings()
    check_report(output)  # before models make images for it
    samples = open_samples(
        reference,
        candidates,
        names=names,
        limit=limit,
        training=training,
        seed=settings.seed,
        threshold_gev=settings.threshold_gev,
    )
    return _write(samples, output, settings, report)


def _write(
    samples: Samples, output: str | Path, settings: JetSettings, report: Report | None
) -> dict[str, Any]:
    told = report or (lambda *_: None)
    with whole_report(output) as folder:
        with open_crew(settings.workers) as crew:
            findings = study(samples, settings, crew, told)
            (folder / FIGURES).mkdir()
            sections = draw_chapters(
                contents(findings), folder / FIGURES, crew, told, pdf=not settings.quick
            )
        lost = [p for section in sections for p in section.pictures if p.problem]
        notes = (f"{picture.caption}: not shown, for {picture.problem}." for picture in lost)
        findings = replace(findings, notes=(*findings.notes, *notes))
        metrics = metrics_of(findings, sections)
        write_metrics(metrics, folder)
        (folder / PAGE).write_text(render(findings, sections, folder), encoding="utf-8")
    return metrics
