"""How much energy there is, and in which layers."""

from __future__ import annotations

import numpy as np

from calogan.observables.observable import Values, ratio
from calogan.observables.sharing import shared
from calogan.showers import Showers

__all__ = [
    "incident_energy",
    "layer_energies",
    "layer_energy",
    "layer_fraction",
    "leakage",
    "longitudinal_profile",
    "overflow_share",
    "response",
    "total_energy",
]

_MEV_PER_GEV = 1e3


def incident_energy(showers: Showers) -> Values:
    """Kinetic energy E of the incident particle [GeV], shape `(n,)`."""
    return showers.incident.energy_gev


@shared
def layer_energies(showers: Showers) -> Values:
    """Energy in the cells of each layer [MeV], shape `(n, layers)`."""
    return np.stack([layer_energy(showers, k) for k in range(len(showers.layers))], axis=1)


@shared
def layer_energy(showers: Showers, layer: int) -> Values:
    r"""Energy in the cells of a layer [MeV], shape `(n,)`; 0 in an empty layer.

    $E_k = \sum_{ij} E_{k,ij}$ (arXiv:1705.02355: $E_i$). The overflow does not count.
    """
    energy: Values = showers.layers[layer].sum(axis=(1, 2), dtype=np.float64)
    return energy


@shared
def total_energy(showers: Showers) -> Values:
    r"""Energy in all cells [MeV], shape `(n,)`; 0 in an empty shower.

    $E_{tot} = \sum_k E_k$ (arXiv:1705.02355). The overflow does not count.
    """
    total: Values = layer_energies(showers).sum(axis=1)
    return total


def layer_fraction(showers: Showers, layer: int) -> Values:
    """Share of the measured energy that is in a layer, shape `(n,)`; NaN in an empty shower.

    $f_k = E_k / E_{tot}$ (arXiv:1705.02355: $f_i$). Over all layers they add up to 1.
    """
    return ratio(layer_energy(showers, layer), total_energy(showers))


def longitudinal_profile(showers: Showers) -> Values:
    """Share of the measured energy in each layer, shape `(n, layers)`; NaN in an empty shower.

    The columns are $f_k$ of `layer_fraction`; in MeV, they are `showers.layer_energies`.
    """
    energies = layer_energies(showers)
    return ratio(energies, np.broadcast_to(total_energy(showers)[:, None], energies.shape))


def response(showers: Showers) -> Values:
    """Measured over incident energy, $E_{tot} / E$, shape `(n,)`; 0 in an empty shower.

    The incident energy is the kinetic energy of the particle.
    """
    return total_energy(showers) / (_MEV_PER_GEV * incident_energy(showers))


def leakage(showers: Showers) -> Values:
    r"""Share of the incident energy that was deposited nowhere, shape `(n,)`; 1 in an empty shower.

    $1 - (E_{tot} + \sum_k O_k) / E$ with $O_k$ the overflow, the energy beside the cells of layer
    k. It left through the back, the front or the sides, or went into neutrinos and into the
    binding of nuclei; it is a little below 0 where the mass of the particle was set free as well
    (e+: 1.022 MeV). Showers without overflow, as networks make them, have the overflow in it.
    """
    deposited = total_energy(showers) + _overflow(showers)
    return 1 - deposited / (_MEV_PER_GEV * incident_energy(showers))


def overflow_share(showers: Showers) -> Values:
    r"""Share of the deposited energy that is beside the cells, shape `(n,)`.

    $\sum_k O_k / (E_{tot} + \sum_k O_k)$ with $O_k$ the overflow of layer k; NaN in a shower
    without any energy.
    """
    beside = _overflow(showers)
    return ratio(beside, total_energy(showers) + beside)


@shared
def _overflow(showers: Showers) -> Values:
    """Energy beside the cells of all layers [MeV], shape `(n,)`."""
    overflow: Values = showers.overflow.sum(axis=1, dtype=np.float64)
    return overflow
