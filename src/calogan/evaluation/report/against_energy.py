"""Figures of what depends on the incident energy: response, resolution, shapes, extrapolation."""

from __future__ import annotations

from collections.abc import Sequence

from calogan.evaluation.pictures.dependence import (
    energy_dependence,
    extrapolation,
    response_and_resolution,
)
from calogan.evaluation.report.comparison import Values
from calogan.evaluation.report.figures import Drawing
from calogan.evaluation.report.findings import Findings
from calogan.evaluation.report.gallery import head_of
from calogan.evaluation.samples.accumulation import Sample

__all__ = ["dependence"]


def dependence(findings: Findings) -> tuple[Drawing, ...]:
    """The figures of what depends on the energy: response, resolution, shapes, extrapolation."""
    low, high = findings.reference.origin.energy_range_gev
    if findings.mode == "window" or high - low < 0.1 * high:
        return ()
    found = [c.shape for c in findings.observables]
    names = {shape.name for shape in found}
    samples = (findings.reference, *findings.candidates)
    trained = _trained(findings)
    note = head_of(findings.reference)
    drawings = []
    if "response" in names:
        tables = _tables(samples, ["response"])
        drawings.append(
            Drawing(
                "resolution",
                "Measured over incident energy, and its relative spread, against the energy",
                response_and_resolution,
                (findings.reference.name, tables[0], _named(findings, tables)),
                {"training_range_gev": trained, "note": note},
                wide=True,
            )
        )
    means = findings.reference.layer_mean[list(findings.layers)]
    most = findings.layers[int(means.argmax())]
    wanted = (f"f_{findings.layers[0]}", "s_d", f"sigma_eta_{most}", f"hits_{most}")
    shown = [shape for shape in found if shape.name in wanted] or found[:3]
    tables = _tables(samples, [shape.name for shape in shown])
    drawings.append(
        Drawing(
            "energy_dependence",
            "Mean and standard deviation of some observables against the energy",
            energy_dependence,
            (shown, findings.reference.name, tables[0], _named(findings, tables)),
            {"training_range_gev": trained, "note": note},
            wide=True,
        )
    )
    if findings.extrapolated:
        drawings.append(
            Drawing(
                "extrapolation",
                "Measured against requested energy, also outside of the training range (shaded)",
                extrapolation,
                (findings.reference.name, findings.reference.excerpt, findings.extrapolated),
                {"training_range_gev": trained, "note": note},
                wide=True,
            )
        )
    return tuple(drawings)


def _trained(findings: Findings) -> tuple[float, float] | None:
    """Energies that all candidates that were trained were trained with."""
    ranges = [c.origin.trained_gev for c in findings.candidates if c.origin.trained_gev]
    if not ranges:
        return None
    return max(low for low, _ in ranges), min(high for _, high in ranges)


def _tables(samples: Sequence[Sample], names: Sequence[str]) -> list[dict[str, Values]]:
    """Columns of observables, and the incident energy."""
    return [
        {"energy": s.origin.incident.energy_gev} | {name: s.table[name] for name in names}
        for s in samples
    ]


def _named(findings: Findings, tables: Sequence[dict[str, Values]]) -> dict[str, dict[str, Values]]:
    return dict(zip([c.name for c in findings.candidates], tables[1:], strict=True))
