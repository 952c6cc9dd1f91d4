"""Readout layers with cells in radius and angle around the beam axis."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from calogan.calorimeter.fields import Count, Place
from calogan.calorimeter.layer import Axis, Layer
from calogan.errors import CalorimeterError

__all__ = ["PolarLayer", "count_edges_below"]

_FEW_EDGES = 16


def count_edges_below(
    edges: NDArray[np.float64], values: NDArray[np.float64]
) -> NDArray[np.integer[Any]]:
    """Count for each value the edges that are at or below it; the edges rise.

    As `numpy.searchsorted` from the right; one comparison after another is faster for few edges.
    """
    if len(edges) > _FEW_EDGES:
        return np.searchsorted(edges, values, side="right")
    count = np.zeros(len(values), dtype=np.uint8)
    for edge in edges:
        count += values >= edge
    return count


def _rising(edges: tuple[float, ...]) -> tuple[float, ...]:
    if edges[0] < 0:
        msg = f"must start at 0 or above, not at {edges[0]:g} mm"
        raise ValueError(msg)
    if any(after <= before for before, after in pairwise(edges)):
        msg = "must rise from each value to the next"
        raise ValueError(msg)
    return edges


class PolarLayer(Layer):
    """Cells in radius r and angle alpha around the beam axis, as in the CaloChallenge.

    The first axis of a layer's image is alpha, the second r, as in the files of the CaloChallenge
    (arXiv:2410.21611). Alpha goes from eta (x) towards phi (y), from -pi to pi.

    Args:
        n_alpha: Cells around the axis.
        r_edges_mm: Edges of the cells in r, one more than there are cells [mm].
    """

    n_alpha: Count
    r_edges_mm: Annotated[tuple[Place, ...], Field(min_length=2), AfterValidator(_rising)]

    @property
    def shape(self) -> tuple[int, int]:
        """Cells along alpha and r."""
        return self.n_alpha, len(self.r_edges_mm) - 1

    @property
    def reach_mm(self) -> float:
        """Distance from the axis of the point farthest from it in any cell [mm]."""
        return self.r_edges_mm[-1]

    @property
    def half_extent_mm(self) -> float:
        """Half of the side of the square around the axis that all cells fit into [mm]."""
        return self.r_edges_mm[-1]

    @property
    def resolves_axes(self) -> bool:
        """Whether the cells tell where along x and along y energy is: rings and halves do not."""
        return self.n_alpha > 2

    @property
    def alpha_centers(self) -> NDArray[np.float64]:
        """Middle of the cells in alpha [rad], shape `(n_alpha,)`."""
        return 2 * np.pi * (np.arange(self.n_alpha) + 0.5) / self.n_alpha - np.pi

    @property
    def r_centroids_mm(self) -> NDArray[np.float64]:
        """Distance of the cells' centres of area from the axis [mm], shape `(n_r,)`.

        For a sector of a ring, of angle 2b: 2/3 (R^3 - r^3)/(R^2 - r^2) sin(b)/b.
        """
        edges = np.asarray(self.r_edges_mm)
        half_angle = np.pi / self.n_alpha
        ring = 2 / 3 * np.diff(edges**3) / np.diff(edges**2)
        chord = 0.0 if self.n_alpha == 1 else math.sin(half_angle) / half_angle
        return ring * chord

    @property
    def x_mm(self) -> NDArray[np.float64]:
        """Centres of the cells along x [mm], shape `(n_alpha, n_r)`."""
        return np.cos(self.alpha_centers)[:, None] * self.r_centroids_mm

    @property
    def y_mm(self) -> NDArray[np.float64]:
        """Centres of the cells along y [mm], shape `(n_alpha, n_r)`."""
        return np.sin(self.alpha_centers)[:, None] * self.r_centroids_mm

    def cell_index(self, x_mm: NDArray[np.float64], y_mm: NDArray[np.float64]) -> NDArray[np.int64]:
        """Cells that points lie in: i n_r + j; -1 nearer to or farther from the axis."""
        n_alpha, n_r = self.shape
        radius = np.sqrt(x_mm**2 + y_mm**2)  # many times faster than hypot
        j = count_edges_below(np.array(self.r_edges_mm), radius).astype(np.int64) - 1
        turns = np.arctan2(y_mm, x_mm) / (2 * np.pi) + 0.5
        i = (turns * n_alpha).astype(np.int64)
        i[i == n_alpha] = 0  # pi is -pi
        inside = (j >= 0) & (j < n_r)
        return np.where(inside, i * n_r + j, -1)

    def profile(
        self, image: NDArray[np.float32], axis: Axis
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Energy in each cell, and the centres of the cells along an axis [mm]."""
        centers = self.x_mm if axis == "eta" else self.y_mm
        return image.reshape(len(image), self.n_cells).astype(np.float64), centers.ravel()

    def mirror_index(self, axis: Axis) -> NDArray[np.int64]:
        """For each cell the one opposite of it; in x only for an even number of angles."""
        if axis == "eta" and self.n_alpha % 2:
            msg = (
                f"{self.n_alpha} cells around the axis cannot be mirrored in x: not an even number"
            )
            raise CalorimeterError(msg)
        i = self.n_alpha - 1 - np.arange(self.n_alpha)  # alpha -> -alpha
        if axis == "eta":  # alpha -> pi - alpha
            i = (i - self.n_alpha // 2) % self.n_alpha
        n_r = self.shape[1]
        return (i[:, None] * n_r + np.arange(n_r)).ravel()
