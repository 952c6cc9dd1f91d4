"""Showers by Geant4, through calzone: particles in and energy deposits out as arrays.

**Reproducible.** With the same seed the same particles give the same showers, to the last bit,
whether they are the first in a process or follow others: calzone draws all randomness from one
stream that is set before each call, and Geant4 keeps nothing between events that changes
results. It does where the physics or the materials change within a process; that is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import (
    CalorimeterError,
    ConfigurationError,
    MissingExtraError,
    SimulationError,
)
from calogan.geant4.data import Geant4Data, activate, find_geant4_data
from calogan.geant4.deposits import (
    CM_TO_MM,
    Deposits,
    check_axis,
    check_turnable,
    collect_deposits,
    no_deposits,
    turn_deposits,
)
from calogan.geant4.detector import (
    Recorded,
    check_start,
    describe_world,
    elements_of,
    start_positions_mm,
)
from calogan.geant4.physics import PhysicsList, parse_physics_list
from calogan.geant4.primaries import check_primaries
from calogan.geant4.upstream import Upstream
from calogan.incident import Incident
from calogan.showers import Showers

__all__ = ["Geant4Simulator"]

_LOG = logging.getLogger(__name__)

_BATCH_GEV = 100.0
"""Energy that is simulated at once: up to 6000 deposits per GeV, of 0.3 kB with all copies."""

_ATTEMPTS = 3


@dataclass(frozen=True)
class _Configuration:
    """Everything that fixes what Geant4 does with a particle."""

    world: str
    physics_list: PhysicsList
    range_cut_mm: float
    data: Geant4Data


_running: list[_Configuration] = []
"""What Geant4 was initialised with in this process: there is one Geant4 in a process, at most."""


class Geant4Simulator:
    """Geant4 11.4 in a calorimeter of slabs.

    What a charged particle loses along a step is put at a random point of the step; what a neutral
    one leaves, at its end.

    Args:
        calorimeter: The calorimeter; the paper's unless given.
        deposits: Which energy deposits count: `all`, in absorbers as well as active slabs, as in
            the CaloGAN paper (arXiv:1705.02355), or `active`, what a real detector measures.
        views: How many more times each shower is read out, turned around the beam axis by a
            random angle and mirrored or not: training data for little. The showers themselves
            are the same with and without.
        upstream: What stands before the calorimeter; nothing unless given. A beam starts before
            all of it: a particle that does not is moved back along its direction.
        physics_list: Such as `FTFP_BERT` (the paper's) or `FTFP_BERT_EMV`, which is faster.
        range_cut_mm: Production threshold of secondaries, as a range [mm]; the paper's is 0.7.
        data: Cross sections; found by `find_geant4_data` unless given.

    Raises:
        MissingExtraError: calzone is not installed.
        ConfigurationError: An unknown physics list, or an impossible range cut.
        CalorimeterError: Unknown materials or an impossible geometry.
        Geant4DataError: No cross sections for these materials or this physics.
    """

    resumable = True
    """A production keeps what is finished: seconds of work for a few bytes on disk."""

    chunk_size = 10
    """Showers that one task of a production simulates: seconds, so that progress is seen."""

    def __init__(
        self,
        calorimeter: Calorimeter = CALOGAN,
        *,
        deposits: Recorded = "all",
        views: int = 0,
        upstream: Upstream | None = None,
        physics_list: str = "FTFP_BERT",
        range_cut_mm: float = 0.7,
        data: Geant4Data | None = None,
    ) -> None:
        physics = parse_physics_list(physics_list)
        if not 0 < range_cut_mm < np.inf:
            msg = f"range cut of {range_cut_mm:g} mm: must be above 0"
            raise ConfigurationError(msg)
        if deposits not in get_args(Recorded):
            msg = f"deposits {deposits!r}: give all or active"
            raise ConfigurationError(msg)
        if views < 0:
            msg = f"{views} views: must not be negative"
            raise ConfigurationError(msg)
        if views:
            check_turnable(calorimeter)
        try:
            import calzone
        except ModuleNotFoundError as error:
            what = "Geant4 simulation"
            raise MissingExtraError(what, "geant4") from error
        elements = elements_of(calorimeter, upstream)
        self.data = data or find_geant4_data(elements)
        if physics.needs_official_data and self.data.kind != "official":
            msg = (
                f"{physics.name} needs the official data, and here are {self.data.label}: "
                "run 'calogan geant4-data install', or use FTFP_BERT or FTFP_BERT_EMV"
            )
            raise ConfigurationError(msg)
        self._calorimeter = calorimeter
        self._deposits, self._n_views, self._upstream = deposits, views, upstream
        world = describe_world(calorimeter, deposits, upstream)
        self._configuration = _Configuration(repr(world), physics, range_cut_mm, self.data)
        try:
            self._simulation = calzone.Simulation(
                world,
                physics=calzone.Physics(
                    em_model=physics.electromagnetic,
                    had_model=physics.hadronic,
                    default_cut=range_cut_mm / CM_TO_MM,
                ),
                sample_deposits="detailed",
                sample_particles=False,
            )
        except Exception as error:  # calzone raises whatever fits
            msg = f"calorimeter {calorimeter.name}: {_one_line(error)}"
            raise CalorimeterError(msg) from error
        self._geant4_version = str(calzone.GEANT4_VERSION)

    @property
    def name(self) -> str:
        """`geant4`."""
        return "geant4"

    @property
    def calorimeter(self) -> Calorimeter:
        """The calorimeter that the showers are in."""
        return self._calorimeter

    @property
    def provenance(self) -> dict[str, Any]:
        """What made the showers, for the file: versions, physics, data."""
        return {
            "simulator": self.name,
            "geant4": self._geant4_version,
            "calzone": version("calzone"),
            "physics_list": self._configuration.physics_list.name,
            "range_cut_mm": self._configuration.range_cut_mm,
            "deposits": self._deposits,
            **({"views": self._n_views} if self._n_views else {}),
            **({"upstream": self._upstream.model_dump()} if self._upstream else {}),
            "data": self.data.label,
            "data_digest": self.data.digest,
        }

    def check(self, incident: Incident) -> None:
        """Check, before hours of work, that these particles can be simulated.

        Raises:
            IncidentError: Geant4 does not shoot such a particle, or not from where it starts.
        """
        check_primaries(np.unique(incident.pdgid).tolist())
        check_start(incident, self.calorimeter, self._upstream)
        if self._n_views:
            check_axis(incident)

    def simulate(self, incident: Incident, rng: np.random.Generator | None = None) -> Showers:
        """Simulate one shower per incident particle.

        The same state of `rng` and the same particles give the same showers. A shower depends on
        the particles before it in the call, for they draw from the same stream.

        Args:
            incident: The n particles. They start in the world around the calorimeter.
            rng: Source of all randomness; a fresh, unseeded one unless given.

        Raises:
            IncidentError: A particle that Geant4 does not shoot, or not from where it starts.
            SimulationError: Geant4 gave up, or runs with another configuration in this process.
        """
        self.check(incident)
        self._claim_process()
        rng = np.random.default_rng() if rng is None else rng
        view_rng = rng.spawn(1)[0]  # a stream of its own: views change nothing else
        self._seed(rng)
        parts = [
            self._read_out(incident[rows], self._deposit(incident[rows], rng), view_rng)
            for rows in _batches(incident)
        ]
        if not parts:
            return self._read_out(incident, no_deposits(), view_rng)
        return Showers.concatenate(parts)

    def _claim_process(self) -> None:
        if not _running:
            activate(self.data)
            _running.append(self._configuration)
        elif _running[0] != self._configuration:
            msg = (
                "Geant4 already runs with another detector, physics or data in this process, and "
                "can only run with one: use one process for each"
            )
            raise SimulationError(msg)

    def _seed(self, rng: np.random.Generator) -> None:
        low, high = rng.integers(0, 2**64, size=2, dtype=np.uint64)
        self._simulation.random.seed = int(high) << 64 | int(low)

    def _deposit(self, incident: Incident, rng: np.random.Generator) -> Deposits:
        return collect_deposits(self._run(self._particles(incident), rng), rng)

    def _particles(self, incident: Incident) -> NDArray[np.void]:
        """Put incident particles in calzone's words, where Geant4 is to start them."""
        import calzone

        start_mm = start_positions_mm(incident, self.calorimeter, self._upstream)
        particles: NDArray[np.void] = calzone.particles(
            len(incident),
            pid=incident.pdgid,
            energy=incident.energy_gev * 1e3,
            position=start_mm / CM_TO_MM,
            direction=incident.direction,
        )
        return particles

    def _read_out(
        self, incident: Incident, deposits: Deposits, view_rng: np.random.Generator
    ) -> Showers:
        """Bin deposits into cells, and again, turned, for each view."""
        n = len(incident)

        def binned(deposits: Deposits, views: tuple[Showers, ...] = ()) -> Showers:
            images, overflow = self.calorimeter.bin_deposits(*deposits, n)
            return Showers(incident, images, overflow, self.calorimeter, views)

        views = (binned(turn_deposits(deposits, n, view_rng)) for _ in range(self._n_views))
        return binned(deposits, tuple(views))

    def _run(self, particles: NDArray[np.void], rng: np.random.Generator) -> dict[str, Any]:
        """Run Geant4; where an event breaks off, run the batch again with other random numbers."""
        import calzone

        for attempt in range(_ATTEMPTS):
            try:
                deposits: dict[str, Any] = self._simulation.run(particles)
            except calzone.Geant4Exception as error:
                trouble = error
                _LOG.warning("Geant4: %s (attempt %d)", _one_line(error), attempt + 1)
                self._seed(rng)
            except ValueError as error:
                what = "does not know the particle" if "bad pid" in str(error) else "cannot run"
                msg = f"Geant4 {what}: {_one_line(error)}"
                raise SimulationError(msg) from error
            else:
                return deposits
        msg = f"Geant4 gave up {_ATTEMPTS} times: {_one_line(trouble)}"
        raise SimulationError(msg) from trouble


def _batches(incident: Incident) -> Iterator[slice]:
    """Cut n particles into runs of at most `_BATCH_GEV`, or of one particle."""
    start, total = 0, 0.0
    for k, energy in enumerate(incident.energy_gev.tolist()):
        if k > start and total + energy > _BATCH_GEV:
            yield slice(start, k)
            start, total = k, 0.0
        total += energy
    if len(incident) > start:
        yield slice(start, len(incident))


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
