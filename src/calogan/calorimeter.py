"""The detector as frozen, validated values: what it is made of and how it is read out."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from calogan.errors import CalorimeterError

__all__ = ["CALOGAN", "Calorimeter", "Material", "ReadoutLayer", "Section", "SubLayer"]

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(gt=0)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Material(_Frozen):
    """A material made from Geant4's NIST materials: density [g/cm3] and mass fractions."""

    density: Positive
    state: str = "solid"
    composition: dict[str, Positive]


class SubLayer(_Frozen):
    """A slab of one material [thickness in mm], across the whole calorimeter."""

    material: str
    thickness_mm: Positive
    active: bool = False


class Section(_Frozen):
    """A pile of sub-layers, repeated `repeat` times along z."""

    sublayers: Annotated[tuple[SubLayer, ...], Field(min_length=1)]
    repeat: Count = 1

    @property
    def depth_mm(self) -> float:
        """Length along z [mm]."""
        return self.repeat * sum(s.thickness_mm for s in self.sublayers)


def _cell_centers(n: int, half_width_mm: float) -> NDArray[np.float64]:
    edges = np.linspace(-half_width_mm, half_width_mm, n + 1, dtype=np.float64)
    centers: NDArray[np.float64] = (edges[:-1] + edges[1:]) / 2
    return centers


class ReadoutLayer(_Frozen):
    """Cells over x and y in [-half_width_mm, half_width_mm] for z in [z_min_mm, z_max_mm).

    The first axis of a layer's image is eta (x), the second phi (y).
    """

    z_min_mm: float
    z_max_mm: float
    n_eta: Count
    n_phi: Count
    half_width_mm: Positive = 240.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not (math.isfinite(self.z_min_mm) and self.z_max_mm > self.z_min_mm):
            msg = f"z_max_mm ({self.z_max_mm}) must lie behind z_min_mm ({self.z_min_mm})"
            raise ValueError(msg)
        return self

    @property
    def shape(self) -> tuple[int, int]:
        """Cells along eta and phi."""
        return self.n_eta, self.n_phi

    @property
    def cell_size_mm(self) -> tuple[float, float]:
        """Size of a cell along x and y [mm]."""
        return 2 * self.half_width_mm / self.n_eta, 2 * self.half_width_mm / self.n_phi

    @property
    def eta_centers_mm(self) -> NDArray[np.float64]:
        """Centres of the cells along x [mm], shape `(n_eta,)`."""
        return _cell_centers(self.n_eta, self.half_width_mm)

    @property
    def phi_centers_mm(self) -> NDArray[np.float64]:
        """Centres of the cells along y [mm], shape `(n_phi,)`."""
        return _cell_centers(self.n_phi, self.half_width_mm)


