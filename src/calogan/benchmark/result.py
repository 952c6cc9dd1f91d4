"""What a benchmark found."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from calogan.benchmark.plan import Contestant, Plan

__all__ = ["FileRow", "Result", "Row", "with_speed_ups"]

_SCHEMA = 1


@dataclass(frozen=True)
class Row:
    """Time per shower of a simulator on a piece of hardware with one batch size.

    Args:
        simulator: Name.
        device: `cpu`, `cuda` or `server`.
        hardware: The same for people: `CPU, 2 threads`.
        threads: Threads; None where that is not ours to say.
        batch_size: Showers per call; None for one that makes them one after another.
        ms_per_shower: Median over the repeats, or mean over the showers of one that makes them
            one after another: these differ in energy, and the mean is what a production costs.
        spread_ms: Half of the range that holds the central 68 % of these.
        error_ms: Statistical error of `ms_per_shower`; None with fewer than two of them.
        repeats: How many repeats, or showers, these are.
        n_showers: How many showers were made in all.
        speed_up: Time per shower of Geant4 over this one; None without Geant4.
        speed_up_error: Its statistical error.
    """

    simulator: str
    device: str
    hardware: str
    threads: int | None
    batch_size: int | None
    ms_per_shower: float
    spread_ms: float
    error_ms: float | None
    repeats: int
    n_showers: int
    speed_up: float | None = None
    speed_up_error: float | None = None

    @classmethod
    def create(
        cls, contestant: Contestant, batch_size: int | None, times_ms: Sequence[float], n: int
    ) -> Row:
        """Make a row of times per shower [ms]: one per repeat, or one per shower.

        The error of a median is 1.25 times that of a mean (normal distribution).
        """
        times = np.asarray(times_ms)
        low, high = np.quantile(times, [0.16, 0.84])
        error = None
        if len(times) > 1:
            error = float(times.std(ddof=1) / math.sqrt(len(times)))
            error *= 1.0 if batch_size is None else 1.25
        middle = times.mean() if batch_size is None else np.median(times)
        return cls(
            simulator=contestant.simulator,
            device=contestant.device,
            hardware=contestant.hardware,
            threads=contestant.threads,
            batch_size=batch_size,
            ms_per_shower=float(middle),
            spread_ms=float(high - low) / 2,
            error_ms=error,
            repeats=len(times),
            n_showers=n,
        )


@dataclass(frozen=True)
class FileRow:
    """From incident particles to a finished file, and the memory that all of it took.

    Args:
        simulator: Name.
        device: `cpu`, `cuda` or `server`.
        hardware: The same for people.
        open_s: Time to open the simulator [s].
        n_showers: Showers of the file; 0 if none was written.
        ms_per_shower: Time for the file, per shower [ms].
        showers_per_s: Throughput, writing included.
        outside_simulator: Share of that time that did not go into the simulator: writing, mostly.
        bytes_per_shower: Size of the file, per shower.
        peak_memory_mb: Most memory that the process of the simulator had, for all batch sizes and
            the file [MB].
    """

    simulator: str
    device: str
    hardware: str
    open_s: float
    n_showers: int
    ms_per_shower: float | None
    showers_per_s: float | None
    outside_simulator: float | None
    bytes_per_shower: float | None
    peak_memory_mb: float | None


@dataclass(frozen=True)
class Result:
    """All that a benchmark found.

    Args:
        plan: What was measured.
        particle: The incident particle.
        machine: What `describe_machine` says.
        rows: Times per shower.
        files: Throughput and memory.
    """

    plan: Plan
    particle: str
    machine: dict[str, Any]
    rows: tuple[Row, ...]
    files: tuple[FileRow, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as JSON-like values."""
        return {
            "schema": _SCHEMA,
            "machine": self.machine,
            "plan": {**asdict(self.plan), "particle": self.particle},
            "rows": [asdict(row) for row in self.rows],
            "files": [asdict(row) for row in self.files],
        }

    def write_json(self, path: str | Path) -> Path:
        """Write it to a file, whole or not at all.

        Raises:
            OutputError: The file cannot be written.
        """
        from calogan.files.output import whole_file

        text = json.dumps(self.as_dict(), indent=1, allow_nan=False) + "\n"
        with whole_file(path) as part:
            part.write_text(text, encoding="utf-8")
        return Path(path)


def with_speed_ups(rows: Sequence[Row]) -> tuple[Row, ...]:
    """Add to each row how much faster than Geant4 it is, if Geant4 is among them."""
    reference = next((row for row in rows if row.simulator == "geant4"), None)
    if reference is None:
        return tuple(rows)
    return tuple(
        replace(row, speed_up=ratio, speed_up_error=_error(reference, row, ratio))
        for row in rows
        for ratio in [reference.ms_per_shower / row.ms_per_shower]
    )


def _error(reference: Row, row: Row, ratio: float) -> float | None:
    if row is reference:
        return 0.0
    if reference.error_ms is None or row.error_ms is None:
        return None
    return ratio * math.hypot(
        reference.error_ms / reference.ms_per_shower, row.error_ms / row.ms_per_shower
    )
