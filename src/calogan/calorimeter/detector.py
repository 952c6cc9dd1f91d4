"""The calorimeter as a frozen, validated value."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError, model_validator

from calogan.calorimeter.binning import bin_deposits
from calogan.calorimeter.fields import (
    MAX_LENGTH_MM,
    Frozen,
    Length,
    Name,
    OwnName,
    complaint,
    refuse,
)
from calogan.calorimeter.materials import (
    Material,
    atomic_numbers,
    geant4_material,
    is_geant4_material,
    unknown_material,
)
from calogan.calorimeter.readout import LAYER_KINDS, AnyLayer, PolarLayer
from calogan.calorimeter.structure import Section, Slab, slabs_of
from calogan.calorimeter.text import dump_yaml, expand_layers, find_calorimeter, read_yaml
from calogan.errors import CalorimeterError

__all__ = ["Calorimeter"]

MAX_CELLS, MAX_SLABS = 1_000_000, 10_000
"""Most cells and slabs: far beyond any calorimeter, near what a machine can hold."""

_TOLERANCE_MM = 1e-6


class Calorimeter(Frozen):
    """A calorimeter of slabs, centred on the origin, with the beam along +z.

    Args:
        name: What it is called in files and cards.
        sections: Piles of sub-layers, one behind another along z.
        layers: Readout layers in the order of z; they need not align with the sub-layers.
        half_size_mm: Half of the transverse size [mm].
        materials: Materials that Geant4 does not know by name.
    """

    name: Name
    sections: Annotated[tuple[Section, ...], Field(min_length=1)]
    layers: Annotated[tuple[AnyLayer, ...], Field(min_length=1)]
    half_size_mm: Length = 500.0
    materials: dict[OwnName, Material] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        self._check_slabs()
        self._check_layers()
        return self

    def _check_slabs(self) -> None:
        n_slabs = sum(section.repeat * len(section.sublayers) for section in self.sections)
        if n_slabs > MAX_SLABS:
            refuse(("sections",), f"{n_slabs} sub-layers in all, at most {MAX_SLABS} are possible")
        if self.depth_mm > MAX_LENGTH_MM:
            what = f"{self.depth_mm:g} mm deep in all, at most {MAX_LENGTH_MM:g} mm are possible"
            refuse(("sections",), what)
        for k, section in enumerate(self.sections):
            for j, sub in enumerate(section.sublayers):
                if sub.material not in self.materials and not is_geant4_material(sub.material):
                    place = ("sections", k, "sublayers", j, "material")
                    refuse(place, unknown_material(sub.material), sub.material)

    def _check_layers(self) -> None:
        half_depth = self.depth_mm / 2
        within = f"the calorimeter ({-half_depth:g} to {half_depth:g} mm)"
        for k, layer in enumerate(self.layers):
            for end in ("z_min_mm", "z_max_mm"):
                z = getattr(layer, end)
                if abs(z) > half_depth + _TOLERANCE_MM:
                    refuse(("layers", k, end), f"{z:g} mm lies outside of {within}", z)
            if layer.half_extent_mm > self.half_size_mm:
                size = "r_edges_mm" if isinstance(layer, PolarLayer) else "half_width_mm"
                what = (
                    f"{layer.half_extent_mm:g} mm is wider than the calorimeter "
                    f"(half_size_mm: {self.half_size_mm:g})"
                )
                refuse(("layers", k, size), what, layer.half_extent_mm)
        for k, (before, after) in enumerate(pairwise(self.layers)):
            if after.z_min_mm < before.z_max_mm:
                what = (
                    f"{after.z_min_mm:g} mm lies in front of the end of the layer before "
                    f"({before.z_max_mm:g} mm): layers follow each other along z, without overlap"
                )
                refuse(("layers", k + 1, "z_min_mm"), what, after.z_min_mm)
        if self.n_cells > MAX_CELLS:
            what = f"{self.n_cells} cells in all, at most {MAX_CELLS} are possible"
            refuse(("layers",), what)

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "calorimeter") -> Calorimeter:
        """Build from plain values, as read from YAML or JSON.

        A readout layer with `repeat: n` stands for n equal ones, one behind another.

        Raises:
            CalorimeterError: With the path of the first field that is wrong.
        """
        expanded, entry = expand_layers(values, source)
        try:
            return cls.model_validate(expanded)
        except ValidationError as error:
            place, what = complaint(error)
            path = [part for part in place if part not in (*LAYER_KINDS, "[key]")]
            if len(path) > 1 and path[0] == "layers" and isinstance(path[1], int):
                path[1] = entry[path[1]]
            where = ".".join(map(str, path)) or "calorimeter"
            msg = f"{source}: {where}: {what}"
            raise CalorimeterError(msg) from error

    @classmethod
    def from_yaml(cls, path: str | Path) -> Calorimeter:
        """Read a calorimeter from a YAML file.

        Raises:
            CalorimeterError: The file cannot be read, or a field is wrong: with its path.
        """
        return cls.from_dict(read_yaml(Path(path)), str(path))

    @classmethod
    def load(cls, source: str | Path) -> Calorimeter:
        """Get one of the calorimeters that ship with the package by its name, or read a file.

        Raises:
            CalorimeterError: No such name or file, or the file is no calorimeter.
        """
        path, shown = find_calorimeter(source)
        return cls.from_dict(read_yaml(path, shown), shown)

    def to_yaml(self) -> str:
        """Write it as YAML: what `from_yaml` reads makes an equal calorimeter."""
        return dump_yaml(self.model_dump(mode="json"))

    @property
    def depth_mm(self) -> float:
        """Length along z [mm]."""
        return sum(section.depth_mm for section in self.sections)

    @property
    def layer_shapes(self) -> tuple[tuple[int, int], ...]:
        """Shape of the image of each readout layer."""
        return tuple(layer.shape for layer in self.layers)

    @property
    def n_cells(self) -> int:
        """Number of readout cells."""
        return sum(layer.n_cells for layer in self.layers)

    @property
    def gun_z_mm(self) -> float:
        """Where the beam starts along z [mm]: the edge of a world 1.2 times as deep."""
        return -0.6 * self.depth_mm

    @property
    def slabs(self) -> tuple[Slab, ...]:
        """All slabs in the order of z, each at its place."""
        return tuple(slabs_of(self.sections, -self.depth_mm / 2))

    def material(self, name: str) -> Material:
        """Look a material up by the name that a sub-layer has for it."""
        own = self.materials.get(name)
        return geant4_material(name) if own is None else own

    @property
    def elements(self) -> frozenset[int]:
        """Atomic numbers of all elements that the sub-layers are made of."""
        names = {sub.material for section in self.sections for sub in section.sublayers}
        return frozenset().union(*(atomic_numbers(self.material(name)) for name in names))

    def split_cells(self, cells: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Cut `(n, n_cells)` into one `(n, *shape)` per layer."""
        ends = np.cumsum([layer.n_cells for layer in self.layers])[:-1]
        parts = np.split(cells, ends, axis=1)
        return tuple(
            part.reshape(-1, *shape) for part, shape in zip(parts, self.layer_shapes, strict=True)
        )

    def bin_deposits(
        self,
        event: NDArray[np.int64],
        position_mm: NDArray[np.float64],
        energy_mev: NDArray[np.float64],
        n_events: int,
    ) -> tuple[tuple[NDArray[np.float32], ...], NDArray[np.float32]]:
        """Add energy deposits up in the readout cells.

        A deposit belongs to the layer whose half-open z range holds it; the first and the last
        layer also take what lies before and behind them, as the published code does. Beside the
        cells, but at a layer's z, it counts in that layer's overflow.

        Args:
            event: Event of each deposit, shape `(m,)`, 0 <= event < n_events.
            position_mm: Place of each deposit, shape `(m, 3)` [mm].
            energy_mev: Energy of each deposit, shape `(m,)` [MeV].
            n_events: Number of events n.

        Returns:
            One `(n, *shape)` per layer [MeV], and the overflow `(n, layers)` [MeV].
        """
        return bin_deposits(self.layers, event, position_mm, energy_mev, n_events)
