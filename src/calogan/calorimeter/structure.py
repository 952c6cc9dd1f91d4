"""What a calorimeter is built of along z: sections of sub-layers, and the slabs they make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, NamedTuple

from pydantic import Field

from calogan.calorimeter.fields import Count, Frozen, Length, Name

__all__ = ["Section", "Slab", "SubLayer", "slabs_of"]


class SubLayer(Frozen):
    """A slab of one material [thickness in mm], across the whole calorimeter.

    Args:
        material: A name that Geant4 knows (`G4_Pb`), or one of the calorimeter's own.
        thickness_mm: Thickness along z [mm].
        active: Whether a real detector would measure the energy in it.
    """

    material: Name
    thickness_mm: Length
    active: bool = False


class Section(Frozen):
    """A pile of sub-layers, repeated `repeat` times along z."""

    sublayers: Annotated[tuple[SubLayer, ...], Field(min_length=1)]
    repeat: Count = 1

    @property
    def depth_mm(self) -> float:
        """Length along z [mm]."""
        return self.repeat * sum(s.thickness_mm for s in self.sublayers)


class Slab(NamedTuple):
    """A sub-layer at its place: section and sub-layer by number, and where it lies along z [mm]."""

    section: int
    sublayer: int
    material: str
    active: bool
    z_min_mm: float
    z_max_mm: float


def slabs_of(sections: tuple[Section, ...], z_mm: float) -> Iterator[Slab]:
    """Go through all slabs of sections one behind another, from z [mm] on."""
    for k, section in enumerate(sections):
        period = section.depth_mm / section.repeat
        for r in range(section.repeat):
            start = z_mm + r * period  # not added up, so that it does not drift
            for j, sub in enumerate(section.sublayers):
                end = start + sub.thickness_mm
                yield Slab(k, j, sub.material, sub.active, start, end)
                start = end
        z_mm += section.depth_mm
