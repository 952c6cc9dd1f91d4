"""A calorimeter in numbers: how deep it is, and what its sections and readout layers hold."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np

from calogan.calorimeter.detector import Calorimeter
from calogan.calorimeter.materials import interaction_length_mm, radiation_length_mm
from calogan.calorimeter.readout import PolarLayer, ReadoutLayer

__all__ = ["Depth", "LayerRow", "SectionRow", "depth_between", "layer_rows", "section_rows"]

_TOLERANCE_MM = 1e-6


class Depth(NamedTuple):
    """A depth along z, in three units."""

    mm: float
    radiation_lengths: float
    interaction_lengths: float


@dataclass(frozen=True)
class SectionRow:
    """A section: where it lies [mm], how deep it is, and its sub-layers in words."""

    z_min_mm: float
    z_max_mm: float
    repeat: int
    sublayers: tuple[str, ...]
    depth: Depth
    active_share: float
    """Share of the depth [mm] that is active."""


@dataclass(frozen=True)
class LayerRow:
    """Readout layers one behind another with the same cells and depth."""

    first: int
    last: int
    layer: ReadoutLayer | PolarLayer
    z_min_mm: float
    z_max_mm: float
    depth: Depth
    """Of all of them together."""
    whole_slabs: int
    cut_slabs: int
    """Slabs that are wholly in a layer, and that it shares with a neighbour: of the first layer."""

    @property
    def name(self) -> str:
        """The number of the layer, or of the first and the last one."""
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    @property
    def cells(self) -> str:
        """What cells there are, in words."""
        layer = self.layer
        n, m = layer.shape
        if isinstance(layer, PolarLayer):
            return f"{n} alpha x {m} r"
        return f"{n} eta x {m} phi"

    @property
    def size(self) -> str:
        """How large the cells and the layer are, in words."""
        layer = self.layer
        if isinstance(layer, PolarLayer):
            edges = layer.r_edges_mm
            widths = sorted({round(b - a, 6) for a, b in pairwise(edges)})
            steps = f"{widths[0]:g}" if len(widths) == 1 else f"{widths[0]:g} to {widths[-1]:g}"
            inner = f"{edges[0]:g} < " if edges[0] > 0 else ""
            return f"{360 / layer.n_alpha:.4g}° x {steps} mm, {inner}r < {edges[-1]:g} mm"
        x, y = layer.cell_size_mm
        return f"{x:.4g} x {y:.4g}, ±{layer.half_width_mm:g} mm"


def depth_between(
    calorimeter: Calorimeter, z_min_mm: float | None = None, z_max_mm: float | None = None
) -> Depth:
    """Depth of the material between two planes; of all of it unless they are given."""
    start = -calorimeter.depth_mm / 2 if z_min_mm is None else z_min_mm
    end = calorimeter.depth_mm / 2 if z_max_mm is None else z_max_mm
    thickness: dict[str, float] = {}
    for slab in calorimeter.slabs:
        inside = min(end, slab.z_max_mm) - max(start, slab.z_min_mm)
        if inside > 0:
            thickness[slab.material] = thickness.get(slab.material, 0.0) + inside
    materials = [(calorimeter.material(name), mm) for name, mm in thickness.items()]
    return Depth(
        sum(thickness.values()),
        sum(mm / radiation_length_mm(material) for material, mm in materials),
        sum(mm / interaction_length_mm(material) for material, mm in materials),
    )


def section_rows(calorimeter: Calorimeter) -> list[SectionRow]:
    """Describe the sections."""
    rows = []
    z = -calorimeter.depth_mm / 2
    for section in calorimeter.sections:
        period = section.depth_mm / section.repeat
        end = z + section.depth_mm
        active = sum(sub.thickness_mm for sub in section.sublayers if sub.active)
        words = tuple(
            f"{sub.thickness_mm:g} mm {sub.material}{', active' if sub.active else ''}"
            for sub in section.sublayers
        )
        depth = depth_between(calorimeter, z, end)
        rows.append(SectionRow(z, end, section.repeat, words, depth, active / period))
        z = end
    return rows


def layer_rows(calorimeter: Calorimeter) -> list[LayerRow]:
    """Describe the readout layers, those that are alike and one behind another together."""
    rows = []
    gaps = np.cumsum(
        [0]
        + [
            after.z_min_mm - before.z_max_mm > _TOLERANCE_MM
            for before, after in pairwise(calorimeter.layers)
        ]
    )

    def likeness(member: tuple[int, ReadoutLayer | PolarLayer]) -> tuple[object, int]:
        """What layers of one row have in common: cells, depth, and no gap before them."""
        k, layer = member
        depth = round(layer.z_max_mm - layer.z_min_mm, 6)
        return layer.model_copy(update={"z_min_mm": 0.0, "z_max_mm": depth}), int(gaps[k])

    for _, group in groupby(enumerate(calorimeter.layers), key=likeness):
        members = list(group)
        (first, front), (last, back) = members[0], members[-1]
        whole, cut = _slabs_in(calorimeter, front.z_min_mm, front.z_max_mm)
        depth = depth_between(calorimeter, front.z_min_mm, back.z_max_mm)
        rows.append(LayerRow(first, last, front, front.z_min_mm, back.z_max_mm, depth, whole, cut))
    return rows


def _slabs_in(calorimeter: Calorimeter, z_min_mm: float, z_max_mm: float) -> tuple[int, int]:
    whole = cut = 0
    for slab in calorimeter.slabs:
        inside = min(z_max_mm, slab.z_max_mm) - max(z_min_mm, slab.z_min_mm)
        if inside > slab.z_max_mm - slab.z_min_mm - _TOLERANCE_MM:
            whole += 1
        elif inside > _TOLERANCE_MM:
            cut += 1
    return whole, cut
