"""The work of a comparison: go through all samples, measure distances, train classifiers, judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from calogan.calorimeter import Calorimeter
from calogan.evaluation.distances.physics import physics_distances
from calogan.evaluation.pictures.depth import chosen_layers
from calogan.evaluation.report.comparison import Compared, Shape, compare_observable
from calogan.evaluation.report.extrapolation import simulate_beyond
from calogan.evaluation.report.findings import Findings
from calogan.evaluation.report.parallel import Crew, Report
from calogan.evaluation.report.particles import Pair, classify_particles, study_pairs
from calogan.evaluation.report.settings import Settings
from calogan.evaluation.report.verdict import judge, with_classifiers
from calogan.evaluation.samples.accumulation import Sample, Table, accumulate, first_showers
from calogan.evaluation.samples.selection import Selection
from calogan.evaluation.samples.sources import Source
from calogan.observables import INCIDENT_ENERGY, Observable, select_observables

__all__ = ["chosen_observables", "study"]


def study(
    sources: Sequence[Source],
    selection: Selection,
    settings: Settings,
    crew: Crew,
    report: Report,
    *,
    has_floor: bool,
    beside: Sequence[tuple[Source, Source]] = (),
) -> Findings:
    """Find out how the candidates differ from the reference.

    Args:
        sources: The reference, the candidates, and the floor if there is one.
        selection: Which showers are compared.
        settings: What was asked for.
        crew: Does the work that can be divided.
        report: Told of the progress.
        has_floor: Whether the last source is a second sample of the reference's simulation.
        beside: Reference and candidate of further particles.

    Raises:
        CaloganError: No such observable; a simulator that fails.
        MissingExtraError: Classifiers are wanted, and PyTorch is missing.
    """
    if settings.classifiers:  # the libraries that they need are missed before the work begins
        import_module("calogan.evaluation.report.classifying")
    calorimeter = sources[0].origin.calorimeter
    layers, note = _layers(sources[0], selection, calorimeter)
    observables = chosen_observables(calorimeter, layers, settings, selection.mode)
    samples = [
        accumulate(
            source,
            keep,
            observables,
            n_excerpt=settings.n_excerpt if settings.classifiers or not settings.quick else 1,
            spectra_of=() if settings.quick else layers,
            seed=settings.seed,
            report=_progress(source.origin.name, int(keep.sum()), report),
        )
        for source, keep in zip(sources, selection.keep, strict=True)
    ]
    n_candidates = len(sources) - 1 - has_floor
    others = study_pairs(beside, observables, settings, report)
    energy, compared = _compared(samples, observables, settings, crew, report)
    classified = _classified(samples, settings, report, has_floor=has_floor)
    verdicts = [judge(compared, k) for k in range(n_candidates)]
    return Findings(
        settings,
        samples[0],
        tuple(samples[1 : 1 + n_candidates]),
        samples[-1] if has_floor else None,
        selection.mode,
        (*selection.notes, *([note] if note else [])),
        energy,
        compared,
        layers,
        _overall(samples, settings, crew, report, has_floor=has_floor),
        classified,
        tuple(with_classifiers(one, classified.get(one.name, {})) for one in verdicts),
        {} if settings.quick else simulate_beyond(sources[1 : 1 + n_candidates], settings.seed),
        others,
        classify_particles(Pair.of(samples[0], samples[1]), others, settings, report),
    )


def _progress(name: str, n: int, report: Report) -> Any:
    return lambda done: report(f"showers of {name}", done, n)


def _layers(
    reference: Source, selection: Selection, calorimeter: Calorimeter
) -> tuple[tuple[int, ...], str]:
    """Layers that are shown one by one, and a note if these are not all."""
    n = len(calorimeter.layers)
    if n <= 12:
        return tuple(range(n)), ""
    layers = chosen_layers(first_showers(reference, selection.keep[0]))
    return layers, (
        f"Of {n} layers {', '.join(map(str, layers))} are compared one by one, between which equal "
        "energies lie; --observables asks for others, such as --observables 'E_*'."
    )


def chosen_observables(
    calorimeter: Calorimeter, layers: Sequence[int], settings: Settings, mode: str
) -> tuple[Observable, ...]:
    """The observables that are compared: those asked for, or the usual ones of some layers."""
    found = select_observables(calorimeter, settings.observables)
    if not settings.observables:
        found = tuple(o for o in found if o.layer is None or o.layer in layers)
    # at one energy against a window around it, an energy tells the difference of the two
    return tuple(o for o in found if mode != "window" or o.unit != "MeV")


def _compared(
    samples: Sequence[Sample],
    observables: Sequence[Observable],
    settings: Settings,
    crew: Crew,
    report: Report,
) -> tuple[Compared, tuple[Compared, ...]]:
    """Compare the incident energies and all observables."""
    energies = [sample.origin.incident.energy_gev for sample in samples]
    names = [sample.name for sample in samples]
    energy = compare_observable(
        Shape.of(INCIDENT_ENERGY),
        energies[0],
        dict(zip(names[1:], energies[1:], strict=True)),
        n_bootstrap=0,
    )
    calls = [
        (
            Shape.of(observable),
            samples[0].table[observable.name],
            {sample.name: sample.table[observable.name] for sample in samples[1:]},
            (settings.seed, k),
            settings.n_bootstrap,
        )
        for k, observable in enumerate(observables)
    ]
    return energy, tuple(crew.map(_compare, calls, "distances", report))


def _compare(
    shape: Shape, reference: Any, candidates: Mapping[str, Any], seed: tuple[int, ...], n: int
) -> Compared:
    return compare_observable(shape, reference, candidates, seed=seed, n_bootstrap=n)


def _overall(
    samples: Sequence[Sample],
    settings: Settings,
    crew: Crew,
    report: Report,
    *,
    has_floor: bool,
) -> dict[str, dict[str, Any]]:
    """Distances over all observables together, of each sample from the reference."""
    floor = samples[-1].table if has_floor else None
    candidates = samples[1:-1] if has_floor else samples[1:]
    calls = [(samples[0].table, c.table, floor, settings.seed) for c in candidates]
    found = crew.map(_physics_distances, calls, "distances of all observables together", report)
    return {c.name: distances for c, distances in zip(candidates, found, strict=True)}


def _physics_distances(
    reference: Table, candidate: Table, floor: Table | None, seed: int
) -> dict[str, Any]:
    """Measure a candidate; the floors of several agree within their noise."""
    rng = np.random.default_rng([seed, 3])
    return physics_distances(reference, candidate, rng=rng, floor_table=floor)


def _classified(
    samples: Sequence[Sample], settings: Settings, report: Report, *, has_floor: bool
) -> dict[str, dict[str, Any]]:
    """Train classifiers, if they were asked for, on excerpts of the samples."""
    if not settings.classifiers:
        return {}
    from calogan.evaluation.report.classifying import classify

    floor = samples[-1].excerpt if has_floor else None
    candidates = samples[1:-1] if has_floor else samples[1:]
    return classify(
        samples[0].excerpt, {c.name: c.excerpt for c in candidates}, floor, settings, report
    )
