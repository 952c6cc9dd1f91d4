"""The observables of a calorimeter, listed."""

from __future__ import annotations

from functools import partial

from calogan.calorimeter import Axis, Calorimeter, ReadoutLayer
from calogan.observables.depth import (
    deepest_layer,
    depth_weighted_energy,
    shower_depth,
    shower_depth_width,
)
from calogan.observables.energies import (
    incident_energy,
    layer_energy,
    layer_fraction,
    leakage,
    overflow_share,
    response,
    total_energy,
)
from calogan.observables.lateral import centroid, lateral_width, lateral_width_cells
from calogan.observables.observable import Observable
from calogan.observables.peaks import N_BRIGHTEST, brightest_fraction, energy_ratio, hit_share
from calogan.observables.radial import containment_radius, layer_radius, mean_radius

__all__ = ["INCIDENT_ENERGY", "observables_of", "shape_observables_of"]

_AXES: tuple[Axis, Axis] = ("eta", "phi")
_ORDINALS = ("brightest", "2nd brightest", "3rd brightest", "4th brightest", "5th brightest")

INCIDENT_ENERGY = Observable("energy", "$E$", "GeV", "incident energy", "energies", incident_energy)
"""The energy that was asked for: not a shower shape, but what a comparison must agree in."""


def observables_of(calorimeter: Calorimeter) -> tuple[Observable, ...]:
    """List the shower shapes of a calorimeter.

    Args:
        calorimeter: Any; there is one of each per layer, and per axis where it has one. Rings
            around the beam axis tell no centroid and no width.

    Returns:
        The observables, group by group, each group in the order of the layers.
    """
    return (
        *_energies(calorimeter),
        *_fractions(calorimeter),
        *_depth(),
        *_widths(calorimeter),
        *_radii(calorimeter),
        *_hits(calorimeter),
        *_centroids(calorimeter),
        *_peaks(calorimeter),
    )


def shape_observables_of(calorimeter: Calorimeter) -> tuple[Observable, ...]:
    """List the shower shapes by which models are judged, in training and on their cards.

    Energies, fractions, widths along eta and phi, hit shares and centroids: a list that stays as
    it is, so that the figures of models can be compared, whatever further observables there are.
    """
    whole = [one for one in _energies(calorimeter) if one.primary]
    widths = [one for one in _widths(calorimeter) if one.primary]
    fractions = [one for one in _fractions(calorimeter) if one.primary]
    return (*whole, *fractions, *widths, *_hits(calorimeter), *_centroids(calorimeter))


def _energies(calorimeter: Calorimeter) -> list[Observable]:
    found = [
        Observable(
            f"E_{k}",
            f"$E_{{{k}}}$",
            "MeV",
            f"energy in layer {k}",
            "energies",
            partial(layer_energy, layer=k),
            layer=k,
        )
        for k in range(len(calorimeter.layers))
    ]
    total, share = r"$E_{\mathrm{tot}}$", r"$E_{\mathrm{tot}}/E$"
    lost, what = r"$\mathrm{leakage}$", "share of the energy deposited nowhere"
    return [
        *found,
        Observable("E_tot", total, "MeV", "energy in all layers", "energies", total_energy),
        Observable("response", share, "", "measured over incident energy", "energies", response),
        Observable("leakage", lost, "", what, "energies", leakage, primary=False),
    ]


def _fractions(calorimeter: Calorimeter) -> list[Observable]:
    found = [
        Observable(
            f"f_{k}",
            f"$f_{{{k}}}$",
            "",
            f"share of the energy in layer {k}",
            "fractions",
            partial(layer_fraction, layer=k),
            layer=k,
        )
        for k in range(len(calorimeter.layers))
    ]
    label, what = r"$f_{\mathrm{over}}$", "share of the energy beside the cells"
    beside = Observable(
        "overflow_share", label, "", what, "fractions", overflow_share, primary=False
    )
    return [*found, beside]


