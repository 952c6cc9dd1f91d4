"""The one idea of the project: everything that turns incident particles into showers."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np

from calogan.calorimeter import Calorimeter
from calogan.incident import Incident
from calogan.showers import Showers

__all__ = ["Simulator"]


@runtime_checkable
class Simulator(Protocol):
    """Geant4, a network, a library of frozen showers, a server: they are interchangeable."""

    @property
    def name(self) -> str:
        """What the simulator is called, as `open_simulator` takes it."""
        ...

    @property
    def calorimeter(self) -> Calorimeter:
        """The calorimeter that the showers are in."""
        ...

    def simulate(self, incident: Incident, rng: np.random.Generator | None = None) -> Showers:
        """Simulate one shower per incident particle.

        Args:
            incident: The n particles.
            rng: Source of all randomness; a fresh, unseeded one unless given.

        Returns:
            The n showers, in the order of the particles.
        """
        ...
