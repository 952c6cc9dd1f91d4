"""What readout layers of all kinds have in common."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import model_validator

from calogan.calorimeter.fields import Frozen, Place, refuse

__all__ = ["Axis", "Layer"]

Axis = Literal["eta", "phi"]
"""The transverse directions: eta is x, phi is y."""


class Layer(Frozen):
    """Cells of some kind for z in [z_min_mm, z_max_mm)."""

    z_min_mm: Place
    z_max_mm: Place

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.z_max_mm <= self.z_min_mm:
            what = f"{self.z_max_mm:g} mm must lie behind z_min_mm ({self.z_min_mm:g} mm)"
            refuse(("z_max_mm",), what, self.z_max_mm)
        return self

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Cells along the two axes of the layer's image."""

    @property
    @abstractmethod
    def reach_mm(self) -> float:
        """Distance from the axis of the point farthest from it in any cell [mm]."""

    @property
    @abstractmethod
    def half_extent_mm(self) -> float:
        """Half of the side of the square around the axis that all cells fit into [mm]."""

    @property
    @abstractmethod
    def x_mm(self) -> NDArray[np.float64]:
        """Where the centres of the cells are along x, or eta [mm], of the layer's `shape`."""

    @property
    @abstractmethod
    def y_mm(self) -> NDArray[np.float64]:
        """Where the centres of the cells are along y, or phi [mm], of the layer's `shape`."""

    @abstractmethod
    def cell_index(self, x_mm: NDArray[np.float64], y_mm: NDArray[np.float64]) -> NDArray[np.int64]:
        """Cells that points lie in, counted in C order of the image; -1 beside all cells.

        Args:
            x_mm: Along eta, shape `(m,)` [mm].
            y_mm: Along phi, shape `(m,)` [mm].
        """

    @abstractmethod
    def profile(
        self, image: NDArray[np.float32], axis: Axis
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Energy along a transverse direction.

        Args:
            image: Cell energies, shape `(n, *shape)`.
            axis: `eta` (x) or `phi` (y).

        Returns:
            Energies `(n, m)`, and where along the axis they are `(m,)` [mm].
        """

    @abstractmethod
    def mirror_index(self, axis: Axis) -> NDArray[np.int64]:
        """For each cell the one opposite of it, counted in C order, shape `(n_cells,)`.

        `image.reshape(n, -1)[:, layer.mirror_index("eta")]` is the image mirrored in x.

        Raises:
            CalorimeterError: The cells have no such symmetry.
        """

    @property
    def resolves_axes(self) -> bool:
        """Whether the cells tell where along x and along y energy is."""
        return True

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return math.prod(self.shape)
