"""What all simulators have in common that run a network, wherever it is."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.bundle import Card
from calogan.calorimeter import Calorimeter
from calogan.conditions import BEAM_CONDITIONS, CONDITIONS, conditions_of
from calogan.errors import ModelError, ShowerFileError
from calogan.incident import Incident, pdg_id
from calogan.showers import Showers

__all__ = ["TrainedSimulator"]

_TOLERANCE = {"x_mm": 1e-3, "y_mm": 1e-3, "slope_x": 1e-6, "slope_y": 1e-6}
"""By how much a beam may miss what the network was trained on."""


class TrainedSimulator(ABC):
    """A simulator that is described by the card of a bundle.

    The overflow of its showers is zero unless the card says that the network makes it.

    Args:
        card: The card.
    """

    chunk_size = 2000
    """Showers per chunk of a production: large enough to be fast, small enough for the cache."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self._pdgid = pdg_id(card.particle)
        self._warned = False

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.card.name

    @property
    def particle(self) -> str:
        """The particle that the network was trained on."""
        return self.card.particle

    @property
    def coverage(self) -> Mapping[int, tuple[float, float]]:
        """Range of energies [GeV] of the training, by the PDG id of the particle."""
        return {self._pdgid: self.card.energy_range_gev}

    @property
    def calorimeter(self) -> Calorimeter:
        """The calorimeter that the network was trained in."""
        return self.card.calorimeter

    @property
    def told(self) -> str:
        """Name of the input that says what the particles are: `energy` or `condition`."""
        return "condition" if self.card.conditions else "energy"

    @property
    def provenance(self) -> dict[str, Any]:
        """What goes into the files that the simulator makes."""
        return {
            "model": self.card.name,
            "model_version": self.card.version,
            "model_sha256": self.card.sha256,
            "trained_on": self.card.data.made_with,
        }

    def simulate(self, incident: Incident, rng: np.random.Generator | None = None) -> Showers:
        """Simulate one shower per incident particle.

        Energies outside the range of the training are extrapolated to, with a warning, once.

        Args:
            incident: The n particles. Their lines of flight count, not where on them they start.
            rng: Source of the noise; a fresh, unseeded one unless given.

        Raises:
            ModelError: Another particle, or another beam, than the network was trained on; or a
                network that gives no energies.
            IncidentError: A particle flies away from the calorimeter.
            SimulationError: A network elsewhere cannot be asked any more.
        """
        told = self.check(incident)
        parts = tuple(
            np.empty((len(incident), *shape), dtype=np.float32)
            for shape in self.card.outputs.values()
        )
        self._fill(parts, told, rng or np.random.default_rng())
        n_layers = len(self.calorimeter.layers)
        layers = parts[:n_layers]
        overflow = (
            parts[n_layers]
            if self.card.architecture.overflow
            else np.zeros((len(incident), n_layers), dtype=np.float32)
        )
        try:
            return Showers(incident, layers, overflow, self.calorimeter)
        except ShowerFileError as error:
            msg = f"the model {self.name} makes no showers: {error}"
            raise ModelError(msg) from error

    @abstractmethod
    def _fill(
        self,
        parts: tuple[NDArray[np.float32], ...],
        told: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> None:
        """Run the network.

        Args:
            parts: Where the outputs of the network go [MeV], as `Card.outputs` lists them: the
                cells, one `(n, n_eta, n_phi)` per layer, and the overflow if there is one.
            told: What `check` returns, shape `(n, 1 + conditions)`.
            rng: Source of the noise: all of the first shower, then all of the second, ...
        """

    def check(self, incident: Incident) -> NDArray[np.float32]:
        """Check that the network was trained on such particles; return what it is told of them.

        Returns:
            Energy [GeV], and the conditions of the card; shape `(n, 1 + conditions)`.
        """
        if (incident.pdgid != self._pdgid).any():
            msg = f"the model {self.name} simulates {self.card.particle} and nothing else"
            raise ModelError(msg)
        told = conditions_of(incident, self.calorimeter)
        ranges: dict[str, tuple[float, float]] = {
            c.name: (c.low, c.high) for c in self.card.conditions
        }
        for name in BEAM_CONDITIONS:
            values = told[:, CONDITIONS.index(name)]
            low, high = ranges.get(name, (0.0, 0.0))
            beside = ~((values >= low - _TOLERANCE[name]) & (values <= high + _TOLERANCE[name]))
            if beside.any():
                raise ModelError(self._beam_message(name, float(values[beside][0])))
        self._warn_of_energies(incident.energy_gev)
        return told[:, [CONDITIONS.index(name) for name in self.card.condition_names]]

    def _beam_message(self, name: str, value: float) -> str:
        if not self.card.conditions:
            return f"the model {self.name} was trained on a beam along the axis and on no other"
        ranges = [f"{c.low:g} to {c.high:g}" for c in self.card.conditions if c.name == name]
        return (
            f"the model {self.name} was trained with {name} {(ranges or ['0'])[0]} at the front face:"
            f" not with {value:g}"
        )

    def _warn_of_energies(self, energy_gev: NDArray[np.float64]) -> None:
        low, high = self.card.energy_range_gev
        outside = (energy_gev < low) | (energy_gev > high)
        if outside.any() and not self._warned:
            self._warned = True  # once: a production comes in many pieces
            msg = (
                f"energies such as {energy_gev[outside][0]:g} GeV lie outside {low:g} to"
                f" {high:g} GeV, the range that {self.name} was trained on: it extrapolates"
            )
            warnings.warn(msg, UserWarning, stacklevel=4)
