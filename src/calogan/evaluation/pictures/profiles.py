"""Profiles of the mean shower: across its axis, ring by ring, and along the depth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import AutoMinorLocator
from numpy.typing import NDArray

from calogan.calorimeter import AnyLayer, PolarLayer
from calogan.evaluation.pictures.depth import chosen_layers
from calogan.evaluation.pictures.panels import Curve, draw_ratios, draw_steps
from calogan.evaluation.pictures.rings import density_rings, radial_density
from calogan.evaluation.pictures.sheets import (
    legend_name,
    new_sheet,
)
from calogan.evaluation.pictures.style import hep_style
from calogan.showers import Showers

__all__ = [
    "lateral_profiles",
    "longitudinal_density",
    "longitudinal_profile",
]

Values = NDArray[np.float64]


def _mean(name: str, values: Values) -> Curve:
    """Mean over showers of `(n, bins)`, with its standard error; NaN without showers."""
    n = len(values)
    if not n:
        nothing = np.full(values.shape[1], np.nan)
        return Curve(name, nothing, nothing)
    return Curve(name, values.mean(axis=0), values.std(axis=0) / np.sqrt(n))


@hep_style()
def lateral_profiles(
    reference_name: str,
    reference: Showers,
    candidates: Mapping[str, Showers],
    *,
    layers: Sequence[int] | None = None,
    note: str = "",
) -> Figure:
    """Draw the mean energy density around the shower's axis, layer by layer, with ratios.

    Args:
        reference_name: What the reference is called.
        reference: Reference.
        candidates: Candidates by name.
        layers: Layers to show; those of `chosen_layers` unless given.
        note: What is shown, for the head of the figure.
    """
    chosen = chosen_layers(reference) if layers is None else layers
    samples = {reference_name: reference, **candidates}
    sheet = new_sheet(len(chosen), _legend(reference_name, reference, candidates), note=note)
    for layer, panel in zip(chosen, sheet.panels, strict=True):
        edges = density_rings(reference.calorimeter.layers[layer])
        found = [radial_density(showers, layer, edges) for showers in samples.values()]
        curves = [
            Curve(name, each.mean, each.error) for name, each in zip(samples, found, strict=True)
        ]
        panel.main.set_xlim(edges[0], edges[-1])
        draw_steps(panel.main, edges, curves[0], curves[1:], log=True)
        draw_ratios(panel.below, curves[0], curves[1:], edges=edges)
        panel.main.xaxis.set_minor_locator(AutoMinorLocator(2))
        panel.main.set_title(_title(reference.calorimeter.layers[layer], layer), loc="left")
        panel.main.set_ylabel(r"Energy per area [MeV/mm$^2$]")
        panel.below.set_xlabel("Distance from the axis [mm]")
    return sheet.figure


def _title(readout: AnyLayer, layer: int) -> str:
    """Name a layer, and say how large its cells are, for that shapes the profile."""
    if isinstance(readout, PolarLayer):
        return f"Layer {layer}"
    x, y = readout.cell_size_mm
    return rf"Layer {layer} (cells {x:.4g} $\times$ {y:.4g} mm$^2$)"


def longitudinal_density(showers: Showers, name: str) -> Curve:
    """Mean energy in each layer over its depth [MeV/mm], with statistical errors."""
    depth = np.array([layer.z_max_mm - layer.z_min_mm for layer in showers.calorimeter.layers])
    return _mean(name, showers.layer_energies / depth)


@hep_style()
def longitudinal_profile(
    reference_name: str,
    reference: Showers,
    candidates: Mapping[str, Showers],
    *,
    note: str = "",
) -> Figure:
    """Draw the mean energy per depth in each layer, linear and logarithmic, with ratios.

    Args:
        reference_name: What the reference is called.
        reference: Reference.
        candidates: Candidates by name.
        note: What is shown, for the head of the figure.
    """
    layers = reference.calorimeter.layers
    front = layers[0].z_min_mm
    edges, place = _depth_edges([(x.z_min_mm - front, x.z_max_mm - front) for x in layers])
    samples = {reference_name: reference, **candidates}
    curves = []
    for name, showers in samples.items():
        found = longitudinal_density(showers, name)
        values, errors = np.full((2, len(edges) - 1), np.nan)
        values[place], errors[place] = found.values, found.errors
        curves.append(Curve(name, values, errors))
    names = _legend(reference_name, reference, candidates)
    sheet = new_sheet(2, names, note=note, width=5.4)
    for panel, log in zip(sheet.panels, (False, True), strict=True):
        panel.main.set_xlim(edges[0], edges[-1])
        draw_steps(panel.main, edges, curves[0], curves[1:], log=log)
        draw_ratios(panel.below, curves[0], curves[1:], edges=edges)
        panel.main.xaxis.set_minor_locator(AutoMinorLocator(2))
        panel.main.set_ylabel("Energy per depth [MeV/mm]")
        panel.below.set_xlabel("Depth from the first layer [mm]")
    return sheet.figure


def _depth_edges(spans: Sequence[tuple[float, float]]) -> tuple[Values, NDArray[np.int64]]:
    """Edges of bins along the depth, with bins for gaps between layers; the bins of the layers."""
    edges, place = [spans[0][0]], []
    for low, high in spans:
        if low > edges[-1] + 1e-6:
            edges.append(low)
        place.append(len(edges) - 1)
        edges.append(high)
    return np.array(edges), np.array(place, dtype=np.int64)


def _legend(name: str, reference: Showers, candidates: Mapping[str, Showers]) -> list[str]:
    samples = {name: reference, **candidates}
    return [legend_name(name, len(showers)) for name, showers in samples.items()]
