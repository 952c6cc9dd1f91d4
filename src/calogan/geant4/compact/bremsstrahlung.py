r"""Bremsstrahlung of electrons: photon spectra in the form of Seltzer and Berger's tables.

The tables hold the scaled cross section `beta^2 / Z^2 * k dsigma/dk` [mb] as a function of the
electron's kinetic energy T and of x = k / T, k being the photon's energy. It is built from

1. the Born cross section without screening: H. W. Koch and J. W. Motz, Rev. Mod. Phys. 31
   (1959) 920, formula 3BN;
2. times the ratio of Coulomb wave functions at the nucleus after and before: G. Elwert,
   Ann. Phys. 426 (1939) 178;
3. plus what screening takes away, as the difference of screened and unscreened functions for a
   Thomas-Fermi-Moliere atom: Y.-S. Tsai, Rev. Mod. Phys. 46 (1974) 815, eqs. 3.38 to 3.41, taken
   at the smallest momentum transfer p0 - p - k, so that they hold at low energies, too;
4. plus the radiation in the field of atomic electrons: Tsai's functions psi;
5. minus the Coulomb correction: H. Davies, H. A. Bethe and L. C. Maximon, Phys. Rev. 93 (1954)
   788, turned on smoothly around 20 MeV;
6. times a smooth factor exp(sum of 28 terms), see `_TERMS`.

Everything is in units of the electron's mass and momentum inside, MeV and mb outside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from calogan.geant4.compact.tables import write_spectra

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

__all__ = [
    "KINETIC_ENERGIES_MEV",
    "PHOTON_FRACTIONS",
    "radiative_loss",
    "scaled_cross_section",
    "write_bremsstrahlung",
]

_ELECTRON_MASS_MEV = 0.51099895
_FINE_STRUCTURE = 1 / 137.035999
_RADIUS_SQUARED_MB = 79.40788  # classical electron radius squared
_UNIT_MB = _FINE_STRUCTURE * _RADIUS_SQUARED_MB

_STEPS = np.array([1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0])
KINETIC_ENERGIES_MEV = np.append(np.outer(10.0 ** np.arange(-3, 4), _STEPS).ravel(), 1e4)
"""Kinetic energies [MeV] of the tables, shape `(57,)`: 1 keV to 10 GeV, as Geant4 reads them."""

PHOTON_FRACTIONS = np.concatenate(
    [
        [0.0, 0.025, 0.05, 0.075],
        np.arange(10, 95, 5) / 100,
        [0.925, 0.95, 0.97, 0.99, 0.995, 0.999, 0.9995, 0.9999, 0.99995, 0.99999, 1.0],
    ]
)
"""Photon energy over the electron's kinetic energy, shape `(32,)`."""

# The factor that takes the formulas to the published tables is the exponential of a sum of
#     coefficient * tau / (tau + T) * shape(x, T) * charge^power
# with tau in MeV (infinite: no dependence on T), charge = alpha Z for powers above zero and
# Z for the power -1 (the electrons' share). Found by forward selection among 240 such products
# and least squares, with the energy loss as an additional constraint, against the tables of
# S. M. Seltzer and M. J. Berger, At. Data Nucl. Data Tables 35 (1986) 345 (the ones behind the
# radiative stopping powers of NIST's ESTAR) for 45 elements from hydrogen to uranium. Terms in
# "end" mend the high-frequency limit, where Elwert's factor fails for heavy elements; those in
# "soft" the value at k = 0; those in 1/Z the radiation in the field of electrons.
_TERMS: tuple[tuple[float, str, int, float], ...] = (
    (np.inf, "constant", 0, -0.01205),
    (np.inf, "end", -1, -1.048),
    (np.inf, "end", 3, 6.308),
    (np.inf, "far_end", 3, -0.4405),
    (np.inf, "x", -1, -0.3829),
    (np.inf, "x", 1, -0.0496),
    (np.inf, "x2", 0, 0.03209),
    (np.inf, "x3", -1, 1.088),
    (0.05, "end", 2, -1.044),
    (0.5, "end", 1, -1.77),
    (0.5, "x", 0, 0.2327),
    (0.5, "x", 2, 1.655),
    (0.5, "x3", 3, -0.9682),
    (0.5, "soft", 0, -0.2478),
    (0.5, "soft", -1, -0.9806),
    (5.0, "end", 0, -0.1347),
    (5.0, "end", -1, 0.5201),
    (5.0, "end", 1, 1.827),
    (5.0, "x", -1, -0.5536),
    (5.0, "soft", 3, 0.4535),
    (50.0, "constant", -1, 0.1458),
    (50.0, "end", 3, -6.187),
    (50.0, "x3", 1, -0.07136),
    (500.0, "constant", 1, 0.01899),
    (500.0, "x3", 3, 0.3339),
    (500.0, "soft", 0, 0.09811),
    (500.0, "soft", -1, 0.4137),
    (500.0, "soft", 1, -0.1639),
)
_SLOW_MEV = 8e-5  # below Z times this, the nucleus is hidden from the electron: same source