def _depth() -> list[Observable]:
    mean, width = "energy-weighted mean layer", "energy-weighted spread of the layers"
    deepest = "deepest layer with energy"
    return [
        Observable("d", "$d$", "layers", deepest, "depth", deepest_layer, quantum=1),
        Observable(
            "l_d", "$l_{d}$", "MeV", "energy times layer number", "depth", depth_weighted_energy
        ),
        Observable("s_d", "$s_{d}$", "layers", mean, "depth", shower_depth),
        Observable("sigma_sd", r"$\sigma_{s_d}$", "layers", width, "depth", shower_depth_width),
    ]


def _widths(calorimeter: Calorimeter) -> list[Observable]:
    found = [
        Observable(
            f"sigma_{axis}_{k}",
            rf"$\sigma_{{\{axis},{k}}}$",
            "mm",
            f"width along {axis} in layer {k}",
            "widths",
            partial(lateral_width, layer=k, axis=axis),
            layer=k,
        )
        for axis in _AXES
        for k in _resolved(calorimeter)
    ]
    found += [
        Observable(
            f"sigma_{axis}_cells_{k}",
            rf"$\sigma_{{\{axis},{k}}}$",
            "cells",
            f"width along {axis} in layer {k}, in cells",
            "widths",
            partial(lateral_width_cells, layer=k, axis=axis),
            layer=k,
            primary=False,
        )
        for axis in _AXES
        for k in _resolved(calorimeter)
        if isinstance(calorimeter.layers[k], ReadoutLayer)
    ]
    return found


def _radii(calorimeter: Calorimeter) -> list[Observable]:
    found = [
        Observable(
            f"r_{k}",
            f"$r_{{{k}}}$",
            "mm",
            f"mean distance from the axis in layer {k}",
            "widths",
            partial(layer_radius, layer=k),
            layer=k,
            primary=not layer.resolves_axes,  # rings have no other width
        )
        for k, layer in enumerate(calorimeter.layers)
    ]
    mean, most = r"$r_{\mathrm{mean}}$", "distance from the axis that holds 90 % of the energy"
    return [
        *found,
        Observable("r_mean", mean, "mm", "mean distance from the axis", "widths", mean_radius),
        Observable("r_90", "$r_{90}$", "mm", most, "widths", containment_radius),
    ]


def _hits(calorimeter: Calorimeter) -> list[Observable]:
    return [
        Observable(
            f"hits_{k}",
            f"$n_{{{k}}}$",
            "",
            f"share of cells hit in layer {k}",
            "hits",
            partial(hit_share, layer=k),
            quantum=1 / layer.n_cells,
            layer=k,
        )
        for k, layer in enumerate(calorimeter.layers)
    ]


def _centroids(calorimeter: Calorimeter) -> list[Observable]:
    return [
        Observable(
            f"c_{axis}_{k}",
            rf"$c_{{\{axis},{k}}}$",
            "mm",
            f"centroid along {axis} in layer {k}",
            "centroids",
            partial(centroid, layer=k, axis=axis),
            layer=k,
        )
        for axis in _AXES
        for k in _resolved(calorimeter)
    ]


def _peaks(calorimeter: Calorimeter) -> list[Observable]:
    found = [
        Observable(
            f"E_ratio_{k}",
            rf"$E_{{\mathrm{{ratio}},{k}}}$",
            "",
            f"difference over sum of the two brightest cells in layer {k}",
            "peaks",
            partial(energy_ratio, layer=k),
            layer=k,
        )
        for k, layer in enumerate(calorimeter.layers)
        if layer.n_cells > 1
    ]
    found += [
        Observable(
            f"peak_{m}_{k}",
            rf"$E_{{{k},({m})}}/E_{{{k}}}$",
            "",
            f"share of the {_ORDINALS[m - 1]} cell in layer {k}",
            "peaks",
            partial(brightest_fraction, layer=k, place=m),
            layer=k,
            primary=m == 1,
        )
        for m in range(1, N_BRIGHTEST + 1)
        for k, layer in enumerate(calorimeter.layers)
        if layer.n_cells >= max(m, 2)
    ]
    return found


def _resolved(calorimeter: Calorimeter) -> list[int]:
    """Layers whose cells tell where along eta and phi energy is."""
    return [k for k, layer in enumerate(calorimeter.layers) if layer.resolves_axes]
