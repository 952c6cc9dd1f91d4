"""The report: one page that a browser opens without a network, its figures, and all numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from calogan.errors import CaloganError
from calogan.evaluation.report.chapter import draw_chapters
from calogan.evaluation.report.contents import contents
from calogan.evaluation.report.figures import Section
from calogan.evaluation.report.findings import Findings
from calogan.evaluation.report.folder import FIGURES, PAGE, whole_report
from calogan.evaluation.report.metrics import metrics_of, write_metrics
from calogan.evaluation.report.page import render
from calogan.evaluation.report.paper import paper_contents
from calogan.evaluation.report.parallel import Crew, Report, open_crew
from calogan.evaluation.report.settings import Settings
from calogan.evaluation.report.study import study
from calogan.evaluation.samples.opening import find_source, names_of, open_source
from calogan.evaluation.samples.selection import select
from calogan.evaluation.samples.sources import (
    MemorySource,
    SimulatorSource,
    Source,
    own_seed,
)
from calogan.incident import Incident
from calogan.showers import Showers
from calogan.simulator import Simulator

__all__ = ["compare", "compare_files", "compare_sources"]


def compare(
    reference: Showers,
    candidates: Mapping[str, Showers | Simulator],
    output: str | Path,
    *,
    reference_name: str = "reference",
    floor: Showers | None = None,
    settings: Settings | None = None,
) -> dict[str, Any]:
    """Compare showers and write a report.

    Args:
        reference: What the candidates ought to look like.
        candidates: One or more others, by the name they have in the report: showers, or
            simulators that make one for each of the reference's particles.
        output: Folder of the report: `index.html`, `metrics.json` and `figures/`. An older
            report is replaced.
        reference_name: Name of the reference in the report.
        floor: A second, independent sample of the reference's simulation: what agreement is.
        settings: What the report holds.

    Returns:
        What `metrics.json` holds.

    Raises:
        CalorimeterError: The showers are in different calorimeters.
        CaloganError: Too few showers, or no common incident energies.
        OutputError: The report cannot be written, or `output` holds something else.
    """
    settings = settings or Settings()
    sources: list[Source] = [MemorySource(reference_name, reference)]
    for k, (name, candidate) in enumerate(candidates.items(), start=1):
        sources.append(
            MemorySource(name, candidate)
            if isinstance(candidate, Showers)
            else SimulatorSource(
                name, candidate, reference.incident, own_seed(settings.seed, k)
            ).check()
        )
    second = None if floor is None else MemorySource(_FLOOR, floor)
    return compare_sources(sources, output, floor=second, settings=settings)


_FLOOR = "second reference"


def compare_files(
    reference: str | Path,
    candidates: Sequence[str | Path],
    output: str | Path,
    *,
    names: Sequence[str] = (),
    limit: int | None = None,
    floor: str | Path | None = None,
    beside: Sequence[tuple[str | Path, str | Path]] = (),
    incident: Incident | None = None,
    settings: Settings | None = None,
    report: Report | None = None,
) -> dict[str, Any]:
    """Compare files of showers, or simulators, and write a report.

    Args:
        reference: File of the reference, `sample:NAME`, or a simulator.
        candidates: Files or simulators. A simulator makes one shower for each particle of the
            reference.
        output: Folder of the report.
        names: Names in the report, the reference's first; the files' stems unless given.
        limit: Read at most so many showers of each file, from its start.
        floor: A second, independent sample of the reference's simulation: a file, or the
            simulator.
        beside: Reference and candidate of each further particle, for the report in the order of
            the CaloGAN paper.
        incident: Particles for a simulator as the reference; those of the first candidate that is
            a file unless given.
        settings: What the report holds.
        report: Told of the progress.

    Returns:
        What `metrics.json` holds.

    Raises:
        ShowerFileError: A file is missing, foreign or damaged.
        CaloganError: As `compare`; or a number of names that is not that of the samples.
    """
    settings = settings or Settings()
    texts = [reference, *candidates]
    if names and len(names) != len(texts):
        msg = f"{len(names)} names for {len(texts)} samples: give one for each, or none"
        raise CaloganError(msg)
    names = names or names_of(texts)
    if floor is not None:
        texts, names = [*texts, floor], [*names, _FLOOR]
    sources = _open(texts, names, limit, settings, incident)
    second = None if floor is None else sources.pop()
    pairs = [_open(pair, names_of(pair), limit, settings, None) for pair in beside]
    return compare_sources(
        sources,
        output,
        floor=second,
        beside=[(first, second) for first, second in pairs],
        settings=settings,
        report=report,
    )


def _open(
    texts: Sequence[str | Path],
    names: Sequence[str],
    limit: int | None,
    settings: Settings,
    incident: Incident | None,
) -> list[Source]:
    """Open sources that belong together: simulators take the particles of the first file."""
    if incident is None:
        incident = _particles(texts, limit)
    return [
        open_source(
            text,
            name,
            incident=incident,
            limit=limit,
            seed=own_seed(settings.seed, k),
            workers=settings.workers,
        )
        for k, (text, name) in enumerate(zip(texts, names, strict=True))
    ]


def _particles(texts: Sequence[str | Path], limit: int | None) -> Incident | None:
    """The particles of the first file among sources."""
    for text in texts:
        if isinstance(find_source(text), Path):
            return open_source(text, "", limit=limit).origin.incident
    return None


def compare_sources(
    sources: Sequence[Source],
    output: str | Path,
    *,
    floor: Source | None = None,
    beside: Sequence[tuple[Source, Source]] = (),
    settings: Settings,
    report: Report | None = None,
) -> dict[str, Any]:
    """Compare sources, the reference first, and write a report: see `compare`."""
    told = report or (lambda *_: None)
    every = [*sources, *([] if floor is None else [floor])]
    names = [source.origin.name for source in every]
    if len(set(names)) < len(names):
        msg = f"each sample needs a name of its own, not {', '.join(names)}"
        raise CaloganError(msg)
    if beside and not settings.paper:
        msg = "samples of further particles are for the report in the order of the paper: --paper"
        raise CaloganError(msg)
    if settings.paper and settings.quick:
        msg = "--paper and --quick: give one of them"
        raise CaloganError(msg)
    if len(sources) < 2:
        msg = "nothing to compare with: give at least one candidate"
        raise CaloganError(msg)
    with whole_report(output) as folder:
        selection = select([source.origin for source in every])
        with open_crew(settings.workers) as crew:
            findings = study(
                every, selection, settings, crew, told, has_floor=floor is not None, beside=beside
            )
            (folder / FIGURES).mkdir()
            sections, findings = _draw(findings, folder, crew, told)
        metrics = metrics_of(findings, sections)
        write_metrics(metrics, folder)
        (folder / PAGE).write_text(render(findings, sections, folder), encoding="utf-8")
    return metrics


def _draw(
    findings: Findings, folder: Path, crew: Crew, report: Report
) -> tuple[list[Section], Findings]:
    """Write all figures; return them in the order of the page."""
    chapters = paper_contents(findings) if findings.settings.paper else contents(findings)
    sections = draw_chapters(
        chapters, folder / FIGURES, crew, report, pdf=not findings.settings.quick
    )
    lost = [p for section in sections for p in section.pictures if p.problem]
    notes = tuple(f"{picture.caption}: not shown, for {picture.problem}." for picture in lost)
    return sections, replace(findings, notes=(*findings.notes, *notes))
