"""Figures of whole showers, of pairs of observables, and of what classifiers found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from calogan.evaluation.pictures.correlations import correlation_matrices
from calogan.evaluation.pictures.neighbours import nearest_neighbours, neighbour_distances
from calogan.evaluation.pictures.pairs import pair_plots
from calogan.evaluation.pictures.profiles import lateral_profiles
from calogan.evaluation.pictures.roc import roc_curves
from calogan.evaluation.pictures.singles import single_showers
from calogan.evaluation.pictures.spectrum import cell_spectrum
from calogan.evaluation.pictures.style import what_is_shown
from calogan.evaluation.report.comparison import Shape, Values
from calogan.evaluation.report.figures import Drawing
from calogan.evaluation.report.findings import Findings
from calogan.evaluation.samples.accumulation import Sample
from calogan.showers import Showers

__all__ = [
    "NEIGHBOURS",
    "correlations",
    "excerpts",
    "head_of",
    "lateral",
    "neighbours",
    "roc",
    "singles",
    "spectrum",
]


def head_of(sample: Sample) -> str:
    """Particle and energies, for the head of a figure."""
    return what_is_shown(sample.origin, sample.origin.particles)


def lateral(findings: Findings) -> Drawing:
    """The figure of the energy around the axis of the shower."""
    return Drawing(
        "lateral_profiles",
        "Mean energy density around the axis of the shower, layer by layer"
        + _of_excerpts(findings),
        lateral_profiles,
        excerpts(findings),
        {"layers": findings.layers, "note": head_of(findings.reference)},
        wide=True,
    )


def spectrum(findings: Findings) -> Drawing:
    """The figure of the energies of single cells."""
    return Drawing(
        "cell_spectrum",
        "How many cells hold how much energy, layer by layer",
        cell_spectrum,
        (
            findings.reference.name,
            findings.reference.spectra,
            {c.name: c.spectra for c in findings.candidates},
        ),
        {"layers": findings.layers, "note": head_of(findings.reference)},
        wide=True,
    )


def correlations(findings: Findings) -> tuple[Drawing, ...]:
    """The figures of correlations: matrices, and densities of some pairs."""
    samples = (findings.reference, *findings.candidates)
    found = [c for c in findings.observables if c.shape.group != "centroids"]
    names = [c.shape.name for c in found]
    tables = [{name: sample.table[name] for name in names} for sample in samples]
    drawings = []
    if len(found) > 1:
        drawings.append(
            Drawing(
                "correlations",
                "Correlations of the observables: at the left the reference above the diagonal and "
                "the candidate below it, at the right candidate minus reference",
                correlation_matrices,
                (
                    {c.shape.name: c.shape.label for c in found},
                    findings.reference.name,
                    tables[0],
                    dict(zip([c.name for c in findings.candidates], tables[1:], strict=True)),
                ),
                wide=True,
            )
        )
    pairs = pairs_of(findings)
    if pairs:
        columns = [columns_of(findings, sample, pairs) for sample in samples]
        drawings.append(
            Drawing(
                "pairs",
                "Pairs of observables: contours hold 50, 80 and 95 % of the showers",
                pair_plots,
                (
                    pairs,
                    findings.reference.name,
                    columns[0],
                    dict(zip([c.name for c in findings.candidates], columns[1:], strict=True)),
                ),
                wide=True,
            )
        )
    return tuple(drawings)


def pairs_of(findings: Findings) -> list[tuple[Shape, Shape]]:
    """Pairs of observables that tell a physicist most, of those that are compared."""
    known = {c.shape.name: c.shape for c in (findings.energy, *findings.observables)}
    means = findings.reference.layer_mean[list(findings.layers)]
    first, most = findings.layers[0], findings.layers[int(means.argmax())]
    wanted = [
        (f"E_{first}", f"E_{most}"),
        (f"f_{first}", "s_d"),
        ("energy", f"sigma_eta_{most}"),
        ("energy", "response"),
        (f"sigma_eta_{most}", f"sigma_phi_{most}"),
        (f"hits_{most}", f"peak_1_{most}"),
    ]
    return [(known[x], known[y]) for x, y in wanted if x in known and y in known and x != y]


def columns_of(
    findings: Findings, sample: Sample, pairs: Sequence[tuple[Shape, Shape]]
) -> dict[str, Values]:
    """Values of observables in the units of their shapes."""
    columns = {}
    for shape in (shape for pair in pairs for shape in pair):
        if shape.name == findings.energy.shape.name:
            columns[shape.name] = sample.origin.incident.energy_gev
        else:
            scale = 1e-3 if shape.unit == "GeV" else 1.0
            columns[shape.name] = sample.table[shape.name] * scale
    return columns


def singles(findings: Findings) -> Drawing:
    """The figure of single showers side by side."""
    return Drawing(
        "single_showers",
        "Showers of like incident energies, drawn by chance",
        single_showers,
        excerpts(findings),
        {"layers": findings.layers, "rng": rng_of(findings, 1)},
        wide=True,
    )


def neighbours(findings: Findings) -> Drawing:
    """The figures of nearest neighbours, and of the distances to them."""
    return Drawing(
        "nearest_neighbours",
        "Showers drawn by chance, each beside its nearest neighbour among the reference's; "
        "above it their distance over what is typical for the reference at this energy",
        draw_neighbours,
        excerpts(findings),
        {
            "layers": findings.layers[:4],
            "rng": rng_of(findings, 2),
            "note": head_of(findings.reference),
        },
        wide=True,
        further=(
            (
                "neighbour_distances",
                "Distances to the nearest neighbour; independent showers of the reference are filled",
            ),
        ),
    )


def roc(findings: Findings) -> tuple[Drawing, ...]:
    """The figures of the classifiers, one for each kind of inputs."""
    curves: dict[str, dict[str, list[tuple[Values, Values]]]] = {}
    for name, tests in findings.classifiers.items():
        for inputs, test in tests.items():
            if not isinstance(test, str):
                lines = curves.setdefault(inputs, {})
                lines[name] = [(seed.fpr, seed.tpr) for seed in test.seeds]
                lines["floor"] = [(seed.fpr, seed.tpr) for seed in test.floor.seeds]
                lines["ceiling"] = [(seed.fpr, seed.tpr) for seed in test.ceiling.seeds]
    return tuple(
        Drawing(
            f"roc_{inputs}",
            f"How well a network tells samples from the reference, inputs: {inputs}",
            roc_curves,
            ({name: lines[name] for name in sorted(lines, key=_controls_last)},),
            {"signal": "reference", "background": "sample", "note": head_of(findings.reference)},
            wide=True,
        )
        for inputs, lines in curves.items()
    )


def _controls_last(name: str) -> bool:
    return name in {"floor", "ceiling"}


NEIGHBOURS = (
    "Does a generator repeat showers that it has seen? Then the distances to the nearest neighbour "
    "reach farther to the left than those of independent showers of the reference."
)


def draw_neighbours(
    name: str,
    reference: Showers,
    candidates: Mapping[str, Showers],
    *,
    layers: Sequence[int],
    rng: np.random.Generator,
    note: str,
) -> tuple[Figure, Figure, dict[str, Any]]:
    """Draw nearest neighbours and their distances; return the figures and the numbers."""
    pairs, result = nearest_neighbours(name, reference, candidates, rng=rng, layers=layers)
    return pairs, neighbour_distances(name, result, note=note), result.as_dict()


def excerpts(findings: Findings) -> tuple[str, Showers, dict[str, Showers]]:
    """Some showers of all samples but the floor, as the pictures take them."""
    candidates = {c.name: c.excerpt for c in findings.candidates}
    return findings.reference.name, findings.reference.excerpt, candidates


def rng_of(findings: Findings, k: int) -> np.random.Generator:
    """Random numbers of figure number k."""
    return np.random.default_rng([findings.settings.seed, k])


def _of_excerpts(findings: Findings) -> str:
    n = max(len(sample.excerpt) for sample in findings.samples)
    return f" ({n:,} showers)" if n < max(map(len, findings.samples)) else ""