def scaled_cross_section(
    element: int, kinetic_energy_mev: ArrayLike, photon_fraction: ArrayLike
) -> NDArray[np.float64]:
    """Scaled cross section `beta^2 / Z^2 * k dsigma/dk` of an atom for bremsstrahlung.

    Args:
        element: Atomic number Z, 1 ... 92.
        kinetic_energy_mev: The electron's kinetic energy [MeV], 1 keV to 10 GeV.
        photon_fraction: Photon energy over kinetic energy, 0 to 1; any shape that broadcasts
            with the energies.

    Returns:
        The cross section [mb], of the shape that the arguments broadcast to.
    """
    kinetic = np.asarray(kinetic_energy_mev, dtype=np.float64)
    # The logarithms of an empty photon and a stopped electron are cut off; nothing depends on it.
    x = np.clip(np.asarray(photon_fraction, dtype=np.float64), 1e-5, 1 - 1e-6)
    before = 1 + kinetic / _ELECTRON_MASS_MEV
    photon = x * kinetic / _ELECTRON_MASS_MEV
    after = before - photon
    momentum_before, momentum_after = np.sqrt(before**2 - 1), np.sqrt(after**2 - 1)
    # p0 - p - k, written without the difference of large numbers
    transfer = photon * ((before + after) / (momentum_before + momentum_after) - 1)
    y = photon / before
    transverse = 4 / 3 - 4 / 3 * y + y**2

    born = _born(before, after, momentum_before, momentum_after, photon)
    born *= _elwert_factor(element, momentum_before / before, momentum_after / after)
    screening = _screening(element, transfer, transverse, y)
    electrons = _atomic_electrons(element, transfer, transverse, y) * (1 - x**4)
    coulomb = 4 * _coulomb_correction(element) * transverse * kinetic / (kinetic + 20)
    result = _UNIT_MB * ((momentum_before / before) ** 2 * born + screening + electrons - coulomb)
    result /= 1 + _SLOW_MEV * element / kinetic
    correction = _correction(element, kinetic, np.asarray(photon_fraction, dtype=np.float64))
    corrected: NDArray[np.float64] = result * correction
    return corrected


def radiative_loss(
    element: int, kinetic_energy_mev: ArrayLike, atomic_weight: float
) -> NDArray[np.float64]:
    """Radiative stopping power of an element: what an electron loses to photons on its way.

    Args:
        element: Atomic number.
        kinetic_energy_mev: Kinetic energies [MeV], shape `(n,)`.
        atomic_weight: Atomic weight [g/mol].

    Returns:
        Energy loss [MeV cm2/g], shape `(n,)`.
    """
    kinetic = np.atleast_1d(np.asarray(kinetic_energy_mev, dtype=np.float64))
    scaled = scaled_cross_section(element, kinetic[:, None], PHOTON_FRACTIONS)
    beta2 = 1 - 1 / (1 + kinetic / _ELECTRON_MASS_MEV) ** 2
    per_atom = element**2 / beta2 * kinetic * np.trapezoid(scaled, PHOTON_FRACTIONS, axis=1)
    loss: NDArray[np.float64] = per_atom * 1e-27 * 6.02214076e23 / atomic_weight
    return loss


def write_bremsstrahlung(folder: Path, elements: Iterable[int]) -> None:
    """Write the tables `br{Z}`: scaled cross sections [mb] over x = k / T and ln(T / MeV)."""
    folder.mkdir(parents=True, exist_ok=True)
    log_energies = np.log(KINETIC_ENERGIES_MEV)
    for element in elements:
        table = scaled_cross_section(element, KINETIC_ENERGIES_MEV[:, None], PHOTON_FRACTIONS)
        write_spectra(folder / f"br{element}", PHOTON_FRACTIONS, log_energies, table)


