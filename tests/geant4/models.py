"""A model that shows where its showers go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.incident import Incident
from calogan.showers import Showers

__all__ = ["OneCell"]


class OneCell:
    """Puts the energy of a particle into one cell of the first layer, and keeps what it was asked."""

    name = "one-cell"

    def __init__(
        self,
        coverage: Mapping[int, tuple[float, float]] | None = None,
        cell: tuple[int, int] = (1, 48),
        calorimeter: Calorimeter = CALOGAN,
    ) -> None:
        self.coverage = {22: (0.0, 1e3)} if coverage is None else coverage
        self.cell = cell
        self.calorimeter = calorimeter
        self.provenance: dict[str, Any] = {"cell": list(cell)}
        self.asked: list[Incident] = []

    def simulate(self, incident: Incident, rng: np.random.Generator | None = None) -> Showers:  # noqa: ARG002
        self.asked.append(incident)
        n = len(incident)
        layers = [np.zeros((n, *s), np.float32) for s in self.calorimeter.layer_shapes]
        layers[0][:, self.cell[0], self.cell[1]] = 1e3 * incident.energy_gev
        overflow = np.zeros((n, len(layers)), np.float32)
        return Showers(incident, tuple(layers), overflow, self.calorimeter)
