"""Samples of further particles beside those of a comparison, as the CaloGAN paper shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from calogan.errors import CaloganError
from calogan.evaluation.report.parallel import Report
from calogan.evaluation.report.settings import Settings
from calogan.evaluation.samples.accumulation import Sample, accumulate
from calogan.evaluation.samples.selection import select
from calogan.evaluation.samples.sources import Source
from calogan.observables import Observable

__all__ = ["Pair", "classify_particles", "study_pairs"]


@dataclass(frozen=True, eq=False)
class Pair:
    """Reference and candidate of one particle.

    Args:
        particle: Name of the particle; that of the reference if its particle is not known.
        reference: Showers of the reference.
        candidate: Showers of the candidate.
    """

    particle: str
    reference: Sample
    candidate: Sample

    @classmethod
    def of(cls, reference: Sample, candidate: Sample) -> Pair:
        """Call two samples a pair, by their particle."""
        return cls(", ".join(reference.origin.particles) or reference.name, reference, candidate)


def study_pairs(
    sources: Sequence[tuple[Source, Source]],
    observables: Sequence[Observable],
    settings: Settings,
    report: Report,
) -> tuple[Pair, ...]:
    """Go through samples of further particles.

    Args:
        sources: Reference and candidate of each.
        observables: What is computed of each shower.
        settings: What was asked for.
        report: Told of the progress.

    Raises:
        CaloganError: Two samples that cannot be compared.
    """
    pairs = []
    for two in sources:
        selection = select([source.origin for source in two])
        reference, candidate = (
            accumulate(
                source,
                keep,
                observables,
                n_excerpt=settings.n_excerpt,
                seed=settings.seed,
                report=_told(report, f"showers of {source.origin.name}", int(keep.sum())),
            )
            for source, keep in zip(two, selection.keep, strict=True)
        )
        pairs.append(Pair.of(reference, candidate))
    return tuple(pairs)


def _told(report: Report, what: str, n: int) -> Any:
    return lambda done: report(what, done, n)


def classify_particles(
    first: Pair, others: Sequence[Pair], settings: Settings, report: Report
) -> dict[str, Any]:
    """Tell the first particle from each other one, with reference and with generated showers.

    Args:
        first: The particle of the comparison.
        others: The further particles.
        settings: Number of trainings, seed.
        report: Told of the progress.

    Returns:
        By the other particle's name a `PhysicsTable`, or why there is none.
    """
    found: dict[str, Any] = {}
    for k, other in enumerate(others):
        report("classification of particles", k, len(others))
        try:
            from calogan.evaluation.classifiers import ClassifierSettings, physics_table

            found[other.particle] = physics_table(
                {p.particle: p.reference.excerpt for p in (first, other)},
                {p.particle: p.candidate.excerpt for p in (first, other)},
                signal=first.particle,
                background=other.particle,
                seeds=range(settings.seed, settings.seed + settings.n_seeds),
                settings=ClassifierSettings(threads=settings.workers),
            )
        except CaloganError as error:
            found[other.particle] = str(error)
        report("classification of particles", k + 1, len(others))
    return found
