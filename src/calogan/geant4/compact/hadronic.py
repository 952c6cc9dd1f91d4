"""Cross sections of slow hadrons, nuclei and photons on nuclei, from simple nuclear geometry.

Geant4 takes them from tables and, for neutrons and charged particles, scales its own Glauber-Gribov
cross sections to the last value above. So the tables end where a cross section has come near its
plateau: at 20 MeV for neutrons, at 100 MeV for charged particles, whose barrier at a heavy nucleus
may be 20 MeV. Those of photons end at 130 MeV, as Geant4 expects. Showers need the scale and the
thresholds, no resonances:

- a nucleus is a disc of radius 1.25 fm (A^(1/3) + 0.8), the range of the force added;
- charged particles reach it above the Coulomb barrier V as geometry * (1 - V / E): J. M. Blatt
  and V. F. Weisskopf, Theoretical Nuclear Physics (1952), ch. VIII;
- neutrons are captured as 1/v from the thermal value: V. F. Sears, Neutron News 3 (1992) 26;
- photons are absorbed by the giant dipole resonance, a Lorentzian, at the energy given by
  B. L. Berman and S. C. Fultz, Rev. Mod. Phys. 47 (1975) 713, whose area is 1.3 times the sum
  rule of Thomas, Reiche and Kuhn, 60 MeV mb N Z / A.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calogan.geant4.compact.elements import atomic_weight
from calogan.geant4.compact.tables import write_vector

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "charged_inelastic",
    "neutron_capture",
    "neutron_elastic",
    "neutron_inelastic",
    "photonuclear",
    "write_hadronic",
]

_HEAVIEST_FRAGMENT = 95
_BARN_MM2 = 1e-22
_NEGLIGIBLE_B = 1e-12  # instead of zero, which has no logarithm
_THERMAL_MEV = 2.53e-8
_CHARGES = {"proton": 1, "deuteron": 1, "triton": 1, "He3": 2, "alpha": 2}
_USUAL_CAPTURE_B = 0.1
# thermal absorption cross sections [b], elements of natural composition (Sears)
# fmt: off
_CAPTURE_B = {
    1: 0.3326, 2: 0.0075, 3: 70.5, 4: 0.0076, 5: 767.0, 6: 0.0035, 7: 1.9, 8: 0.00019,
    9: 0.0096, 11: 0.53, 12: 0.063, 13: 0.231, 14: 0.171, 15: 0.172, 16: 0.53, 17: 33.5,
    18: 0.675, 19: 2.1, 20: 0.43, 22: 6.09, 24: 3.05, 25: 13.3, 26: 2.56, 27: 37.2, 28: 4.49,
    29: 3.78, 30: 1.11, 32: 2.2, 35: 6.9, 36: 25.0, 39: 1.28, 47: 63.3, 48: 2520.0, 50: 0.626,
    51: 4.91, 53: 6.15, 54: 23.9, 55: 29.0, 56: 1.1, 57: 8.97, 58: 0.63, 64: 49700.0, 71: 74.0,
    73: 20.6, 74: 18.3, 78: 10.3, 79: 98.65, 82: 0.171, 83: 0.0338, 92: 7.57,
}
# fmt: on


def neutron_inelastic(element: int, energies_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inelastic cross section of neutrons [b]: geometry above the first excited levels.

    These begin near 1.5 MeV; in lead, its doubly magic isotope being half of it, near 2.6 MeV.
    """
    if element == 1:
        return np.full_like(energies_mev, 1e-9)
    threshold = 2.6 if element == 82 else 1.5
    opened = -np.expm1(-np.maximum(energies_mev - threshold, 0) / 1.5)
    result: NDArray[np.float64] = _geometric_b(element) * opened + _NEGLIGIBLE_B
    return result


def neutron_elastic(element: int, energies_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Elastic cross section of neutrons [b]; on hydrogen, 20.4 b falling as the inverse energy."""
    if element == 1:
        result: NDArray[np.float64] = 20.4 / (1 + energies_mev / 0.35) ** 0.9
    else:
        result = 1.3 * _geometric_b(element) + 5 * np.exp(-energies_mev)
    return result


def neutron_capture(element: int, energies_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radiative capture of neutrons [b]: 1/v, and 1/E^2 above 1 MeV."""
    thermal = _CAPTURE_B.get(element, _USUAL_CAPTURE_B)
    slow = np.minimum(energies_mev, 1.0)
    result: NDArray[np.float64] = (
        thermal * np.sqrt(_THERMAL_MEV / slow) * (slow / energies_mev) ** 2
    )
    return result


def charged_inelastic(
    element: int, charge: int, energies_mev: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Inelastic cross section of a nucleus of charge 1 or 2 [b], kinetic energies in MeV."""
    radius = 1.2 * atomic_weight(element) ** (1 / 3) + 1.5
    barrier_mev = 1.1 * charge * element / radius
    passed = np.maximum(1 - barrier_mev / energies_mev, 0)
    result: NDArray[np.float64] = _geometric_b(element) * passed + _NEGLIGIBLE_B
    return result


def photonuclear(element: int, energies_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Photon absorption by a nucleus [b] above 7 MeV; none by hydrogen."""
    if element == 1:
        return np.zeros_like(energies_mev)
    weight, width = atomic_weight(element), 5.0
    resonance = 31.2 * weight ** (-1 / 3) + 20.6 * weight ** (-1 / 6)
    area_mb = 1.3 * 60 * (weight - element) * element / weight
    peak_b = 2 * area_mb / (np.pi * width) * 1e-3
    line = (energies_mev * width) ** 2
    lorentzian = line / ((energies_mev**2 - resonance**2) ** 2 + line)
    return np.where(energies_mev > 7, peak_b * lorentzian, 0.0)


def write_hadronic(folder: Path) -> None:
    """Write the tables [MeV, mm^2] of all nuclei that a fragment may be, Z = 1 ... 95."""
    fast = np.geomspace(0.1, 20.0, 80)
    charged = np.geomspace(0.1, 100.0, 91)
    slow = np.geomspace(1e-11, 20.0, 124)
    photons = np.linspace(1.0, 130.0, 130)
    for name in ("neutron", "gamma", *_CHARGES):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for element in range(1, _HEAVIEST_FRAGMENT + 1):
        tables = {
            f"neutron/inel{element}": (fast, neutron_inelastic(element, fast)),
            f"neutron/el{element}": (slow, neutron_elastic(element, slow)),
            f"neutron/cap{element}": (slow, neutron_capture(element, slow)),
            f"gamma/inel{element}": (photons, photonuclear(element, photons)),
        }
        for particle, charge in _CHARGES.items():
            cross_section = charged_inelastic(element, charge, charged)
            tables[f"{particle}/inel{element}"] = (charged, cross_section)
        for name, (energies, values) in tables.items():
            write_vector(folder / name, energies, values * _BARN_MM2)


def _geometric_b(element: int) -> float:
    """Area of a nucleus as a hadron sees it [b]."""
    weight = atomic_weight(element)
    reach = 0.8 if weight > 2 else 0.2
    radius_fm = 1.25 * (weight ** (1 / 3) + reach)
    return float(np.pi * radius_fm**2 * 1e-2)