class Calorimeter(_Frozen):
    """A calorimeter of slabs, centred on the origin, with the beam along +z.

    Args:
        name: What it is called in files and cards.
        sections: Piles of sub-layers, one behind another along z.
        layers: Readout layers in the order of z; they need not align with the sub-layers.
        half_size_mm: Half of the transverse size [mm].
        materials: Materials that Geant4 does not know by name.
    """

    name: str
    sections: Annotated[tuple[Section, ...], Field(min_length=1)]
    layers: Annotated[tuple[ReadoutLayer, ...], Field(min_length=1)]
    half_size_mm: Positive = 500.0
    materials: dict[str, Material] = {}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for before, after in pairwise(self.layers):
            if after.z_min_mm < before.z_max_mm:
                msg = f"readout layers overlap at z = {after.z_min_mm} mm"
                raise ValueError(msg)
        half_depth = self.depth_mm / 2
        if (
            self.layers[0].z_min_mm < -half_depth - 1e-6
            or self.layers[-1].z_max_mm > half_depth + 1e-6
        ):
            msg = f"a readout layer reaches out of the calorimeter (|z| <= {half_depth} mm)"
            raise ValueError(msg)
        if any(layer.half_width_mm > self.half_size_mm for layer in self.layers):
            msg = f"a readout layer is wider than the calorimeter ({self.half_size_mm} mm)"
            raise ValueError(msg)
        return self

    @classmethod
    def from_dict(cls, values: dict[str, Any], source: str = "calorimeter") -> Calorimeter:
        """Build from plain values, as read from YAML or JSON.

        Raises:
            CalorimeterError: With the path of the first field that is wrong.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "calorimeter"
            msg = f"{source}: {place}: {first['msg'].removeprefix('Value error, ')}"
            raise CalorimeterError(msg) from error

    @classmethod
    def from_yaml(cls, path: str | Path) -> Calorimeter:
        """Read a calorimeter from a YAML file."""
        path = Path(path)
        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            msg = f"cannot read the calorimeter {path}: {' '.join(str(error).split())}"
            raise CalorimeterError(msg) from error
        if not isinstance(values, dict):
            msg = f"{path}: expected a mapping of the calorimeter's fields"
            raise CalorimeterError(msg)
        return cls.from_dict(values, str(path))

    @property
    def depth_mm(self) -> float:
        """Length along z [mm]."""
        return sum(section.depth_mm for section in self.sections)

    @property
    def layer_shapes(self) -> tuple[tuple[int, int], ...]:
        """Cells along eta and phi of each readout layer."""
        return tuple(layer.shape for layer in self.layers)

    @property
    def n_cells(self) -> int:
        """Number of readout cells."""
        return sum(layer.n_eta * layer.n_phi for layer in self.layers)

    @property
    def gun_z_mm(self) -> float:
        """Where the beam starts along z [mm]: the edge of a world 1.2 times as deep."""
        return -0.6 * self.depth_mm

    def split_cells(self, cells: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Cut `(n, n_cells)` into one `(n, n_eta, n_phi)` per layer."""
        ends = np.cumsum([math.prod(shape) for shape in self.layer_shapes])[:-1]
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
            One `(n, n_eta, n_phi)` per layer [MeV], and the overflow `(n, layers)` [MeV].
        """
        x, y, z = position_mm.T
        starts = np.array([layer.z_min_mm for layer in self.layers[1:]])
        layer_of = np.searchsorted(starts, z, side="right")
        # a gap between two layers is not read out; outside of all, the nearest layer is
        ends = np.array([layer.z_max_mm for layer in self.layers])
        ends[-1] = np.inf
        in_gap = z >= ends[layer_of]
        images, overflow = [], np.zeros((n_events, len(self.layers)), dtype=np.float32)
        for k, layer in enumerate(self.layers):
            here = np.flatnonzero((layer_of == k) & ~in_gap)
            i = np.floor((x[here] + layer.half_width_mm) / layer.cell_size_mm[0]).astype(np.int64)
            j = np.floor((y[here] + layer.half_width_mm) / layer.cell_size_mm[1]).astype(np.int64)
            inside = (i >= 0) & (i < layer.n_eta) & (j >= 0) & (j < layer.n_phi)
            weights, events = energy_mev[here], event[here]
            cells = (events * layer.n_eta + i) * layer.n_phi + j
            images.append(
                np.bincount(
                    cells[inside],
                    weights=weights[inside],
                    minlength=n_events * layer.n_eta * layer.n_phi,
                )
                .reshape(n_events, layer.n_eta, layer.n_phi)
                .astype(np.float32)
            )
            overflow[:, k] = np.bincount(
                events[~inside], weights=weights[~inside], minlength=n_events
            )
        return tuple(images), overflow


CALOGAN = Calorimeter(
    name="calogan",
    sections=(
        Section(
            sublayers=(
                SubLayer(material="G4_Pb", thickness_mm=2.0),
                SubLayer(material="LiquidArgon", thickness_mm=4.0, active=True),
            ),
            repeat=80,
        ),
    ),
    layers=(
        ReadoutLayer(z_min_mm=-240, z_max_mm=-150, n_eta=3, n_phi=96),
        ReadoutLayer(z_min_mm=-150, z_max_mm=197, n_eta=12, n_phi=12),
        ReadoutLayer(z_min_mm=197, z_max_mm=240, n_eta=12, n_phi=6),
    ),
    materials={"LiquidArgon": Material(density=1.390, state="liquid", composition={"G4_lAr": 1.0})},
)
"""The calorimeter of the CaloGAN paper (arXiv:1705.02355): 80 x (2 mm Pb + 4 mm liquid argon)."""
