"""All numbers of a report, as JSON holds them."""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import calogan
from calogan.evaluation.report.figures import Section
from calogan.evaluation.report.findings import Findings
from calogan.evaluation.report.folder import FORMAT, METRICS

__all__ = ["json_like", "metrics_of", "versions", "write_metrics"]

_LIBRARIES = ("numpy", "matplotlib", "mplhep", "scikit-learn", "torch", "onnxruntime")


def metrics_of(findings: Findings, sections: Sequence[Section]) -> dict[str, Any]:
    """Collect all numbers of a comparison, JSON-like: NaN and infinity become null."""
    reference = findings.reference
    metrics = {
        "format": FORMAT,
        "calogan": calogan.__version__,
        "settings": findings.settings.as_dict(),
        "versions": versions(),
        "calorimeter": reference.origin.calorimeter.name,
        "samples": [_sample(findings, k) for k in range(len(findings.samples))],
        "selection": {"mode": findings.mode, "notes": list(findings.notes)},
        "verdict": {verdict.name: verdict.as_dict() for verdict in findings.verdicts},
        "overall": findings.overall,
        "classifiers": findings.classifiers,
        "particles": findings.physics,
        "incident_energy": findings.energy.as_dict(),
        "observables": {c.shape.name: c.as_dict() for c in findings.observables},
        "layers_shown": list(findings.layers),
        "layer_energies_mev": {
            sample.name: {
                "mean": sample.layer_mean.tolist(),
                "mean_error": sample.layer_error.tolist(),
            }
            for sample in findings.samples
        },
        "figures": {
            picture.name: {"caption": picture.caption} | _found(picture.found)
            for section in sections
            for picture in section.pictures
            if not picture.problem
        },
    }
    return {key: json_like(value) for key, value in metrics.items()}


def write_metrics(metrics: Mapping[str, Any], folder: Path) -> None:
    """Write the numbers into the folder of a report."""
    text = json.dumps(metrics, indent=1, allow_nan=False) + "\n"
    (folder / METRICS).write_text(text, encoding="utf-8")


def _sample(findings: Findings, k: int) -> dict[str, Any]:
    sample = findings.samples[k]
    role = "reference" if k == 0 else "candidate"
    if sample is findings.floor:
        role = "floor"
    origin = sample.origin
    return {
        "name": origin.name,
        "role": role,
        "source": origin.source,
        "n_source": origin.n_source,
        "n": len(origin),
        "particles": list(origin.particles),
        "energy_range_gev": list(origin.energy_range_gev),
        "made_with": dict(origin.made_with),
    }


def _found(found: Any) -> dict[str, Any]:
    return {} if found is None else {"found": found}


def versions() -> dict[str, str]:
    """Versions of what the numbers were made with."""
    found = {"python": platform.python_version()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def json_like(value: Any) -> Any:
    """Replace what JSON has no word for: NaN and infinity become null."""
    if is_dataclass(value) and not isinstance(value, type):
        as_dict = getattr(value, "as_dict", None)
        return json_like(as_dict() if as_dict else asdict(value))
    if isinstance(value, Mapping):
        return {str(key): json_like(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_like(item) for item in value]
    if isinstance(value, np.generic | np.ndarray):
        return json_like(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
