"""Fast simulation inside Geant4: at the calorimeter's face, models take the particles over.

For each batch of events

1. Geant4 transports the incident particles through what stands before the calorimeter; whatever
   enters the calorimeter is caught at its surface and ends there (calzone's role `catch_ingoing`);
2. each model makes the showers of all the particles that it covers, of all events, in one call;
3. Geant4 simulates the other particles in full, from where they were caught;
4. the cells of an event add up.

What a modelled shower sends back out of the calorimeter is lost; what a fully simulated one sends
back is transported, and comes in again if it does, as in a full simulation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import Calorimeter
from calogan.errors import CalorimeterError, ConfigurationError, ModelError
from calogan.geant4.deposits import CM_TO_MM, collect_deposits
from calogan.geant4.detector import check_start
from calogan.geant4.handover import MAX_ANGLE_DEG, Entering, Model, covered, moved, on_axis
from calogan.geant4.simulator import Geant4Simulator
from calogan.incident import Incident
from calogan.showers import Showers
from calogan.simulator import Simulator

__all__ = ["FastGeant4Simulator"]

_EVENTS = 1000
"""Incident particles in a batch: their showers, some thousands, fit into the memory with ease."""

_BACK_MM = 1e-3
"""How far a particle that starts on the calorimeter is moved back, so that it comes in."""

_RUN_MEV = 1e5
"""Energy that Geant4 simulates in full at once: up to 6 deposits per MeV."""


class FastGeant4Simulator(Geant4Simulator):
    """Geant4 up to the face of the calorimeter, models behind it.

    A particle is left to the first model that covers it (see `calogan.geant4.handover`): that knows
    it, or e+ for an e-, and its energy, if it enters through the front face, within the cells, and
    close to the axis in direction. All others are simulated in full.

    Models make showers on the axis. The shower of a particle that is not there is moved, layer by
    layer, by whole cells to where the particle's line of flight crosses the middle of the layer;
    energy that is moved beyond the last cell goes to the layer's overflow.

    Args:
        models: Simulators that take over, such as a `NeuralSimulator` or a `LibrarySimulator`.
        calorimeter: The calorimeter; that of the models unless given.
        options: Those of `Geant4Simulator`, but `views`.

    Raises:
        ModelError: No models, or something that is none.
        CalorimeterError: A model has another calorimeter.
        ConfigurationError: A model counts other deposits; or further views are asked for.
    """

    chunk_size = 100
    """Showers that one task of a production simulates: seconds, and models like many at once."""

    def __init__(
        self,
        models: Sequence[Simulator],
        calorimeter: Calorimeter | None = None,
        **options: Any,
    ) -> None:
        if not models:
            msg = "fast simulation needs a model at least, such as eplus"
            raise ModelError(msg)
        if options.get("views"):
            msg = "fast simulation gives no further views: a model makes cells, not deposits"
            raise ConfigurationError(msg)
        calorimeter = calorimeter or models[0].calorimeter
        deposits = options.get("deposits", "all")
        self._models = [_checked(model, calorimeter, deposits) for model in models]
        super().__init__(calorimeter, **options)
        geometry = self._simulation.geometry
        for path in geometry.root.daughters:
            if ".Section" in path:
                role = geometry[path].role or ()
                roles = [role] if isinstance(role, str) else [*role]
                # has an effect only while particles are sampled: in `_catch`
                geometry[path].role = [*roles, "catch_ingoing"]

    @property
    def provenance(self) -> dict[str, Any]:
        """What made the showers, for the file: that of Geant4, and of each model."""
        models = [
            {"name": model.name, **getattr(model, "provenance", {})} for model in self._models
        ]
        return {**super().provenance, "fast": models, "max_angle_deg": MAX_ANGLE_DEG}

    def simulate(self, incident: Incident, rng: np.random.Generator | None = None) -> Showers:
        """Simulate one event per incident particle.

        The same state of `rng` and the same particles give the same showers. An event depends on
        the other events of the call, for they draw from the same streams.

        Args:
            incident: The n particles. They start in the world around the calorimeter.
            rng: Source of all randomness; a fresh, unseeded one unless given.

        Raises:
            IncidentError: A particle starts outside of the world or inside the calorimeter.
            SimulationError: Geant4 gave up, or runs with another configuration in this process.
        """
        check_start(incident, self.calorimeter, self._upstream)
        self._claim_process()
        rng = np.random.default_rng() if rng is None else rng
        starts = range(0, max(len(incident), 1), _EVENTS)
        return Showers.concatenate(
            [self._simulate_events(incident[start : start + _EVENTS], rng) for start in starts]
        )

    def _simulate_events(self, incident: Incident, rng: np.random.Generator) -> Showers:
        images = [np.zeros((len(incident), *s)) for s in self.calorimeter.layer_shapes]
        overflow = np.zeros((len(incident), len(images)))
        entering = self._catch(incident, rng)
        left = np.ones(len(entering), dtype=bool)
        for model in self._models:
            taken = left & covered(entering, model)
            left &= ~taken
            if taken.any():
                particles = entering[taken]
                cells, beside = moved(model.simulate(on_axis(particles, model), rng), particles)
                for image, cell in zip(images, cells, strict=True):
                    np.add.at(image, particles.event, cell)
                np.add.at(overflow, particles.event, beside)
        self._seed(rng)
        for run in _runs(entering[left]):
            event, position_mm, energy_mev = collect_deposits(self._run(_calzone(run), rng), rng)
            first, last = int(run.event[0]), int(run.event[-1])
            rows = slice(first, last + 1)
            cells, beside = self.calorimeter.bin_deposits(
                run.event[event] - first, position_mm, energy_mev, last + 1 - first
            )
            for image, cell in zip(images, cells, strict=True):
                image[rows] += cell
            overflow[rows] += beside
        layers = tuple(image.astype(np.float32) for image in images)
        return Showers(incident, layers, overflow.astype(np.float32), self.calorimeter)

    def _catch(self, incident: Incident, rng: np.random.Generator) -> Entering:
        """Transport particles to the calorimeter, and give what enters it, event by event."""
        if len(incident) == 0:
            return _nothing()
        self._seed(rng)
        particles = self._particles(incident)
        box = np.array([self.calorimeter.half_size_mm] * 2 + [self.calorimeter.depth_mm / 2])
        touching = (np.abs(particles["position"] * CM_TO_MM) < box + _BACK_MM / 2).all(axis=1)
        particles["position"][touching] -= _BACK_MM / CM_TO_MM * particles["direction"][touching]
        simulation = self._simulation
        simulation.sample_deposits, simulation.sample_particles = None, True
        try:
            caught = self._run(particles, rng)
        finally:
            simulation.sample_deposits, simulation.sample_particles = "detailed", False
        if not caught:
            return _nothing()
        # volumes by name: the order in which Geant4 came to them is one of the batch
        found = np.concatenate([np.asarray(caught[name]) for name in sorted(caught)])
        found = found[np.argsort(found["event"], kind="stable")]
        return Entering(
            found["event"].astype(np.int64),
            found["pid"].astype(np.int64),
            found["energy"],
            found["position"] * CM_TO_MM,
            found["direction"],
        )


def _nothing() -> Entering:
    nobody = np.empty(0, dtype=np.int64)
    return Entering(nobody, nobody, np.empty(0), np.empty((0, 3)), np.empty((0, 3)))


def _calzone(particles: Entering) -> NDArray[np.void]:
    """Put particles in calzone's words."""
    import calzone

    made: NDArray[np.void] = calzone.particles(
        len(particles),
        pid=particles.pdgid,
        energy=particles.energy_mev,
        position=particles.position_mm / CM_TO_MM,
        direction=particles.direction,
    )
    return made


