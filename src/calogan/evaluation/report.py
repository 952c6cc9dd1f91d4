"""The report: one page that a browser opens without a network, its figures, and all numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import calogan
from calogan.errors import CaloganError
from calogan.evaluation.comparison import Compared, compare_observable
from calogan.evaluation.depth import chosen_layers, longitudinal_profile
from calogan.evaluation.folder import FIGURES, FORMAT, METRICS, PAGE, whole_report
from calogan.evaluation.images import mean_images
from calogan.evaluation.page import Picture, Section, render
from calogan.evaluation.plots import Series, overlay
from calogan.evaluation.selection import Selection, select
from calogan.evaluation.sources import Sample, open_sample
from calogan.evaluation.style import hep_style, save, what_is_shown
from calogan.observables import INCIDENT_ENERGY, Observable, observables_of
from calogan.showers import Showers

__all__ = ["compare", "compare_files"]

_TITLES = {
    "energies": "Energies",
    "fractions": "Layer fractions",
    "widths": "Lateral widths",
    "hits": "Hit shares",
    "centroids": "Centroids",
}


def compare(
    reference: Showers,
    candidates: Mapping[str, Showers],
    output: str | Path,
    *,
    reference_name: str = "reference",
) -> dict[str, Any]:
    """Compare showers and write a report.

    Args:
        reference: What the candidates ought to look like.
        candidates: One or more others, by the name they have in the report.
        output: Folder of the report: `index.html`, `metrics.json` and `figures/*.png`. An older
            report is replaced.
        reference_name: Name of the reference in the report.

    Returns:
        What `metrics.json` holds.

    Raises:
        CalorimeterError: The showers are in different calorimeters.
        CaloganError: Too few showers, or no common incident energies.
        OutputError: The report cannot be written, or `output` holds something else.
    """
    samples = [
        Sample(name, showers, n_source=len(showers))
        for name, showers in [(reference_name, reference), *candidates.items()]
    ]
    return _report(samples[0], samples[1:], output)


def compare_files(
    reference: str | Path,
    candidates: Sequence[str | Path],
    output: str | Path,
    *,
    names: Sequence[str] = (),
    limit: int | None = None,
) -> dict[str, Any]:
    """Compare files of showers and write a report.

    Args:
        reference: File of the reference.
        candidates: Files of the candidates.
        output: Folder of the report.
        names: Names in the report, the reference's first; the files' stems unless given.
        limit: Read at most so many showers of each file, from its start.

    Returns:
        What `metrics.json` holds.

    Raises:
        ShowerFileError: A file is missing, foreign or damaged.
        CaloganError: As `compare`; or a number of names that is not that of the files.
    """
    sources = [reference, *candidates]
    if names and len(names) != len(sources):
        msg = f"{len(names)} names for {len(sources)} samples: give one for each, or none"
        raise CaloganError(msg)
    samples = [
        open_sample(source, name, limit)
        for source, name in zip(sources, names or _stems(sources), strict=True)
    ]
    return _report(samples[0], samples[1:], output)


def _stems(sources: Sequence[str | Path]) -> list[str]:
    """Names of files: their stems, with the folder before those that are not unique."""
    paths = [Path(source) for source in sources]
    stems = [str(path) if str(path).startswith("sample:") else path.stem for path in paths]
    stems = [stem.replace("sample:", "Geant4 ") for stem in stems]
    names = [
        stem if stems.count(stem) == 1 else f"{path.resolve().parent.name}/{stem}"
        for path, stem in zip(paths, stems, strict=True)
    ]
    return [
        name if names.count(name) == 1 else f"{name} ({k})" for k, name in enumerate(names, start=1)
    ]


@dataclass(frozen=True, eq=False)
class _Comparison:
    """A selection of showers, all observables in it, and the layers that are shown one by one."""

    selection: Selection
    energy: Compared
    observables: tuple[Compared, ...]
    layers: tuple[int, ...]

    @property
    def shown(self) -> tuple[Compared, ...]:
        """The observables of the page: those of the whole shower and of the layers shown."""
        return tuple(c for c in self.observables if c.observable.layer in (None, *self.layers))


def _report(reference: Sample, candidates: Sequence[Sample], output: str | Path) -> dict[str, Any]:
    names = [sample.name for sample in (reference, *candidates)]
    if len(set(names)) < len(names):
        msg = f"each sample needs a name of its own, not {', '.join(names)}"
        raise CaloganError(msg)
    with whole_report(output) as folder:
        comparison = _compare(select(reference, candidates))
        metrics = _metrics(comparison)
        (folder / METRICS).write_text(
            json.dumps(metrics, indent=1, allow_nan=False) + "\n", encoding="utf-8"
        )
        (folder / FIGURES).mkdir()
        with hep_style():
            sections = _draw(comparison, folder)
        page = render(comparison.selection, comparison.shown, sections, folder)
        (folder / PAGE).write_text(page, encoding="utf-8")
    return metrics


def _compare(selection: Selection) -> _Comparison:
    def shown(observable: Observable) -> bool:
        return selection.mode != "window" or observable.unit != "MeV"

    reference, candidates = selection.reference, selection.candidates
    layers, n_layers = chosen_layers(reference.showers), len(reference.showers.layers)
    if len(layers) < n_layers:
        note = (
            f"Of {n_layers} layers {', '.join(map(str, layers))} are shown one by one; "
            "the numbers of all are in metrics.json."
        )
        selection = replace(selection, notes=(*selection.notes, note))
    return _Comparison(
        selection,
        compare_observable(INCIDENT_ENERGY, reference, candidates),
        tuple(
            compare_observable(observable, reference, candidates)
            for observable in observables_of(reference.showers.calorimeter)
            if shown(observable)
        ),
        layers,
    )


def _draw(comparison: _Comparison, folder: Path) -> list[Section]:
    """Write all figures; return them in the order of the page."""
    reference, candidates = comparison.selection.reference, comparison.selection.candidates
    images = Section("images", "Mean shower images", [])
    for k in comparison.layers:
        name = f"mean_image_layer_{k}"
        save(mean_images(reference, candidates, k), folder / FIGURES / f"{name}.png")
        images.pictures.append(Picture(name, f"Mean energy in the cells of layer {k}", wide=True))
    sections = [images]
    for group, title in _TITLES.items():
        compared = [c for c in comparison.shown if c.observable.group == group]
        if group == "energies":
            compared.append(comparison.energy)
        section = Section(
            group, title, [_overlay(c, comparison.selection, folder) for c in compared]
        )
        if group == "energies" and len(reference.showers.layers) > 1:
            save(longitudinal_profile(reference, candidates), folder / FIGURES / "profile.png")
            section.pictures.insert(0, Picture("profile", "Mean energy in the cells of each layer"))
        if section.pictures:
            sections.append(section)
    return sections


def _overlay(compared: Compared, selection: Selection, folder: Path) -> Picture:
    reference = selection.reference
    figure = overlay(
        compared.binning,
        Series(reference.name, compared.reference_counts),
        [Series(c.name, c.counts) for c in compared.candidates],
        label=compared.observable.label,
        unit=compared.unit,
        left=_sentence(compared.observable.description),
        right=what_is_shown(reference.showers, reference.particles),
    )
    name = compared.observable.name
    save(figure, folder / FIGURES / f"{name}.png")
    return Picture(name, _sentence(compared.observable.description) + _beyond(compared, reference))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _beyond(compared: Compared, reference: Sample) -> str:
    """Say how many showers are not in the picture, if it is many."""
    shares = {reference.name: compared.reference_counts.share_beyond}
    shares |= {c.name: c.counts.share_beyond for c in compared.candidates}
    many = [f"{name} {share:.0%}" for name, share in shares.items() if share > 0.01]
    return f" (beyond the axis: {', '.join(many)})" if many else ""


def _metrics(comparison: _Comparison) -> dict[str, Any]:
    selection = comparison.selection
    metrics = {
        "format": FORMAT,
        "calogan": calogan.__version__,
        "calorimeter": selection.reference.showers.calorimeter.name,
        "samples": [
            {
                "name": sample.name,
                "role": "reference" if k == 0 else "candidate",
                "source": sample.source,
                "n_source": sample.n_source,
                "n": len(sample.showers),
                "particles": list(sample.particles),
                "energy_range_gev": list(sample.energy_range_gev),
                "made_with": dict(sample.made_with),
            }
            for k, sample in enumerate(selection.samples)
        ],
        "selection": {"mode": selection.mode, "notes": list(selection.notes)},
        "incident_energy": comparison.energy.as_dict(),
        "observables": {c.observable.name: c.as_dict() for c in comparison.observables},
        "shown": [c.observable.name for c in comparison.shown],
    }
    return {key: _json(value) for key, value in metrics.items()}


def _json(value: Any) -> Any:
    """Replace what JSON has no word for: NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
