"""What a report shows, in which order: sections of figures."""

from __future__ import annotations

from dataclasses import replace

from matplotlib.figure import Figure

from calogan.evaluation.pictures.images import mean_images
from calogan.evaluation.pictures.longitudinal import longitudinal_profile
from calogan.evaluation.pictures.plots import Series, overlay
from calogan.evaluation.report.against_energy import dependence
from calogan.evaluation.report.chapter import Chapter
from calogan.evaluation.report.comparison import Compared
from calogan.evaluation.report.figures import Drawing
from calogan.evaluation.report.findings import Findings
from calogan.evaluation.report.gallery import (
    NEIGHBOURS,
    correlations,
    head_of,
    lateral,
    neighbours,
    roc,
    singles,
    spectrum,
)
from calogan.evaluation.samples.accumulation import MeanImage, Sample

__all__ = ["contents"]

TITLES = {
    "energies": "Energies",
    "fractions": "Layer fractions",
    "depth": "Shower depth",
    "widths": "Lateral widths",
    "hits": "Hit shares",
    "centroids": "Centroids",
    "peaks": "Brightest cells",
}
"""Headings of the groups of observables."""


def contents(findings: Findings) -> list[Chapter]:
    """The chapters of a report, in their order."""
    distributions = _distributions(findings)
    if findings.settings.quick:
        return distributions
    chapters = [
        Chapter("images", "Mean shower images", images(findings)),
        *distributions,
        Chapter("profiles", "Lateral profiles", (lateral(findings),)),
        Chapter("dependence", "Dependence on the energy", dependence(findings)),
        Chapter("correlations", "Correlations", correlations(findings)),
        Chapter("spectra", "Energies of single cells", (spectrum(findings),)),
        Chapter("singles", "Single showers", (singles(findings),)),
        Chapter("neighbours", "Nearest neighbours", (neighbours(findings),), (NEIGHBOURS,)),
        Chapter("roc", "Classifiers", roc(findings)),
    ]
    return [chapter for chapter in chapters if chapter.drawings]


def images(findings: Findings) -> tuple[Drawing, ...]:
    """The figures of mean images, one for each layer."""
    return tuple(
        Drawing(
            f"mean_image_layer_{k}",
            f"Mean energy in the cells of layer {k}",
            mean_images,
            (findings.reference.images[k], [c.images[k] for c in findings.candidates]),
            wide=True,
        )
        for k in findings.layers
    )


def _distributions(findings: Findings) -> list[Chapter]:
    """All one-dimensional distributions, group by group, and the profile along the depth."""
    chapters = []
    for group, title in TITLES.items():
        found = [c for c in findings.observables if c.shape.group == group]
        drawings = [distribution(c, findings) for c in found]
        if group == "energies":
            drawings.append(distribution(findings.energy, findings))
            if len(findings.reference.images) > 1:
                drawings.insert(0, depth_profile(findings))
        if drawings:
            chapters.append(Chapter(group, title, tuple(drawings)))
    return chapters


def distribution(compared: Compared, findings: Findings) -> Drawing:
    """The figure of one observable in all samples but the floor."""
    shape, reference = compared.shape, findings.reference
    return Drawing(
        shape.name,
        sentence(shape.description) + _beyond(compared, reference.name),
        draw_distribution,
        (compared, len(findings.candidates), reference.name, head_of(reference)),
        log_twin=not findings.settings.quick,
    )


def draw_distribution(
    compared: Compared, n_candidates: int, reference: str, head: str, *, log: bool = False
) -> Figure:
    """Draw one observable: see `overlay`."""
    return overlay(
        compared.binning,
        Series(reference, compared.reference_counts),
        [Series(c.name, c.counts) for c in compared.candidates[:n_candidates]],
        label=compared.shape.label,
        unit=compared.shape.unit,
        left=sentence(compared.shape.description),
        right=head,
        log=log,
    )


def depth_profile(findings: Findings) -> Drawing:
    """The figure of the energy in each layer."""
    return Drawing(
        "profile",
        "Mean energy in the cells of each layer",
        longitudinal_profile,
        (lean(findings.reference), [lean(c) for c in findings.candidates]),
        log_twin=not findings.settings.quick,
    )


def lean(sample: Sample) -> Sample:
    """A sample without what a figure of sums does not need: it travels to another process."""
    nothing: tuple[MeanImage, ...] = ()
    return replace(sample, table={}, images=nothing, spectra=None, excerpt=sample.excerpt[:0])


def sentence(text: str) -> str:
    """Start with a capital letter."""
    return text[:1].upper() + text[1:]


def _beyond(compared: Compared, reference: str) -> str:
    """Say how many showers are not in the picture, if it is many."""
    shares = {reference: compared.reference_counts.share_beyond}
    shares |= {c.name: c.counts.share_beyond for c in compared.candidates}
    many = [f"{name} {share:.0%}" for name, share in shares.items() if share > 0.01]
    return f" (beyond the axis: {', '.join(many)})" if many else ""
