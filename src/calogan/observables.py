r"""Shower shapes: one number per shower, computed for all showers at once, in any calorimeter.

With $E_{k,ij}$ the energy in cell (i, j) of readout layer k, i along eta (x), j along phi (y); in
layers with cells in angle and radius i and j count those, and eta and phi are still x and y.
The definitions are those of the CaloGAN paper (arXiv:1705.02355, table of shower shape variables)
where it has them. Lengths are in mm and not in cells, so that calorimeters can be compared.

Where a layer, or the whole shower, holds no energy, a sum of energies is 0 and a share of cells
is 0, for that is what was measured; a fraction, a centroid or a width is NaN, for 0/0 is no
measurement, and a number in its place would show up as a spike that no shower has. (The published
analysis code adds 1e-6 to the denominators instead, which puts such showers at 0.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import Axis, Calorimeter
from calogan.showers import Showers

__all__ = [
    "INCIDENT_ENERGY",
    "Axis",
    "Observable",
    "centroid",
    "hit_share",
    "incident_energy",
    "lateral_width",
    "layer_energy",
    "layer_fraction",
    "observables_of",
    "response",
    "total_energy",
]

Group = Literal["energies", "fractions", "widths", "hits", "centroids"]


@dataclass(frozen=True)
class Observable:
    r"""Something that is computed from each shower.

    Args:
        name: Short and plain, as in tables and files: `sigma_eta_1`.
        label: The symbol as mathtext: `$\sigma_{\eta,1}$`.
        unit: `MeV`, `mm`, `GeV`, or empty for a ratio.
        description: A few words.
        group: What kind of observable it is.
        compute: From n showers to the values, shape `(n,)`; NaN where it is not defined.
        quantum: Distance of the values that are possible, for one that counts something.
        layer: The readout layer that it is about, if it is about one.
    """

    name: str
    label: str
    unit: str
    description: str
    group: Group
    compute: Callable[[Showers], NDArray[np.float64]]
    quantum: float | None = None
    layer: int | None = None


def incident_energy(showers: Showers) -> NDArray[np.float64]:
    """Kinetic energy E of the incident particle [GeV], shape `(n,)`."""
    return showers.incident.energy_gev


def layer_energy(showers: Showers, layer: int) -> NDArray[np.float64]:
    r"""Energy in the cells of a layer [MeV], shape `(n,)`; 0 in an empty layer.

    $E_k = \sum_{ij} E_{k,ij}$ (arXiv:1705.02355: $E_i$). The overflow does not count.
    """
    energy: NDArray[np.float64] = showers.layers[layer].sum(axis=(1, 2), dtype=np.float64)
    return energy


def total_energy(showers: Showers) -> NDArray[np.float64]:
    r"""Energy in all cells [MeV], shape `(n,)`; 0 in an empty shower.

    $E_{tot} = \sum_k E_k$ (arXiv:1705.02355). The overflow does not count.
    """
    return showers.total_energy


def layer_fraction(showers: Showers, layer: int) -> NDArray[np.float64]:
    """Share of the measured energy that is in a layer, shape `(n,)`; NaN in an empty shower.

    $f_k = E_k / E_{tot}$ (arXiv:1705.02355: $f_i$). Over all layers they add up to 1.
    """
    return _ratio(layer_energy(showers, layer), total_energy(showers))


def response(showers: Showers) -> NDArray[np.float64]:
    """Measured over incident energy, $E_{tot} / E$, shape `(n,)`; 0 in an empty shower.

    The incident energy is the kinetic energy of the particle.
    """
    return total_energy(showers) / (1e3 * incident_energy(showers))


def centroid(showers: Showers, layer: int, axis: Axis) -> NDArray[np.float64]:
    r"""Energy-weighted mean position in a layer [mm], shape `(n,)`; NaN in an empty layer.

    $c_k = \sum_i E_{k,i} x_i / E_k$, with $x_i$ the centres of the cells along the axis; those of
    area, for cells in angle and radius.
    """
    profile, centers = _profile(showers, layer, axis)
    return _ratio(profile @ centers, profile.sum(axis=1))


def lateral_width(showers: Showers, layer: int, axis: Axis) -> NDArray[np.float64]:
    r"""Energy-weighted standard deviation of the position [mm], shape `(n,)`.

    $\sigma_k = \sqrt{\sum_i E_{k,i} (x_i - c_k)^2 / E_k}$, with $x_i$ the centres of the cells
    along the axis and $c_k$ the centroid. NaN in an empty layer; 0 if one row of cells has it all.

    The paper's $\sigma_i$ (arXiv:1705.02355, "standard deviation of the transverse energy
    profile") is the one along **eta**: its published numbers and analysis code use the centres
    of the eta cells in mm, although its table says cell numbers.
    """
    profile, centers = _profile(showers, layer, axis)
    energy = profile.sum(axis=1)
    mean = _ratio(profile @ centers, energy)
    # around the centroid, and not <x^2> - <x>^2: that loses digits and can go below zero
    squares = (profile * (centers - np.nan_to_num(mean)[:, None]) ** 2).sum(axis=1)
    return np.sqrt(_ratio(squares, energy))


def hit_share(showers: Showers, layer: int) -> NDArray[np.float64]:
    """Share of a layer's cells that hold energy above 0, shape `(n,)`; 0 in an empty layer.

    The paper's sparsity (arXiv:1705.02355), which also its discriminator looks at.
    """
    image = showers.layers[layer]
    share: NDArray[np.float64] = (image > 0).mean(axis=(1, 2), dtype=np.float64)
    return share


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
    layers = range(len(calorimeter.layers))
    resolved = [k for k, layer in enumerate(calorimeter.layers) if layer.resolves_axes]
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
        for k in layers
    ]
    found += [
        Observable(
            "E_tot", r"$E_{\mathrm{tot}}$", "MeV", "energy in all layers", "energies", total_energy
        ),
        Observable(
            "response",
            r"$E_{\mathrm{tot}}/E$",
            "",
            "measured over incident energy",
            "energies",
            response,
        ),
    ]
    found += [
        Observable(
            f"f_{k}",
            f"$f_{{{k}}}$",
            "",
            f"share of the energy in layer {k}",
            "fractions",
            partial(layer_fraction, layer=k),
            layer=k,
        )
        for k in layers
    ]
    found += [
        Observable(
            f"sigma_{axis}_{k}",
            rf"$\sigma_{{\{axis},{k}}}$",
            "mm",
            f"width along {axis} in layer {k}",
            "widths",
            partial(lateral_width, layer=k, axis=axis),
            layer=k,
        )
        for axis in _axes()
        for k in resolved
    ]
    found += [
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
    found += [
        Observable(
            f"c_{axis}_{k}",
            rf"$c_{{\{axis},{k}}}$",
            "mm",
            f"centroid along {axis} in layer {k}",
            "centroids",
            partial(centroid, layer=k, axis=axis),
            layer=k,
        )
        for axis in _axes()
        for k in resolved
    ]
    return tuple(found)


def _axes() -> tuple[Axis, Axis]:
    return "eta", "phi"


def _profile(
    showers: Showers, layer: int, axis: Axis
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Energy along one axis of a layer `(n, m)` [MeV], and where along it that is `(m,)` [mm]."""
    return showers.calorimeter.layers[layer].profile(showers.layers[layer], axis)


def _ratio(above: NDArray[np.float64], below: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; NaN where there is nothing to divide by."""
    ratio = np.full(above.shape, np.nan)
    np.divide(above, below, out=ratio, where=below > 0)
    return ratio
