"""Rayleigh scattering: photons that bounce off an atom as a whole.

From 0.1 keV to 0.8 MeV the cross sections are the evaluated ones of `xraylib` (T. Schoonjans et
al., Spectrochim. Acta B 66 (2011) 776: form factors of J. H. Hubbell et al., J. Phys. Chem. Ref.
Data 4 (1975) 471). Above, they fall as 1/E^2, the limit of any form factor; below, they stay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calogan.geant4.compact.elements import evaluated_data
from calogan.geant4.compact.tables import log_grid, write_vector

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["rayleigh_cross_section", "write_rayleigh"]

_LOWEST_MEV, _EVALUATED_MEV = 1e-4, 0.8
_BARN_MM2 = 1e-22
_ENERGIES_MEV = np.concatenate(
    [
        log_grid(1e-6, _LOWEST_MEV, 8)[:-1],
        log_grid(_LOWEST_MEV, _EVALUATED_MEV, 24),
        log_grid(_EVALUATED_MEV, 1e5, 8)[1:],
    ]
)


def rayleigh_cross_section(element: int, energies_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rayleigh cross section of an atom [b] at photon energies [MeV], shape `(n,)`."""
    data = evaluated_data()
    inside = np.clip(energies_mev, _LOWEST_MEV, _EVALUATED_MEV)
    evaluated = np.array([data.CSb_Rayl(element, energy * 1e3) for energy in inside.tolist()])
    cross_section: NDArray[np.float64] = (
        evaluated * (inside / np.maximum(energies_mev, inside)) ** 2
    )
    return cross_section


def write_rayleigh(folder: Path, elements: Iterable[int]) -> None:
    """Write the tables `re-cs-{Z}.dat`: E [MeV], E^2 sigma [MeV^2 mm^2]."""
    folder.mkdir(parents=True, exist_ok=True)
    for element in elements:
        values = _ENERGIES_MEV**2 * rayleigh_cross_section(element, _ENERGIES_MEV) * _BARN_MM2
        write_vector(folder / f"re-cs-{element}.dat", _ENERGIES_MEV, values)
