"""The photoelectric effect: cross sections of atoms and of their shells.

From 0.1 keV to 0.8 MeV they are the evaluated ones of `xraylib` (T. Schoonjans et al.,
Spectrochim. Acta B 66 (2011) 776), shells those of L. Kissel, Radiat. Phys. Chem. 59 (2000) 185.
Above, a sum of inverse powers of the energy continues them, as in F. Biggs and R. Lighthill,
Sandia report SAND87-0070 (1988), whose coefficients are polynomials in Z, fitted to EPDL97
(D. E. Cullen et al., UCRL-50400 vol. 6 rev. 5, 1997) between 0.8 MeV and 100 GeV. Below 0.1 keV,
where Geant4 follows no photon of a shower, they fall off as 1/E^3.

Geant4 tabulates E^3 sigma [MeV^3 b], which is nearly flat between edges.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from calogan.geant4.compact.elements import evaluated_data
from calogan.geant4.compact.tables import log_grid, vector_text, write_vector

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Shell", "atomic_shells", "photoelectric_cross_section", "write_photoelectric"]

_LOWEST_MEV, _HIGHEST_MEV = 1e-4, 1e5
_EVALUATED_MEV = 0.8
_CONTINUATION = (  # polynomials in Z / 100, constant first, of the coefficients of (0.8 MeV / E)^n
    (0.3229, 0.5628, -0.5467, 0.2510),
    (0.1728, 0.2449, -0.5036, 0.3051),
    (0.2187, -0.5055, 0.7128, -0.4044),
)
_NO_SHARE = 1e-12  # of a shell that was never evaluated
_BESIDE_EDGE = 1e-6  # relative distance at which a table has a point on either side of an edge
_CLEAR_OF_EDGE = 3e-3  # and at which it is evaluated: `xraylib` disagrees with itself by up to that


@dataclass(frozen=True, slots=True)
class Shell:
    """An occupied shell of an atom: its number in `xraylib` and its edge [MeV]."""

    number: int
    edge_mev: float


def atomic_shells(element: int) -> tuple[Shell, ...]:
    """The occupied shells of an element, K first, by falling binding energy."""
    data = evaluated_data()
    shells = []
    for number in range(data.Q3_SHELL + 1):
        try:
            edge, electrons = data.EdgeEnergy(element, number), data.ElectronConfig(element, number)
        except ValueError:  # the element has no such shell
            continue
        if edge > 0 and electrons > 0:
            shells.append(Shell(number, edge * 1e-3))
    return tuple(sorted(shells, key=lambda shell: -shell.edge_mev))


def photoelectric_cross_section(
    element: int, energies_mev: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Photoelectric cross section of an atom [b] at photon energies [MeV], shape `(n,)`."""
    data = evaluated_data()
    inside = np.clip(energies_mev, _LOWEST_MEV, _EVALUATED_MEV)
    evaluated = np.array([data.CSb_Photo(element, energy * 1e3) for energy in inside.tolist()])
    below = (inside / np.minimum(energies_mev, inside)) ** 3
    q = inside / np.maximum(energies_mev, inside)
    above = np.ones_like(q)
    for order, coefficients in enumerate(_CONTINUATION, start=1):
        above += np.polynomial.Polynomial(coefficients)(element / 100) * (q**order - 1)
    cross_section: NDArray[np.float64] = evaluated * below * q * above
    return cross_section


