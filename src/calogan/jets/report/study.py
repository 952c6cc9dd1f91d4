"""The numbers of a comparison of jet images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from calogan.errors import CaloganError
from calogan.evaluation.distances.lights import light
from calogan.evaluation.distances.measures import Measured
from calogan.evaluation.distances.physics import physics_distances
from calogan.evaluation.pictures.memorisation import NeighbourResult
from calogan.evaluation.report.comparison import Compared, Shape, compare_observable
from calogan.evaluation.report.parallel import Crew, Report
from calogan.jets.images import JetImages
from calogan.jets.observables import OBSERVABLES
from calogan.jets.report.intensities import Spectrum, spectrum_distance
from calogan.jets.report.neighbours import find_neighbours
from calogan.jets.report.ranking import NETWORKS, Ranking, rank
from calogan.jets.report.samples import CLASSES, JetSample, Samples
from calogan.jets.report.settings import JetSettings

if TYPE_CHECKING:
    from calogan.jets.report.classifying import Classified

__all__ = ["INTENSITY", "SHAPES", "Findings", "Intensities", "study"]

SHAPES = tuple(
    Shape(o.name, o.label, o.unit, o.description, "jets", o.quantum) for o in OBSERVABLES
)
"""The observables as tables and figures take them."""

INTENSITY = "intensity"
"""Name of the pixel intensities in rankings and metrics."""


@dataclass(frozen=True, eq=False)
class Intensities:
    """Pixel intensities of a class.

    Args:
        reference: Those of the reference.
        candidates: Those of the candidates, by name.
        measured: How far they are from those of the reference.
    """

    reference: Spectrum
    candidates: Mapping[str, Spectrum]
    measured: Mapping[str, Measured]


@dataclass(frozen=True, eq=False)
class Findings:
    """What a comparison found.

    Args:
        settings: What was asked for.
        samples: What was compared.
        compared: All observables of each class.
        intensities: Pixel intensities of each class.
        overall: Distances over all observables together, by class and candidate.
        ranking: Which candidate is nearest.
        neighbours: Nearest neighbours; None in a quick comparison.
        classified: What classifiers found; None in a quick comparison.
        notes: What to keep in mind, one sentence each.
    """

    settings: JetSettings
    samples: Samples
    compared: Mapping[str, tuple[Compared, ...]]
    intensities: Mapping[str, Intensities]
    overall: Mapping[str, Mapping[str, Any]]
    ranking: Ranking
    neighbours: NeighbourResult[JetImages] | None
    classified: Classified | None
    notes: tuple[str, ...]

    def lights(self, name: str) -> dict[str, int]:
        """How many distributions of a candidate are green, yellow, red."""
        found = [
            c.light
            for these in self.compared.values()
            for one in these
            for c in one.candidates
            if c.name == name
        ]
        found += [light({"wasserstein": one.measured[name]}) for one in self.intensities.values()]
        return {colour: found.count(colour) for colour in ("green", "yellow", "red")}


def study(samples: Samples, settings: JetSettings, crew: Crew, report: Report) -> Findings:
    """Find out how the candidates differ from the reference.

    Args:
        samples: What is compared.
        settings: What was asked for.
        crew: Does the work that can be divided.
        report: Told of the progress.

    Raises:
        MissingExtraError: PyTorch or scikit-learn is missing, and classifiers are wanted.
    """
    if not settings.quick:  # the libraries that they need are missed before the work begins
        from calogan.jets.report.classifying import classify
    report("observables", 0, len(samples.every))
    tables: dict[str, dict[str, Any]] = {}
    for k, sample in enumerate(samples.every, start=1):
        tables[sample.name] = {of: sample.table(of) for of in CLASSES}
        report("observables", k, len(samples.every))
    own = samples.reference.name
    others = [sample.name for sample in samples.candidates]
    calls = [
        (
            shape,
            tables[own][of][shape.name],
            {name: tables[name][of][shape.name] for name in others},
            (settings.seed, k, int(signal)),
            settings.n_bootstrap,
        )
        for of, signal in CLASSES.items()
        for k, shape in enumerate(SHAPES)
    ]
    found = iter(crew.map(_compare, calls, "distances", report))
    compared = {of: tuple(next(found) for _ in SHAPES) for of in CLASSES}
    intensities = {of: _intensities(samples, of, settings) for of in CLASSES}
    overall: dict[str, dict[str, Any]] = {}
    if not settings.quick:
        pairs = [(of, name) for of in CLASSES for name in others]
        distances = crew.map(
            _physics,
            [(tables[own][of], tables[name][of], settings.seed) for of, name in pairs],
            "distances of all observables together",
            report,
        )
        for (of, name), one in zip(pairs, distances, strict=True):
            overall.setdefault(of, {})[name] = one
    neighbours = classified = None
    notes = list(samples.notes)
    if not settings.quick:
        report("nearest neighbours", 0, 1)
        rng = np.random.default_rng([settings.seed, 4])
        neighbours = find_neighbours(samples, rng=rng, most=settings.n_neighbours)
        report("nearest neighbours", 1, 1)
        if neighbours.baseline_copies:
            notes.append(
                f"{neighbours.baseline_copies} of {len(neighbours.baseline.rows)} images of "
                f"{own} are among the images that the candidates are searched for copies of: "
                "distances to these say little."
            )
        classified = classify(samples, settings, report)
    return Findings(
        settings,
        samples,
        compared,
        intensities,
        overall,
        _rank(samples, compared, intensities),
        neighbours,
        classified,
        tuple(notes),
    )


def _compare(
    shape: Shape, reference: Any, candidates: Mapping[str, Any], seed: tuple[int, ...], n: int
) -> Compared:
    return compare_observable(shape, reference, candidates, seed=seed, n_bootstrap=n)


def _physics(reference: Any, candidate: Any, seed: int) -> dict[str, Any]:
    try:
        return dict(physics_distances(reference, candidate, rng=np.random.default_rng([seed, 3])))
    except CaloganError as error:
        return {"reason": str(error)}


def _intensities(samples: Samples, of: str, settings: JetSettings) -> Intensities:
    def spectrum(sample: JetSample) -> Spectrum:
        return Spectrum.of(sample.image(of))

    own = spectrum(samples.reference)
    others = {sample.name: spectrum(sample) for sample in samples.candidates}
    rng = np.random.default_rng([settings.seed, 5, int(CLASSES[of])])
    n = settings.n_bootstrap
    measured = {
        name: spectrum_distance(own, one, rng=rng, n_bootstrap=n) for name, one in others.items()
    }
    return Intensities(own, others, measured)


def _rank(
    samples: Samples,
    compared: Mapping[str, tuple[Compared, ...]],
    intensities: Mapping[str, Intensities],
) -> Ranking:
    distances: dict[str, tuple[str, dict[str, dict[str, Measured]]]] = {}
    for k, shape in enumerate(SHAPES):
        by_class = {
            of: {c.name: c.measured["wasserstein"] for c in these[k].candidates}
            for of, these in compared.items()
        }
        distances[shape.name] = (shape.description, by_class)
    distances[INTENSITY] = (
        "pixel intensity",
        {of: dict(one.measured) for of, one in intensities.items()},
    )
    kinds = [sample.kind for sample in samples.candidates]
    of_paper = all(kinds.count(kind) == 1 for kind in NETWORKS)
    lagan = samples.candidates[kinds.index("lagan")].name if of_paper else ""
    return rank(distances, lagan)
