"""A calorimeter as the geometry that calzone takes, and the elements that it is made of."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import Calorimeter, Material
from calogan.calorimeter.materials import atomic_numbers, geant4_material
from calogan.errors import CalorimeterError, IncidentError
from calogan.geant4.upstream import Upstream
from calogan.incident import Incident

__all__ = [
    "WORLD_SCALE",
    "Recorded",
    "check_start",
    "describe_world",
    "elements_of",
    "start_positions_mm",
]

WORLD_SCALE = 1.2
"""How much larger than the calorimeter the world is, in each direction (arXiv:1705.02355)."""

Recorded = Literal["all", "active"]
"""Which energy deposits count: those in all slabs, or in active ones (sampling calorimeter)."""

_MARGIN_MM = 10.0
"""How far before the first upstream slab a beam starts, and the world ends behind it."""

_MIN_COSINE = 0.1
"""Cosine to the axis of a beam that is moved back before the upstream slabs, at least."""

_CM = 0.1  # one mm, in calzone's unit of length
_TOLERANCE_MM = 1e-6


def _half_world_mm(calorimeter: Calorimeter, upstream: Upstream | None) -> NDArray[np.float64]:
    """Half of the size of the world: larger than the paper's where the upstream slabs need it."""
    half = np.array([calorimeter.half_size_mm] * 2 + [calorimeter.depth_mm / 2])
    if upstream is None:
        return WORLD_SCALE * half
    wide = max(calorimeter.half_size_mm, upstream.half_size_mm)
    deep = calorimeter.depth_mm / 2 + upstream.depth_mm + 2 * _MARGIN_MM
    return np.maximum(WORLD_SCALE * half, [WORLD_SCALE * wide, WORLD_SCALE * wide, deep])


def describe_world(
    calorimeter: Calorimeter, deposits: Recorded = "all", upstream: Upstream | None = None
) -> dict[str, Any]:
    """Describe the calorimeter, in an empty world, in calzone's words; lengths in cm.

    Args:
        calorimeter: The calorimeter.
        deposits: Which slabs record the energy deposited in them: all, or the active ones.
        upstream: What stands before the calorimeter, if anything; it records nothing.

    Raises:
        CalorimeterError: Only active slabs count, and there are none; or calorimeter and upstream
            mean different materials by one name.
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
        "box": [2 * side * _CM for side in _half_world_mm(calorimeter, upstream).tolist()],
        "material": "G4_Galactic",
    }
    materials = _own_materials(calorimeter, upstream)
    if materials:
        world["materials"] = {
            "mixtures": {name: material.model_dump() for name, material in materials.items()}
        }
    edge = -calorimeter.depth_mm / 2
    if upstream is not None:
        world |= _upstream_slabs(upstream, edge, calorimeter.half_size_mm)
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


def _upstream_slabs(upstream: Upstream, face_mm: float, half_size_mm: float) -> dict[str, Any]:
    slabs: dict[str, Any] = {}
    edge = face_mm - upstream.depth_mm
    for k, slab in enumerate(upstream.slabs):
        size = 2 * (slab.half_size_mm or half_size_mm)
        slabs[f"Upstream{k}"] = {
            "box": [size * _CM, size * _CM, slab.thickness_mm * _CM],
            "position": [0.0, 0.0, (edge + slab.thickness_mm / 2) * _CM],
            "material": slab.material,
        }
        edge += slab.thickness_mm + slab.gap_mm
    return slabs


def _own_materials(calorimeter: Calorimeter, upstream: Upstream | None) -> dict[str, Material]:
    if upstream is None:
        return dict(calorimeter.materials)
    for name in calorimeter.materials.keys() & upstream.materials.keys():
        if calorimeter.materials[name] != upstream.materials[name]:
            msg = (
                f"upstream {upstream.name}: materials.{name} is another material in the "
                f"calorimeter {calorimeter.name}: give it another name"
            )
            raise CalorimeterError(msg)
    return {**calorimeter.materials, **upstream.materials}


def elements_of(calorimeter: Calorimeter, upstream: Upstream | None = None) -> frozenset[int]:
    """Atomic numbers of all elements in the calorimeter and the world around it."""
    found = calorimeter.elements | atomic_numbers(geant4_material("G4_Galactic"))
    return found if upstream is None else found | upstream.elements


def start_positions_mm(
    incident: Incident, calorimeter: Calorimeter, upstream: Upstream | None = None
) -> NDArray[np.float64]:
    """Where Geant4 starts the particles, `(n, 3)` [mm].

    That is where they are, unless they are among the upstream slabs, as the paper's gun often is:
    then before the first one, on the same line of flight, so that a beam passes all of the material.

    Raises:
        IncidentError: A particle among the upstream slabs does not fly along +z.
    """
    position = np.array(incident.position_mm)
    if upstream is None:
        return position
    face_mm = -calorimeter.depth_mm / 2
    first_mm = face_mm - upstream.depth_mm
    z_mm = position[:, 2]
    among = np.flatnonzero((z_mm > first_mm - _TOLERANCE_MM) & (z_mm < face_mm + _TOLERANCE_MM))
    across = np.flatnonzero(incident.direction[among, 2] < _MIN_COSINE)
    if len(across):
        first = int(among[across[0]])
        msg = (
            f"incident {first} starts among the upstream slabs of {upstream.name} (z from "
            f"{first_mm:g} to {face_mm:g} mm) and does not fly towards the calorimeter"
        )
        raise IncidentError(msg)
    direction = incident.direction[among]
    back_mm = (z_mm[among] - (first_mm - _MARGIN_MM)) / direction[:, 2]
    position[among] -= back_mm[:, None] * direction
    return position


def check_start(
    incident: Incident, calorimeter: Calorimeter, upstream: Upstream | None = None
) -> None:
    """Check that all particles start in the world and not inside the calorimeter.

    Raises:
        IncidentError: One does not.
    """
    half = np.array([calorimeter.half_size_mm] * 2 + [calorimeter.depth_mm / 2])
    world = _half_world_mm(calorimeter, upstream)
    start_mm = start_positions_mm(incident, calorimeter, upstream)
    place = np.abs(start_mm)
    outside = (place > world + _TOLERANCE_MM).any(axis=1)
    inside = (place < half - _TOLERANCE_MM).all(axis=1)
    for bad, where in ((outside, "outside of the world"), (inside, "inside the calorimeter")):
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            x, y, z = start_mm[first]
            limits = " x ".join(f"{side:g}" for side in world)
            msg = (
                f"incident {first} starts at ({x:g}, {y:g}, {z:g}) mm, {where}: "
                f"it must start around the calorimeter, within +-({limits}) mm, such as on the "
                f"axis at z = {calorimeter.gun_z_mm:g} mm"
            )
            raise IncidentError(msg)
