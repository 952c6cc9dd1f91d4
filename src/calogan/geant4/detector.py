"""A calorimeter as the geometry that calzone takes, and the elements that it is made of."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from calogan.calorimeter import Calorimeter
from calogan.errors import CalorimeterError, IncidentError
from calogan.geant4.compact.elements import evaluated_data
from calogan.incident import Incident

__all__ = ["WORLD_SCALE", "Recorded", "check_start", "describe_world", "elements_of"]

WORLD_SCALE = 1.2
"""How much larger than the calorimeter the world is, in each direction (arXiv:1705.02355)."""

Recorded = Literal["all", "active"]
"""Which energy deposits count: those in all slabs, or in active ones (sampling calorimeter)."""

_CM = 0.1  # one mm, in calzone's unit of length
_TOLERANCE_MM = 1e-6


def describe_world(calorimeter: Calorimeter, deposits: Recorded = "all") -> dict[str, Any]:
    """Describe the calorimeter, in an empty world, in calzone's words; lengths in cm.

    Args:
        calorimeter: The calorimeter.
        deposits: Which slabs record the energy deposited in them: all, or the active ones.

    Raises:
        CalorimeterError: Only active slabs count, and there are none.
    """
    if deposits == "active" and not any(
        slab.active for section in calorimeter.sections for slab in section.sublayers
    ):
        msg = (
            f"calorimeter {calorimeter.name} has no active sub-layer: "
            "mark those that count with 'active: true', or record all deposits"
        )
        raise CalorimeterError(msg)
    size = 2 * calorimeter.half_size_mm
    world: dict[str, Any] = {
        "box": [side * WORLD_SCALE * _CM for side in (size, size, calorimeter.depth_mm)],
        "material": "G4_Galactic",
    }
    if calorimeter.materials:
        world["materials"] = {
            "mixtures": {
                name: material.model_dump() for name, material in calorimeter.materials.items()
            }
        }
    edge = -calorimeter.depth_mm / 2
    for s, section in enumerate(calorimeter.sections):
        for r in range(section.repeat):
            for k, slab in enumerate(section.sublayers):
                world[f"Section{s}Repeat{r}Slab{k}"] = {
                    "box": [size * _CM, size * _CM, slab.thickness_mm * _CM],
                    "position": [0.0, 0.0, (edge + slab.thickness_mm / 2) * _CM],
                    "material": slab.material,
                    **({"role": "record_deposits"} if slab.active or deposits == "all" else {}),
                }
                edge += slab.thickness_mm
    return {"World": world}


def elements_of(calorimeter: Calorimeter) -> frozenset[int]:
    """Atomic numbers of all elements in the calorimeter and the world around it.

    Raises:
        CalorimeterError: A material that neither the calorimeter nor Geant4 knows.
    """
    names = ["G4_Galactic"]
    for section in calorimeter.sections:
        for slab in section.sublayers:
            material = calorimeter.materials.get(slab.material)
            names += [slab.material] if material is None else list(material.composition)
    return frozenset(z for name in dict.fromkeys(names) for z in _elements(name, calorimeter.name))


def _elements(name: str, where: str) -> list[int]:
    import calzone

    material = calzone.describe(material=name) if name.startswith("G4_") else None
    if material is None:
        msg = (
            f"calorimeter {where}: unknown material {name!r}: "
            "give a Geant4 name such as G4_Pb, or define it under 'materials'"
        )
        raise CalorimeterError(msg)
    number = evaluated_data().SymbolToAtomicNumber
    return [int(number(symbol)) for symbol, _ in material.composition]


def check_start(incident: Incident, calorimeter: Calorimeter) -> None:
    """Check that all particles start in the world and not inside the calorimeter.

    Raises:
        IncidentError: One does not.
    """
    half = np.array([calorimeter.half_size_mm] * 2 + [calorimeter.depth_mm / 2])
    place = np.abs(incident.position_mm)
    outside = (place > WORLD_SCALE * half + _TOLERANCE_MM).any(axis=1)
    inside = (place < half - _TOLERANCE_MM).all(axis=1)
    for bad, where in ((outside, "outside of the world"), (inside, "inside the calorimeter")):
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            x, y, z = incident.position_mm[first]
            limits = " x ".join(f"{WORLD_SCALE * side:g}" for side in half)
            msg = (
                f"incident {first} starts at ({x:g}, {y:g}, {z:g}) mm, {where}: "
                f"it must start around the calorimeter, within +-({limits}) mm"
            )
            raise IncidentError(msg)
