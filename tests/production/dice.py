"""A simulator that needs no Geant4: fast or slow, sound or in trouble, as a test wishes."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.errors import IncidentError, MissingExtraError, SimulationError
from calogan.incident import Incident
from calogan.production import incident_rng
from calogan.showers import Showers

BAD_GEV = 2000.0
"""Particles of this energy bring the trouble."""


@dataclass
class Dice:
    """Puts all energy into random cells.

    Args:
        trouble: What happens where a particle has more than 1 TeV.
        attempts: A file in which each attempt of such a chunk leaves a byte.
        recovers: Attempt from which there is no trouble any more; never if 0.
        pause_s: Time that a chunk takes.
        n_views: Views of each shower.
        resumable: As for any simulator.
    """

    trouble: str = ""
    attempts: Path | None = None
    recovers: int = 0
    pause_s: float = 0
    n_views: int = 0
    resumable: bool = False

    chunk_size = 4
    name = "dice"
    calorimeter: Calorimeter = CALOGAN

    @property
    def provenance(self) -> dict[str, Any]:
        return {"simulator": self.name}

    def simulate(self, incident: Incident, rng: np.random.Generator | None = None) -> Showers:
        rng = rng or np.random.default_rng()
        time.sleep(self.pause_s)
        if (incident.energy_gev > 1000).any():
            self._come_to_grief()
        return self._throw(incident, rng, self.n_views)

    def _throw(self, incident: Incident, rng: np.random.Generator, n_views: int) -> Showers:
        n = len(incident)
        shares = rng.dirichlet(np.ones(504), n)
        images = CALOGAN.split_cells((1e3 * incident.energy_gev[:, None] * shares).astype("f4"))
        views = tuple(self._throw(incident, rng, 0) for _ in range(n_views))
        return Showers(incident, images, np.zeros((n, 3), np.float32), CALOGAN, views)

    def _come_to_grief(self) -> None:
        if self.attempts is not None:
            with self.attempts.open("ab") as file:
                file.write(b".")
            if self.recovers and self.attempts.stat().st_size >= self.recovers:
                return
        match self.trouble:
            case "calogan":
                msg = "no such energy"
                raise IncidentError(msg)
            case "extra":
                what = "gambling"
                raise MissingExtraError(what, "dice")
            case "gave up":
                msg = "the dice rolled off the table"
                raise SimulationError(msg)
            case "exit":
                os._exit(3)
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "sleep":
                time.sleep(60)
            case "":
                return
        msg = "two\nlines"
        raise ValueError(msg)


def incident_of(n: int, seed: int = 3) -> Incident:
    return Incident.draw("e+", "1:100", n, seed=incident_rng(seed))


def with_trouble(n: int, *where: int) -> Incident:
    """n particles, of which some bring trouble."""
    energies = np.linspace(10.0, 20.0, n)
    energies[list(where)] = BAD_GEV
    return Incident.create("e+", energies)
