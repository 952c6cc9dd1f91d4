"""Showers: what incident particles leave in the cells of a calorimeter."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import Calorimeter
from calogan.errors import CalorimeterError, ShowerFileError
from calogan.incident import Incident

__all__ = ["Showers"]


@dataclass(frozen=True, eq=False)
class Showers:
    """n showers in one calorimeter.

    Args:
        incident: The particles that made them.
        layers: Cell energies, one array `(n, n_eta, n_phi)` per readout layer [MeV].
        overflow: Energy beside the cells of each layer, shape `(n, layers)` [MeV].
        calorimeter: The calorimeter.
        views: Further readings of the same showers, each turned around the beam axis by angles
            of its own and mirrored or not: for training. No views of views.

    Raises:
        ShowerFileError: Shapes that do not fit, NaN or negative energies.
    """

    incident: Incident
    layers: tuple[NDArray[np.float32], ...]
    overflow: NDArray[np.float32]
    calorimeter: Calorimeter
    views: tuple[Showers, ...] = ()

    def __post_init__(self) -> None:
        """Check shapes and values."""
        n = len(self.incident)
        expected: list[tuple[int, ...]] = [(n, *shape) for shape in self.calorimeter.layer_shapes]
        expected.append((n, len(self.calorimeter.layers)))
        for k, (array, shape) in enumerate(
            zip((*self.layers, self.overflow), expected, strict=True)
        ):
            name = f"layer_{k}" if k < len(self.layers) else "overflow"
            if array.shape != shape:
                msg = f"{name} has the shape {array.shape}, expected {shape}"
                raise ShowerFileError(msg)
            # one pass each: NaN fails the comparison, infinity the second
            if array.size and not (array.min() >= 0 and array.max() < np.inf):
                first = int(np.argwhere(~(np.isfinite(array) & (array >= 0)))[0][0])
                msg = f"{name}: shower {first} holds an energy that is negative or not finite"
                raise ShowerFileError(msg)
        if any(len(view) != n or view.views for view in self.views):
            msg = "a view must have as many showers, and no views of its own"
            raise ShowerFileError(msg)

    def __len__(self) -> int:
        """Number of showers."""
        return len(self.incident)

    def __getitem__(self, index: slice | NDArray[Any]) -> Showers:
        """Select showers by a slice, a mask or indices."""
        return Showers(
            self.incident[index],
            tuple(layer[index] for layer in self.layers),
            self.overflow[index],
            self.calorimeter,
            tuple(view[index] for view in self.views),
        )

    @property
    def cells(self) -> NDArray[np.float32]:
        """All cells, layer by layer in C order, shape `(n, n_cells)` [MeV]."""
        n = len(self)  # the width is given, for that of no showers cannot be found out
        return np.concatenate(
            [layer.reshape(n, math.prod(layer.shape[1:])) for layer in self.layers], axis=1
        )

    @property
    def layer_energies(self) -> NDArray[np.float64]:
        """Energy in the cells of each layer, shape `(n, layers)` [MeV]."""
        return np.stack([x.sum(axis=(1, 2), dtype=np.float64) for x in self.layers], axis=1)

    @property
    def total_energy(self) -> NDArray[np.float64]:
        """Energy in all cells, shape `(n,)` [MeV]; without the overflow, as in the paper."""
        total: NDArray[np.float64] = self.layer_energies.sum(axis=1)
        return total

    @classmethod
    def concatenate(cls, parts: Sequence[Showers]) -> Showers:
        """Join showers of one calorimeter one after another.

        Raises:
            CalorimeterError: The calorimeters differ.
            ShowerFileError: Some have more views than others.
        """
        if any(part.calorimeter != parts[0].calorimeter for part in parts):
            msg = "showers of different calorimeters cannot be joined"
            raise CalorimeterError(msg)
        if any(len(part.views) != len(parts[0].views) for part in parts):
            msg = "showers with different numbers of views cannot be joined"
            raise ShowerFileError(msg)
        return cls(
            Incident.concatenate([part.incident for part in parts]),
            tuple(
                np.concatenate(images) for images in zip(*(p.layers for p in parts), strict=True)
            ),
            np.concatenate([part.overflow for part in parts]),
            parts[0].calorimeter,
            tuple(cls.concatenate(views) for views in zip(*(p.views for p in parts), strict=True)),
        )
