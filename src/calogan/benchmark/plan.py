"""What a benchmark measures."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import isfinite
from typing import Any

from calogan.bundle import find_bundle
from calogan.errors import ConfigurationError

__all__ = ["Contestant", "Plan"]


@dataclass(frozen=True)
class Contestant:
    """A simulator on a piece of hardware.

    Args:
        simulator: Name, as `open_simulator` takes it.
        device: `cpu`, `cuda`, or `server` for one that runs elsewhere.
        threads: Threads that it computes with; None where that is not ours to say.
        options: For `open_simulator`.
    """

    simulator: str
    device: str
    threads: int | None
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def hardware(self) -> str:
        """Where it runs, for people: `CPU, 2 threads`."""
        if self.device == "server":
            return "server"
        if self.device != "cpu":
            return f"GPU ({self.device})"
        return f"CPU, {self.threads} thread{'s' * (self.threads != 1)}"


@dataclass(frozen=True)
class Plan:
    """What a benchmark measures.

    Args:
        simulators: Names, as `open_simulator` takes them.
        particle: The incident particle; the one of the first model among them unless given.
        energy: Incident energies in short notation [GeV].
        batch_sizes: Showers per call.
        threads: Numbers of threads to run networks with; all cores unless given.
        devices: `cpu` and `cuda`: where to run networks.
        repeats: How many times each figure is measured.
        limit_s: Time for each figure [s]; Geant4 makes as many showers as it can meanwhile.
        n_file: Showers of the file that is written; as many as `limit_s` allows, up to 20 000,
            unless given, and never more of them with Geant4; with 0 none is written.
        seed: Fixes the incident particles.

    Raises:
        ConfigurationError: Numbers that make no sense.
    """

    simulators: tuple[str, ...]
    particle: str | None = None
    energy: str = "1:100"
    batch_sizes: tuple[int, ...] = (1, 10, 128, 1024)
    threads: tuple[int, ...] = ()
    devices: tuple[str, ...] = ("cpu",)
    repeats: int = 7
    limit_s: float = 10.0
    n_file: int | None = None
    seed: int = 1

    def __post_init__(self) -> None:
        """Check the numbers."""
        if not self.simulators:
            msg = "nothing to measure: name at least one simulator"
            raise ConfigurationError(msg)
        for what, numbers in (("batch sizes", self.batch_sizes), ("threads", self.threads)):
            if any(not 1 <= number <= 1_000_000 for number in numbers):
                msg = f"{what} {', '.join(map(str, numbers))}: each must be 1 to 1000000"
                raise ConfigurationError(msg)
        if not self.batch_sizes:
            msg = "no batch sizes: give at least one, such as 1,10,128,1024"
            raise ConfigurationError(msg)
        if self.repeats < 1:
            msg = f"{self.repeats} repeats: there must be at least 1"
            raise ConfigurationError(msg)
        if not (isfinite(self.limit_s) and self.limit_s > 0):
            msg = f"limit of {self.limit_s:g} s: must be above 0"
            raise ConfigurationError(msg)
        if self.n_file is not None and self.n_file < 0:
            msg = f"a file of {self.n_file} showers: must not be negative"
            raise ConfigurationError(msg)

    def contestants(self) -> tuple[Contestant, ...]:
        """The simulators, networks once for each number of threads and each device."""
        found = [one for name in self.simulators for one in self._on_all_hardware(name)]
        return tuple(dict.fromkeys(found))

    def _on_all_hardware(self, name: str) -> list[Contestant]:
        if "://" in name:
            return [Contestant(name, "server", None)]
        if name == "geant4" or find_bundle(name) is None:
            return [Contestant(name, "cpu", 1)]
        contestants = []
        for device in self.devices:
            if device == "cpu":
                contestants += [
                    Contestant(name, device, threads, (("threads", threads),))
                    for threads in self.threads or (len(os.sched_getaffinity(0)),)
                ]
            else:
                contestants.append(Contestant(name, device, None, (("device", device),)))
        return contestants
