"""All numbers of a report of jet images, as JSON holds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import calogan
from calogan.evaluation.report.figures import Section
from calogan.evaluation.report.folder import FORMAT
from calogan.evaluation.report.metrics import json_like, versions
from calogan.jets.report.intensities import INTENSITY_EDGES_GEV
from calogan.jets.report.samples import CLASSES
from calogan.jets.report.study import Findings

__all__ = ["metrics_of"]


def metrics_of(findings: Findings, sections: Sequence[Section]) -> dict[str, Any]:
    """Collect all numbers of a comparison, JSON-like: NaN and infinity become null."""
    metrics = {
        "format": FORMAT,
        "of": "jet images",
        "calogan": calogan.__version__,
        "settings": findings.settings.as_dict(),
        "versions": versions(),
        "samples": [
            {
                "name": sample.name,
                "role": "candidate" if k else "reference",
                "source": sample.source,
                "n_source": sample.n_source,
                "n": {of: len(sample.image(of)) for of in CLASSES},
                "kind": sample.kind,
                "made_with": dict(sample.made_with or {}),
            }
            for k, sample in enumerate(findings.samples.every)
        ],
        "notes": list(findings.notes),
        "lights": {
            sample.name: findings.lights(sample.name) for sample in findings.samples.candidates
        },
        "ranking": findings.ranking,
        "observables": {
            of: {one.shape.name: one for one in these} for of, these in findings.compared.items()
        },
        "intensities": {
            of: {
                "edges_gev": INTENSITY_EDGES_GEV,
                "reference": one.reference.per_image,
                "candidates": {
                    name: {"per_image": spectrum.per_image, "wasserstein": one.measured[name]}
                    for name, spectrum in one.candidates.items()
                },
            }
            for of, one in findings.intensities.items()
        },
        "overall": findings.overall,
        "neighbours": findings.neighbours,
        "classifiers": findings.classified,
        "figures": {
            picture.name: picture.caption
            for section in sections
            for picture in section.pictures
            if not picture.problem
        },
    }
    return {key: json_like(value) for key, value in metrics.items()}