def _born(
    e0: NDArray[np.float64],
    e: NDArray[np.float64],
    p0: NDArray[np.float64],
    p: NDArray[np.float64],
    k: NDArray[np.float64],
) -> NDArray[np.float64]:
    """`k dsigma/dk / (alpha Z^2 re^2)` of a bare nucleus: formula 3BN of Koch and Motz."""
    log_all = 2 * np.log((e0 * e + p0 * p - 1) / k)
    log_before, log_after = 2 * np.log(e0 + p0), 2 * np.log(e + p)
    bracket = (
        8 * e0 * e / (3 * p0 * p)
        + k**2 * (e0**2 * e**2 + p0**2 * p**2) / (p0 * p) ** 3
        + k
        / (2 * p0 * p)
        * (
            (e0 * e + p0**2) / p0**3 * log_before
            - (e0 * e + p**2) / p**3 * log_after
            + 2 * k * e0 * e / (p * p0) ** 2
        )
    )
    rest = (
        4 / 3
        - 2 * e0 * e * (p**2 + p0**2) / (p * p0) ** 2
        + log_before * e / p0**3
        + log_after * e0 / p**3
        - log_before * log_after / (p0 * p)
    )
    born: NDArray[np.float64] = p / p0 * (rest + log_all * bracket)
    return born


def _elwert_factor(
    element: int, beta_before: NDArray[np.float64], beta_after: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probability of finding the electron at the nucleus, afterwards over before."""
    pull = 2 * np.pi * _FINE_STRUCTURE * element
    factor: NDArray[np.float64] = (
        beta_before * np.expm1(-pull / beta_before) / (beta_after * np.expm1(-pull / beta_after))
    )
    return factor


def _screening(
    element: int,
    transfer: NDArray[np.float64],
    transverse: NDArray[np.float64],
    y: NDArray[np.float64],
) -> NDArray[np.float64]:
    """What screening by the electrons adds to the bare nucleus (a negative number)."""
    gamma = 200 * transfer * element ** (-1 / 3)
    phi = 16.863 - 2 * np.log1p(0.311877 * gamma**2)
    phi += 2.4 * np.exp(-0.9 * gamma) + 1.6 * np.exp(-1.5 * gamma)
    difference = 2 / 3 / (1 + 6.5 * gamma + 6 * gamma**2)
    bare = 4 / 3 * np.log(element) - 4 * np.log(transfer) - 2
    added: NDArray[np.float64] = transverse * (phi - bare) + 2 / 3 * (1 - y) * difference
    return added


def _atomic_electrons(
    element: int,
    transfer: NDArray[np.float64],
    transverse: NDArray[np.float64],
    y: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Radiation in the field of the electrons, over Z^2; none where Tsai's function is negative."""
    epsilon = 200 * transfer * element ** (-2 / 3)
    psi = 24.34 - 2 * np.log1p(13.111641 * epsilon**2)
    psi += 2.8 * np.exp(-8 * epsilon) + 1.2 * np.exp(-29.2 * epsilon)
    difference = 2 / 3 / (1 + 40 * epsilon + 400 * epsilon**2)
    strength = np.maximum(psi - 8 / 3 * np.log(element), 0)
    radiated: NDArray[np.float64] = (transverse * strength + 2 / 3 * (1 - y) * difference) / element
    return radiated


def _coulomb_correction(element: int) -> float:
    """The function f(Z) of Davies, Bethe and Maximon, in the closed form of Tsai, eq. 3.3."""
    a2 = (_FINE_STRUCTURE * element) ** 2
    return a2 * (1 / (1 + a2) + 0.20206 - 0.0369 * a2 + 0.0083 * a2**2 - 0.002 * a2**3)


def _correction(
    element: int, kinetic: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The fitted factor on top of the formulas: see `_TERMS`."""
    left = kinetic * (1 - x)
    shapes: dict[str, NDArray[np.float64]] = {
        "constant": np.ones_like(left),
        "x": x,
        "x2": x**2,
        "x3": x**3,
        "end": 0.5 / (0.5 + left),
        "far_end": 50 / (50 + left),
        "soft": np.exp(-x / 0.012),
    }
    exponent = np.zeros_like(left)
    for tau, shape, power, coefficient in _TERMS:
        charge = 1 / element if power < 0 else (_FINE_STRUCTURE * element) ** power
        exponent += coefficient * charge * shapes[shape] / (1 + kinetic / tau)
    factor: NDArray[np.float64] = np.exp(exponent)
    return factor
