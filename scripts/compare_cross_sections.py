"""Prints by how much the tables of two Geant4 data folders differ, as Markdown.

    python scripts/compare_cross_sections.py REFERENCE OTHER [Z ...]

A deviation is OTHER / REFERENCE - 1, at the energies of REFERENCE that lie in the range named. For
tables that begin above the range no line is printed; hadronic ones count where they are above 5 %
of their largest value.
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calogan.geant4.compact.tables import read_spectra, read_vector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BREMSSTRAHLUNG = Path("G4EMLOW8.8", "brem_SB")
PHOTOELECTRIC = Path("G4EMLOW8.8", "epics2017", "phot")
RAYLEIGH = Path("G4EMLOW8.8", "epics2017", "rayl")
HADRONIC = Path("G4PARTICLEXS4.2")
HADRONIC_TABLES = (
    *("neutron/inel", "neutron/el", "neutron/cap", "proton/inel", "deuteron/inel"),
    *("triton/inel", "He3/inel", "alpha/inel", "gamma/inel"),
)
ELECTRON_RANGES_MEV = tuple(pairwise((1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1e3, 1e4)))
PHOTON_RANGES_MEV = tuple(pairwise((1e-3, 1e-2, 0.1, 1.0, 10.0, 1e3)))
HADRON_RANGES_MEV = tuple(pairwise((1e-9, 1e-3, 1.0, 5.0, 20.0, 130.0)))
Line = tuple[str, int, str, "NDArray[np.float64]"]


def named_range(low_mev: float, high_mev: float) -> str:
    """A range of energies as a person writes it."""

    def named(energy_mev: float) -> str:
        for unit, size in (("GeV", 1e3), ("MeV", 1.0), ("keV", 1e-3)):
            if energy_mev >= size:
                return f"{energy_mev / size:g} {unit}"
        return f"{energy_mev * 1e6:g} eV"

    return f"{named(low_mev)} to {named(high_mev)}"


def radiative_losses(reference: Path, other: Path, element: int) -> Iterator[Line]:
    """Integrals of the spectra: what electrons lose."""
    name = BREMSSTRAHLUNG / f"br{element}"
    x, log_energies, expected = read_spectra(reference / name)
    _, _, found = read_spectra(other / name)
    widths = np.diff(x)
    losses = [0.5 * (table[:, 1:] + table[:, :-1]) @ widths for table in (found, expected)]
    deviation = losses[0] / losses[1] - 1
    for low, high in ELECTRON_RANGES_MEV:
        inside = (log_energies > np.log(low) - 1e-4) & (log_energies < np.log(high) + 1e-4)
        yield "radiative loss", element, named_range(low, high), deviation[inside]


def spectra(reference: Path, other: Path, element: int) -> Iterator[Line]:
    """Photon spectra, 0.025 <= x <= 0.97, of electrons of four energies."""
    name = BREMSSTRAHLUNG / f"br{element}"
    x, log_energies, expected = read_spectra(reference / name)
    _, _, found = read_spectra(other / name)
    inside = (x > 0.02) & (x < 0.975)
    for energy in (1.0, 10.0, 100.0, 1000.0):
        row = int(np.abs(log_energies - np.log(energy)).argmin())
        deviation = found[row, inside] / expected[row, inside] - 1
        yield "spectrum, x = 0.025 to 0.97", element, f"at {energy:g} MeV", deviation


def atom_photoelectric(folder: Path, element: int) -> tuple[NDArray[np.float64], ...]:
    """The atom's table below and above the K edge in one: energies, E^3 sigma, edges."""
    names = [PHOTOELECTRIC / f"pe-{part}cs-{element}.dat" for part in ("le-", "")]
    parts = [read_vector(folder / name) for name in names if (folder / name).exists()]
    lines = (folder / PHOTOELECTRIC / f"pe-high-{element}.dat").read_text().splitlines()[1:]
    edges = np.array([float(line.split()[0]) for line in lines if line.strip()])
    energies, values = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return energies, values, edges


def photoelectric(reference: Path, other: Path, element: int) -> Iterator[Line]:
    """Cross sections of atoms, further than 1 % from edges."""
    energies, expected, edges = atom_photoelectric(reference, element)
    there, values, _ = atom_photoelectric(other, element)
    away = np.abs(np.log(energies[:, None] / edges)).min(axis=1) > 0.01
    found = np.interp(energies, there, values)
    for low, high in PHOTON_RANGES_MEV:
        inside = away & (energies >= low) & (energies <= high)
        deviation = found[inside] / expected[inside] - 1
        yield "photoelectric", element, named_range(low, high), deviation


def k_edges(reference: Path, other: Path, element: int) -> Iterator[Line]:
    """Where the K edge is."""
    expected, found = (atom_photoelectric(f, element)[2] for f in (reference, other))
    where = f"at {expected[0] * 1e3:.4g} keV"
    yield "energy of the K edge", element, where, found[:1] / expected[:1] - 1


def rayleigh(reference: Path, other: Path, element: int) -> Iterator[Line]:
    """Rayleigh scattering."""
    name = RAYLEIGH / f"re-cs-{element}.dat"
    energies, expected = read_vector(reference / name)
    found = np.interp(energies, *read_vector(other / name))
    for low, high in PHOTON_RANGES_MEV:
        inside = (energies >= low) & (energies <= high)
        yield "Rayleigh", element, named_range(low, high), found[inside] / expected[inside] - 1


def hadronic(reference: Path, other: Path, element: int) -> Iterator[Line]:
    """The tables of hadrons and nuclei, where they are above 5 % of their largest value."""
    for table in HADRONIC_TABLES:
        name = HADRONIC / f"{table}{element}"
        energies, expected = read_vector(reference / name)
        found = np.interp(energies, *read_vector(other / name))
        worth_mm2 = max(0.05 * expected.max(), 1e-30)
        for low, high in HADRON_RANGES_MEV:
            inside = (energies >= low) & (energies <= high) & (expected > worth_mm2)
            deviation = found[inside] / expected[inside] - 1
            yield table.replace("/", " "), element, named_range(low, high), deviation


def common_elements(reference: Path, other: Path) -> list[int]:
    """Atomic numbers of which both folders have bremsstrahlung tables."""
    names = [{f.name for f in (d / BREMSSTRAHLUNG).glob("br*")} for d in (reference, other)]
    return sorted(int(name.removeprefix("br")) for name in names[0] & names[1])


def main() -> int:
    """Compare what the command line names."""
    parser = ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("reference", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("elements", type=int, nargs="*", help="default: all that both have")
    arguments = parser.parse_args()
    folders = arguments.reference, arguments.other
    elements = arguments.elements or common_elements(*folders)
    if not elements:
        print("no bremsstrahlung tables that both folders have", file=sys.stderr)
        return 2
    print("| table | Z | energies | mean | rms | largest |")
    print("|---|---:|---|---:|---:|---:|")
    for compare in (radiative_losses, spectra, photoelectric, k_edges, rayleigh, hadronic):
        for element in elements:
            for table, z, where, deviation in compare(*folders, element):
                if not deviation.size:
                    continue
                percent = 100 * deviation
                worst = percent[np.abs(percent).argmax()]
                rms = float(np.sqrt(np.mean(percent**2)))
                print(
                    f"| {table} | {z} | {where} "
                    f"| {percent.mean():+.2f} % | {rms:.2f} % | {worst:+.2f} % |"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