def write_photoelectric(folder: Path, elements: Iterable[int]) -> None:
    """Write what Geant4's Livermore model reads of each element.

    `pe-cs` holds the atom above its K edge, `pe-le-cs` below, `pe-ss-cs` each shell. `pe-high` and
    `pe-low` say from which energy on a parametrisation takes over (never) and name the binding
    energies.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for element in elements:
        shells = atomic_shells(element)
        edges = np.array([shell.edge_mev for shell in shells])
        high = np.concatenate(
            [
                log_grid(edges[0], _EVALUATED_MEV, 40),
                log_grid(_EVALUATED_MEV, _HIGHEST_MEV, 20)[1:],
            ]
        )
        _write_atom(folder / f"pe-cs-{element}.dat", element, high, edges)
        if len(shells) > 1:
            beside = [edges[1:] * (1 + _BESIDE_EDGE), edges[:-1] * (1 - _BESIDE_EDGE)]
            low = np.concatenate([log_grid(edges[-1], edges[0], 40)[1:-1], *beside])
            low = np.unique(np.clip(low, edges[-1], edges[0]))
            _write_atom(folder / f"pe-le-cs-{element}.dat", element, low, edges)
            _write_shells(folder / f"pe-ss-cs-{element}.dat", element, shells)
        lines = [f"{len(shells)} {len(shells)} 1.0e+06"]
        lines += [f"{edge:.8e} 0 0 0 0 0 0" for edge in edges]
        for name in ("high", "low"):
            path = folder / f"pe-{name}-{element}.dat"
            path.write_text("\n".join(lines) + "\n", encoding="ascii", newline="\n")


def _write_atom(
    path: Path, element: int, energies: NDArray[np.float64], edges: NDArray[np.float64]
) -> None:
    """Write E^3 sigma of an atom, each point evaluated clear of the edges, on its side of them.

    A table that ends at the K edge is the one below it, a table that begins there the one above.
    """
    clear = energies.copy()
    for edge in edges[::-1]:
        is_near = np.abs(energies / edge - 1) < _CLEAR_OF_EDGE
        is_below = (energies < edge) if energies[0] < edges[0] else np.zeros_like(is_near)
        clear[is_near] = edge * (1 + _CLEAR_OF_EDGE)
        clear[is_near & is_below] = edge * (1 - _CLEAR_OF_EDGE)
    named = energies.copy()
    if energies[0] < edges[0]:
        named[0], named[-1] = edges[-1], edges[0]
    write_vector(path, named, clear**3 * photoelectric_cross_section(element, clear))


def _write_shells(path: Path, element: int, shells: tuple[Shell, ...]) -> None:
    """Write E^3 sigma of each shell, one after the other."""
    last_mev = _last_shell_energy_mev(element)
    blocks = []
    for index, shell in enumerate(shells):
        start = max(shell.edge_mev, _LOWEST_MEV)
        known = log_grid(start, _EVALUATED_MEV, 12)
        beyond = log_grid(_EVALUATED_MEV, _HIGHEST_MEV, 8)[1:]
        energies = np.concatenate([known, beyond])
        values = energies**3 * _shell_cross_section(element, shell, energies, last_mev)
        energies[0] = shell.edge_mev
        head = f"{energies[0]:.8e} {energies[-1]:.8e} {len(energies)} {index}\n"
        blocks.append(head + vector_text(energies, values))
    path.write_text("".join(blocks), encoding="ascii", newline="\n")


def _shell_cross_section(
    element: int, shell: Shell, energies_mev: NDArray[np.float64], last_mev: float
) -> NDArray[np.float64]:
    """Cross section of a shell [b] at energies from its edge on, shape `(n,)`.

    It is the evaluated share of the shell times the cross section of the atom. Beyond `last_mev`,
    where the evaluation of the shells ends, the share stays what it is there.
    """
    data = evaluated_data()
    inside = np.clip(energies_mev, shell.edge_mev * (1 + 1e-5), last_mev)
    shares = np.full(len(inside), np.nan)
    for i, energy in enumerate((inside * 1e3).tolist()):
        with suppress(ValueError):  # so close to the edge that the evaluation has not begun
            shell_alone = data.CS_Photo_Partial(element, shell.number, energy)
            shares[i] = shell_alone / data.CS_Photo_Total(element, energy)
    known = np.isfinite(shares)
    if known.any():
        shares = np.interp(inside, inside[known], shares[known])
    else:
        shares[:] = _NO_SHARE
    return shares * photoelectric_cross_section(element, energies_mev)


def _last_shell_energy_mev(element: int) -> float:
    """Energy [MeV] at which the evaluation of the shells ends.

    Beyond it, `xraylib` goes on with a spline that falls like an exponential, then refuses.
    """
    data = evaluated_data()
    for energy in log_grid(_LOWEST_MEV, _EVALUATED_MEV, 24)[::-1].tolist():
        with suppress(ValueError):
            shells = data.CS_Photo_Total(element, energy * 1e3)
            if shells > 0.95 * data.CS_Photo(element, energy * 1e3):
                return float(energy)
    return _LOWEST_MEV
