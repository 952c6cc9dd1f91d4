"""Readout layers: with rectangular cells, and of any kind."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Discriminator, Tag

from calogan.calorimeter.fields import Count, Length
from calogan.calorimeter.layer import Axis, Layer
from calogan.calorimeter.polar import PolarLayer

__all__ = ["LAYER_KINDS", "AnyLayer", "Axis", "PolarLayer", "ReadoutLayer"]


def _cell_centers(n: int, half_width_mm: float) -> NDArray[np.float64]:
    edges = np.linspace(-half_width_mm, half_width_mm, n + 1, dtype=np.float64)
    centers: NDArray[np.float64] = (edges[:-1] + edges[1:]) / 2
    return centers


class ReadoutLayer(Layer):
    """Rectangular cells over x and y in [-half_width_mm, half_width_mm).

    The first axis of a layer's image is eta (x), the second phi (y).
    """

    n_eta: Count
    n_phi: Count
    half_width_mm: Length = 240.0

    @property
    def shape(self) -> tuple[int, int]:
        """Cells along eta and phi."""
        return self.n_eta, self.n_phi

    @property
    def cell_size_mm(self) -> tuple[float, float]:
        """Size of a cell along x and y [mm]."""
        return 2 * self.half_width_mm / self.n_eta, 2 * self.half_width_mm / self.n_phi

    @property
    def reach_mm(self) -> float:
        """Distance from the axis of the point farthest from it in any cell [mm]."""
        return math.sqrt(2) * self.half_width_mm

    @property
    def half_extent_mm(self) -> float:
        """Half of the side of the square around the axis that all cells fit into [mm]."""
        return self.half_width_mm

    @property
    def eta_centers_mm(self) -> NDArray[np.float64]:
        """Centres of the cells along x [mm], shape `(n_eta,)`."""
        return _cell_centers(self.n_eta, self.half_width_mm)

    @property
    def phi_centers_mm(self) -> NDArray[np.float64]:
        """Centres of the cells along y [mm], shape `(n_phi,)`."""
        return _cell_centers(self.n_phi, self.half_width_mm)

    @property
    def x_mm(self) -> NDArray[np.float64]:
        """Centres of the cells along x [mm], shape `(n_eta, n_phi)`."""
        return np.repeat(self.eta_centers_mm[:, None], self.n_phi, axis=1)

    @property
    def y_mm(self) -> NDArray[np.float64]:
        """Centres of the cells along y [mm], shape `(n_eta, n_phi)`."""
        return np.repeat(self.phi_centers_mm[None, :], self.n_eta, axis=0)

    def cell_index(self, x_mm: NDArray[np.float64], y_mm: NDArray[np.float64]) -> NDArray[np.int64]:
        """Cells that points lie in: i n_phi + j; -1 beside all cells."""
        i = np.floor((x_mm + self.half_width_mm) / self.cell_size_mm[0]).astype(np.int64)
        j = np.floor((y_mm + self.half_width_mm) / self.cell_size_mm[1]).astype(np.int64)
        inside = (i >= 0) & (i < self.n_eta) & (j >= 0) & (j < self.n_phi)
        return np.where(inside, i * self.n_phi + j, -1)

    def profile(
        self, image: NDArray[np.float32], axis: Axis
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Energy in the rows of cells along an axis, and the centres of the rows [mm]."""
        across, centers = (2, self.eta_centers_mm) if axis == "eta" else (1, self.phi_centers_mm)
        return image.sum(axis=across, dtype=np.float64), centers

    def mirror_index(self, axis: Axis) -> NDArray[np.int64]:
        """For each cell the one opposite of it."""
        cells = np.arange(self.n_cells).reshape(self.shape)
        return np.flip(cells, 0 if axis == "eta" else 1).ravel()


LAYER_KINDS = ("rectangular", "polar")
"""What pydantic calls the kinds of layers where it names the place of an error."""


def _kind(value: Any) -> str:
    polar = (
        not value.keys().isdisjoint(("n_alpha", "r_edges_mm"))
        if isinstance(value, dict)
        else isinstance(value, PolarLayer)
    )
    return LAYER_KINDS[polar]


AnyLayer = Annotated[
    Annotated[ReadoutLayer, Tag(LAYER_KINDS[0])] | Annotated[PolarLayer, Tag(LAYER_KINDS[1])],
    Discriminator(_kind),
]
"""A readout layer of any kind; fields of polar cells make it a polar one."""
