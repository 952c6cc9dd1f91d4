"""Where the showers of a comparison come from: memory, a file, or a simulator that makes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from calogan.calorimeter import Calorimeter
from calogan.catalogue import open_simulator
from calogan.errors import (
    CaloganError,
    ModelError,
    SimulationError,
)
from calogan.files import open_showers_file
from calogan.incident import Incident, particle_name
from calogan.production import chunks_of, produce
from calogan.showers import Showers
from calogan.simulator import Simulator

__all__ = [
    "FileSource",
    "MemorySource",
    "Origin",
    "SimulatorSource",
    "Source",
    "own_seed",
]

Mask = NDArray[np.bool_]
Progress = Callable[[int], None]

_CELLS_AT_ONCE = 4_000_000
_SIMULATED_AT_ONCE = 1000


@dataclass(frozen=True, eq=False)
class Origin:
    """What is known of showers before they are read or made.

    Args:
        name: What they are called in legends and tables.
        calorimeter: Their calorimeter.
        incident: The particles, n of them.
        source: File or simulator; empty for showers in memory.
        n_source: How many showers the source holds.
        made_with: What made them: configuration, versions, seed.
        trained_gev: Range of energies that their simulator was trained with, if it was.
    """

    name: str
    calorimeter: Calorimeter
    incident: Incident
    source: str = ""
    n_source: int = 0
    made_with: Mapping[str, Any] = field(default_factory=dict)
    trained_gev: tuple[float, float] | None = None

    def __len__(self) -> int:
        """Number of showers."""
        return len(self.incident)

    @property
    def particles(self) -> tuple[str, ...]:
        """Names of the incident particles; empty if the source does not say."""
        ids = [int(i) for i in np.unique(self.incident.pdgid)]
        return tuple(particle_name(i) for i in ids if i != 0)

    @property
    def energy_range_gev(self) -> tuple[float, float]:
        """Lowest and highest incident energy [GeV]; zeros without showers."""
        energy = self.incident.energy_gev
        return (float(energy.min()), float(energy.max())) if len(energy) else (0.0, 0.0)

    def kept(self, mask: Mask) -> Origin:
        """The same for some of the showers only."""
        return self if mask.all() else replace(self, incident=self.incident[mask])


def _silent(_: int) -> None:
    """Report no progress."""


class Source(Protocol):
    """Showers that come in pieces."""

    @property
    def origin(self) -> Origin:
        """What is known before the first piece."""

    def pieces(self, keep: Mask, report: Progress = ...) -> Iterator[Showers]:
        """Showers for which `keep`, shape `(n,)`, is true, in their order, some at a time.

        Args:
            keep: Which showers.
            report: Called with the number of showers that are there so far.
        """


@dataclass(frozen=True, eq=False)
class MemorySource:
    """Showers that are there already."""

    name: str
    showers: Showers

    @property
    def origin(self) -> Origin:
        """What is known of them."""
        showers = self.showers
        return Origin(self.name, showers.calorimeter, showers.incident, n_source=len(showers))

    def pieces(self, keep: Mask, report: Progress = _silent) -> Iterator[Showers]:
        """Give the chosen showers, some at a time."""
        size = _at_once(self.showers.calorimeter)
        for start in range(0, len(keep), size):
            chosen = keep[start : start + size]
            if chosen.any():
                piece = self.showers[start : start + size]
                yield piece if chosen.all() else piece[chosen]
                report(int(keep[: start + size].sum()))


@dataclass(frozen=True, eq=False)
class FileSource:
    """Showers in a file, read piece by piece."""

    origin: Origin
    path: Path

    @classmethod
    def open(cls, path: Path, name: str, *, source: str, limit: int | None = None) -> FileSource:
        """Look into a file.

        Args:
            path: The file.
            name: What to call the showers.
            source: What to call the file.
            limit: Read at most so many showers, from the start.

        Raises:
            ShowerFileError: The file is missing, foreign or damaged.
        """
        with open_showers_file(path) as file:
            incident = file.incident(0, None if limit is None else min(limit, len(file)))
            made_with = file.made_with
            origin = Origin(name, file.calorimeter, incident, source, len(file), made_with)
        return cls(origin, path)

    def pieces(self, keep: Mask, report: Progress = _silent) -> Iterator[Showers]:
        """Read the chosen showers, some at a time."""
        size = _at_once(self.origin.calorimeter)
        with open_showers_file(self.path) as file:
            for start in range(0, len(keep), size):
                chosen = keep[start : start + size]
                if chosen.any():
                    piece = file.read(start, start + len(chosen))
                    yield piece if chosen.all() else piece[chosen]
                    report(int(keep[: start + size].sum()))


@dataclass(frozen=True, eq=False)
class SimulatorSource:
    """Showers that a simulator makes when they are asked for, one per incident particle.

    Args:
        name: What the showers are called.
        simulator: Makes them.
        incident: The particles.
        seed: Fixes the showers.
        source: The simulator as `open_simulator` takes it; its own name unless given.
        workers: Processes, for a simulator that is as slow as Geant4 and is known by `source`.
    """

    name: str
    simulator: Simulator
    incident: Incident
    seed: int
    source: str = ""
    workers: int = 1

    @property
    def origin(self) -> Origin:
        """What is known of them."""
        made_with = dict(getattr(self.simulator, "provenance", {}))
        made_with |= {"simulator": self.source or self.simulator.name, "seed": self.seed}
        return Origin(
            self.name,
            self.simulator.calorimeter,
            self.incident,
            self.source or self.simulator.name,
            len(self.incident),
            made_with,
            self._trained_gev,
        )

    @property
    def _trained_gev(self) -> tuple[float, float] | None:
        """Energies that the simulator knows, if it knows one particle only."""
        coverage: Mapping[int, tuple[float, float]] = getattr(self.simulator, "coverage", {})
        return next(iter(coverage.values())) if len(coverage) == 1 else None

    def pieces(self, keep: Mask, report: Progress = _silent) -> Iterator[Showers]:
        """Simulate the chosen particles, some at a time; the seed fixes the showers.

        Raises:
            SimulationError: The simulator fails.
        """
        incident = self.incident if keep.all() else self.incident[keep]
        if self.source and self.workers > 1 and getattr(self.simulator, "resumable", False):
            yield from self._produced(incident, report)
            return
        size = int(getattr(self.simulator, "chunk_size", _SIMULATED_AT_ONCE))
        size = min(size, _at_once(self.simulator.calorimeter))
        for chunk in chunks_of(len(incident), size, self.seed):
            part = incident[chunk.start : chunk.stop]
            yield self.simulator.simulate(part, chunk.rng())
            report(chunk.stop)

    def _produced(self, incident: Incident, report: Progress) -> Iterator[Showers]:
        """Simulate in several processes, into a file that is gone afterwards."""
        with TemporaryDirectory(prefix="calogan-compare-") as folder:
            path = Path(folder) / "showers.h5"
            production = produce(
                partial(open_simulator, self.source),
                incident,
                path,
                seed=self.seed,
                workers=self.workers,
                made_with={"simulator": self.source},
                on_progress=report,
            )
            if production.failed:
                raise SimulationError(str(production.failed[0]))
            file = FileSource.open(path, self.name, source=self.source)
            yield from file.pieces(np.ones(len(incident), dtype=np.bool_))

    def check(self) -> SimulatorSource:
        """Find out now whether the simulator makes such showers.

        Raises:
            ModelError: It does not: another particle, beam or energy.
        """
        check: Callable[[Incident], object] | None = getattr(self.simulator, "check", None)
        if check is not None:
            try:
                check(self.incident)
            except CaloganError as error:
                msg = f"{self.name} cannot make the showers of this comparison: {error}"
                raise ModelError(msg) from error
        return self


def own_seed(seed: int, k: int = 0) -> int:
    """Seed of the simulator that is source number `k` of a comparison with this seed.

    Not the small number itself: a file that `calogan simulate` wrote with `--seed 2` holds the very
    showers that the same simulator makes of the same particles with the seed 2.
    """
    return int(np.random.SeedSequence([seed, k]).generate_state(1)[0])


def _at_once(calorimeter: Calorimeter) -> int:
    """Showers in one piece: some 16 MB of cells."""
    return max(50, _CELLS_AT_ONCE // calorimeter.n_cells)
