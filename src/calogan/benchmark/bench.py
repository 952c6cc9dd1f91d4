"""What runs in the process of each simulator: opening it, timing it, writing a file with it."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from calogan.benchmark.machine import peak_memory_mb
from calogan.calorimeter import Calorimeter
from calogan.catalogue import open_simulator
from calogan.errors import ConfigurationError
from calogan.incident import Incident
from calogan.production import produce
from calogan.showers import Showers
from calogan.simulator import Simulator

__all__ = ["Bench"]


class Bench:
    """One simulator and its clock.

    Args:
        name: As `open_simulator` takes it.
        options: For `open_simulator`.
    """

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        start = time.perf_counter()
        self._simulator = open_simulator(name, **options)
        self._open_s = time.perf_counter() - start
        self._incident = Incident.create("e+", [])
        self._rng = np.random.default_rng(0)
        self._next = 0

    def about(self) -> dict[str, Any]:
        """Its particle, if it knows but one, whether batches are of use to it, and versions."""
        return {
            "particle": getattr(self._simulator, "particle", None),
            # a simulator with this attribute takes seconds for a shower, whatever the batch
            "one_by_one": bool(getattr(self._simulator, "resumable", False)),
            "open_s": self._open_s,
            "provenance": getattr(self._simulator, "provenance", {}),
        }

    def prepare(self, incident: Incident, seed: int) -> None:
        """Take the particles to simulate; check them, if the simulator can."""
        check = getattr(self._simulator, "check", None)
        if check is not None:
            check(incident)
        self._incident, self._rng = incident, np.random.default_rng(seed)

    def batch_seconds(self, batch_size: int, calls: int) -> float:
        """Time of some calls with the first `batch_size` particles [s]."""
        part = self._incident[:batch_size]
        if len(part) < batch_size:
            msg = f"{len(part)} particles are too few for a batch of {batch_size}"
            raise ConfigurationError(msg)
        start = time.perf_counter()
        for _ in range(calls):
            self._simulator.simulate(part, self._rng)
        return time.perf_counter() - start

    def shower_seconds(self, budget_s: float) -> list[float]:
        """Times of single showers [s], as many as end in time, at least one."""
        times: list[float] = []
        while sum(times) < budget_s:
            k = self._next % len(self._incident)
            self._next += 1
            start = time.perf_counter()
            self._simulator.simulate(self._incident[k : k + 1], self._rng)
            times.append(time.perf_counter() - start)
        return times

    def write_file(self, n: int, seed: int) -> dict[str, float]:
        """Make a file of n showers in a temporary folder, as `calogan simulate` does.

        Returns:
            `total_s`, `simulating_s` [s] and `bytes`.
        """
        incident = self._incident[np.resize(np.arange(len(self._incident)), n)]
        timed = _Timed(self._simulator)
        with tempfile.TemporaryDirectory(prefix="calogan-benchmark-") as folder:
            path = Path(folder) / "showers.h5"
            start = time.perf_counter()
            produce(lambda: timed, incident, path, seed=seed, made_with={})
            total_s = time.perf_counter() - start
            size = path.stat().st_size
        return {"total_s": total_s, "simulating_s": timed.seconds, "bytes": float(size)}

    def peak_memory_mb(self) -> float | None:
        """Most memory so far [MB]."""
        return peak_memory_mb()


class _Timed:
    """A simulator that knows how long it worked, and is otherwise the one inside."""

    def __init__(self, simulator: Simulator) -> None:
        self._inside = simulator
        self.seconds = 0.0

    @property
    def name(self) -> str:
        return self._inside.name

    @property
    def calorimeter(self) -> Calorimeter:
        return self._inside.calorimeter

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inside, name)

    def simulate(self, incident: Incident, rng: np.random.Generator | None = None) -> Showers:
        start = time.perf_counter()
        try:
            return self._inside.simulate(incident, rng)
        finally:
            self.seconds += time.perf_counter() - start