def _runs(particles: Entering) -> Iterator[Entering]:
    """Cut particles into runs of about `_RUN_MEV`."""
    number = np.floor(np.cumsum(particles.energy_mev) / _RUN_MEV)
    for cut in np.split(np.arange(len(particles)), np.flatnonzero(np.diff(number)) + 1):
        if len(cut):
            yield particles[slice(int(cut[0]), int(cut[-1]) + 1)]


def _checked(model: Simulator, calorimeter: Calorimeter, deposits: str) -> Model:
    """Check that a model fits to the calorimeter and to what is recorded there."""
    if not isinstance(model, Model):
        msg = f"{model.name} cannot take showers over from Geant4: give models, or library:FILE"
        raise ModelError(msg)
    if model.calorimeter != calorimeter:
        msg = (
            f"{model.name} makes showers in the calorimeter {model.calorimeter.name}, "
            f"not in {calorimeter.name} as it is here"
        )
        raise CalorimeterError(msg)
    provenance = getattr(model, "provenance", {})
    source = provenance.get("trained_on") or provenance.get("made_of") or {}
    theirs = source.get("deposits", "all")
    if theirs != deposits:
        msg = (
            f"{model.name} is made of {theirs} deposits, and {deposits} deposits are recorded here"
        )
        raise ConfigurationError(msg)
    return model
