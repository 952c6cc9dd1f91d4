r"""What slabs are made of: Geant4's NIST materials and a user's own, and how they stop particles.

Names, densities and compositions are those of Geant4's material data base (from NIST; version
11.4), kept in `nist.json`, so that a calorimeter can be checked and described without Geant4.
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, field_validator

from calogan.calorimeter.fields import Frozen

__all__ = [
    "Material",
    "atomic_numbers",
    "geant4_material",
    "interaction_length_mm",
    "is_geant4_material",
    "radiation_length_mm",
    "unknown_material",
]

_LIGHTEST, _HEAVIEST = 1e-25, 30.0
_SUM_TOLERANCE = 5e-4
"""Geant4 stops where mass fractions miss 1 by a thousandth."""


@cache
def _table() -> dict[str, Any]:
    text = files(__package__).joinpath("nist.json").read_text(encoding="utf-8")
    table: dict[str, Any] = json.loads(text)
    return table


@cache
def _atomic_numbers() -> dict[str, int]:
    return {symbol: number for number, symbol in enumerate(_table()["elements"], start=1)}


def is_geant4_material(name: str) -> bool:
    """Tell whether Geant4 knows a material of this name."""
    return name in _table()["materials"]


_PLAIN_NAMES = {
    "aluminium": "G4_Al",
    "aluminum": "G4_Al",
    "argon": "G4_lAr",
    "copper": "G4_Cu",
    "iron": "G4_Fe",
    "lead": "G4_Pb",
    "scintillator": "G4_PLASTIC_SC_VINYLTOLUENE",
    "silicon": "G4_Si",
    "steel": "G4_STAINLESS-STEEL",
    "tungsten": "G4_W",
    "uranium": "G4_U",
}


def unknown_material(name: str) -> str:
    """Say that there is no such material, and which one may have been meant."""
    known = {known.lower(): known for known in _table()["materials"]}
    plain = name.lower().removeprefix("g4_")
    meant = _PLAIN_NAMES.get(plain) or known.get(f"g4_{plain}")
    if meant is None:
        close = difflib.get_close_matches(f"g4_{plain}", known, n=1, cutoff=0.8)
        meant = known[close[0]] if close else None
    if meant:
        hint = f"did you mean {meant}?"
    else:
        hint = "give a Geant4 name such as G4_Pb, or define it under 'materials'"
    return f"unknown material {name!r}: {hint}"


def _density(value: float) -> float:
    if not _LIGHTEST <= value <= _HEAVIEST:  # NaN is refused as well
        msg = f"must lie between {_LIGHTEST:g} and {_HEAVIEST:g} g/cm3, not {value:g}"
        raise ValueError(msg)
    return value


def _fraction(value: float) -> float:
    if not 0 < value <= 1 + _SUM_TOLERANCE:
        msg = f"must be a mass fraction above 0 and at most 1, not {value:g}"
        raise ValueError(msg)
    return value


def _component(name: str) -> str:
    if name not in _table()["elements"] and not is_geant4_material(name):
        msg = (
            f"unknown component {name!r}: give a Geant4 name such as G4_Fe, or the symbol of an "
            "element such as Fe"
        )
        raise ValueError(msg)
    return name


class Material(Frozen):
    """A material: its density [g/cm3] and the mass fractions of what it is made of.

    Args:
        density: Density [g/cm3].
        state: `solid`, `liquid` or `gas`.
        composition: Mass fractions, which add up to 1, of Geant4's materials (`G4_lAr`) and of
            elements (`Ar`).
    """

    density: Annotated[float, AfterValidator(_density)]
    state: Literal["solid", "liquid", "gas"] = "solid"
    composition: dict[
        Annotated[str, AfterValidator(_component)], Annotated[float, AfterValidator(_fraction)]
    ]

    @field_validator("composition")
    @classmethod
    def _adds_up(cls, composition: dict[str, float]) -> dict[str, float]:
        total = sum(composition.values())
        if abs(total - 1) > _SUM_TOLERANCE:
            msg = f"the mass fractions add up to {total:g}, must be 1"
            raise ValueError(msg)
        return composition

    @property
    def elements(self) -> dict[str, float]:
        """Mass fraction of each element, by its symbol."""
        found: dict[str, float] = {}
        for name, share in self.composition.items():
            parts: Mapping[str, float] = (
                {name: 1.0}
                if name in _table()["elements"]
                else _table()["materials"][name]["composition"]
            )
            for symbol, fraction in parts.items():
                found[symbol] = found.get(symbol, 0.0) + share * fraction
        return found


@cache
def geant4_material(name: str) -> Material:
    """Geant4's own material of this name."""
    return Material.model_validate(_table()["materials"][name])


def atomic_numbers(material: Material) -> frozenset[int]:
    """Atomic numbers of the elements that are in a material."""
    return frozenset(_atomic_numbers()[symbol] for symbol in material.elements)


def radiation_length_mm(material: Material) -> float:
    r"""Radiation length [mm]: the mean distance over which electrons keep 1/e of their energy.

    Y.-S. Tsai's formula with the Coulomb correction, as in the review "Passage of particles
    through matter" of the Particle Data Group: $1/X_0 = 4 \alpha r_e^2 (N_A/A)
    \{Z^2 [L_{rad} - f(Z)] + Z L'_{rad}\}$, and $1/X_0 = \sum_j w_j/X_j$ for compounds.
    """
    inverse = sum(
        fraction / _radiation_length_g_cm2(symbol) for symbol, fraction in material.elements.items()
    )
    return 10 / (material.density * inverse)


_LIGHT_RAD = {1: (5.31, 6.144), 2: (4.79, 5.621), 3: (4.74, 5.805), 4: (4.71, 5.924)}
"""L_rad and L'_rad of the lightest elements (Tsai)."""


def _radiation_length_g_cm2(symbol: str) -> float:
    z, a = _atomic_numbers()[symbol], _table()["elements"][symbol]
    elastic, inelastic = _LIGHT_RAD.get(
        z, (math.log(184.15 * z ** (-1 / 3)), math.log(1194 * z ** (-2 / 3)))
    )
    square = (z / 137.035999) ** 2
    coulomb = square * (
        1 / (1 + square) + 0.20206 - 0.0369 * square + 0.0083 * square**2 - 0.002 * square**3
    )
    length: float = 716.408 * a / (z**2 * (elastic - coulomb) + z * inelastic)
    return length


def interaction_length_mm(material: Material) -> float:
    r"""Nuclear interaction length [mm]: mean free path of fast hadrons, within 7 % of the tables.

    $\lambda = 35 A^{1/3}$ g/cm2, Geant4's estimate (`G4Material`), 52.0 g/cm2 for hydrogen
    (Particle Data Group), and $1/\lambda = \sum_j w_j/\lambda_j$ for compounds.
    """
    inverse = sum(
        fraction / (52.0 if symbol == "H" else 35 * _table()["elements"][symbol] ** (1 / 3))
        for symbol, fraction in material.elements.items()
    )
    return 10 / (material.density * inverse)
