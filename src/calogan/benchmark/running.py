"""Running a benchmark: simulators take turns, repeat after repeat."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from calogan.benchmark.machine import describe_machine
from calogan.benchmark.plan import Plan
from calogan.benchmark.result import FileRow, Result, Row, with_speed_ups
from calogan.benchmark.worker import Worker
from calogan.incident import Incident

__all__ = ["run_benchmark", "spread_evenly"]

_MEASUREMENT_S = 0.2
"""How long a measurement takes at least: calls are repeated until it does."""

_MOST_IN_FILE = 20_000
_ENERGIES = 4096
"""Incident particles that are drawn, if no batch is larger."""


@dataclass
class _Lane:
    """A simulator, and what was measured of it."""

    worker: Worker
    about: dict[str, Any]
    calls: dict[int, int] = field(default_factory=dict)
    turns: dict[int, int] = field(default_factory=dict)
    times_ms: dict[int | None, list[float]] = field(default_factory=dict)
    n_showers: dict[int | None, int] = field(default_factory=dict)

    @property
    def one_by_one(self) -> bool:
        return bool(self.about["one_by_one"])

    def add(self, batch_size: int | None, times_ms: list[float], n: int) -> None:
        self.times_ms.setdefault(batch_size, []).extend(times_ms)
        self.n_showers[batch_size] = self.n_showers.get(batch_size, 0) + n

    def rows(self) -> list[Row]:
        return [
            Row.create(self.worker.contestant, size, times, self.n_showers[size])
            for size, times in self.times_ms.items()
        ]


def run_benchmark(plan: Plan, on_progress: Callable[[str, float], None] | None = None) -> Result:
    """Measure the time per shower of simulators.

    All of them get the same incident particles. Each is warmed up first. Then, repeat after
    repeat, each has its turn with each batch size. A turn is as many calls as take 0.2 s.

    Args:
        plan: What to measure.
        on_progress: Called with what is done, and the share of all that is done.

    Returns:
        Times per shower, throughput with a file, memory, and the machine.

    Raises:
        CaloganError: A simulator cannot be opened, or does not take these particles.
    """
    report = on_progress or (lambda _what, _share: None)
    machine = describe_machine()
    contestants = plan.contestants()
    with ExitStack() as stack:
        lanes = []
        for k, contestant in enumerate(contestants):
            report(f"opening {contestant.simulator}", 0.05 * k / len(contestants))
            worker = stack.enter_context(Worker.open(contestant))
            lanes.append(_Lane(worker, worker.ask("about")))
        particle = plan.particle or next(
            (lane.about["particle"] for lane in lanes if lane.about["particle"]), "e+"
        )
        n = max(_ENERGIES, *plan.batch_sizes)
        incident = spread_evenly(Incident.draw(particle, plan.energy, n, seed=plan.seed))
        for lane in lanes:
            report(f"warming {lane.worker.contestant.simulator} up", 0.05)
            lane.worker.ask("prepare", incident, plan.seed)
            _warm_up(lane, plan)
        for turn in range(plan.repeats):
            for lane in lanes:
                name, share = lane.worker.contestant.simulator, turn / plan.repeats
                report(f"{name}, repeat {turn + 1}", 0.1 + 0.7 * share)
                _take_turn(lane, plan, turn)
        rows = with_speed_ups([row for lane in lanes for row in lane.rows()])
        files = []
        for k, lane in enumerate(lanes):
            report(f"file of {lane.worker.contestant.simulator}", 0.8 + 0.2 * k / len(lanes))
            files.append(_file_row(lane, plan))
    report("done", 1.0)
    return Result(plan, str(particle), machine, rows, tuple(files))


def spread_evenly(incident: Incident) -> Incident:
    """Put particles in an order of which any beginning has energies from the whole spectrum.

    Multiples of the golden ratio, modulo 1, say which quantile of the energies comes next: no
    other number keeps them further apart. So a few showers of Geant4 stand for all of them.
    """
    n = len(incident)
    quantile = (0.5 + np.arange(n) * (math.sqrt(5) - 1) / 2) % 1
    rank = np.argsort(np.argsort(quantile))
    return incident[np.argsort(incident.energy_gev, kind="stable")[rank]]


def _warm_up(lane: _Lane, plan: Plan) -> None:
    """Let caches and arenas fill; find out how many calls make a measurement."""
    if lane.one_by_one:
        lane.worker.ask("shower_seconds", 1e-9)  # one shower: Geant4 builds its tables first
        return
    for size in plan.batch_sizes:
        lane.worker.ask("batch_seconds", size, 1)
        seconds = lane.worker.ask("batch_seconds", size, 2) / 2
        slice_s = min(_MEASUREMENT_S, plan.limit_s / plan.repeats)
        lane.calls[size] = max(1, round(slice_s / max(seconds, 1e-6)))
        lane.turns[size] = max(1, min(plan.repeats, int(plan.limit_s / max(seconds, 1e-6))))


def _take_turn(lane: _Lane, plan: Plan, turn: int) -> None:
    if lane.one_by_one:
        seconds = lane.worker.ask("shower_seconds", plan.limit_s / plan.repeats)
        lane.add(None, [1e3 * second for second in seconds], len(seconds))
        return
    for size in plan.batch_sizes:
        if turn < lane.turns[size]:
            n = lane.calls[size] * size
            seconds = lane.worker.ask("batch_seconds", size, lane.calls[size])
            lane.add(size, [1e3 * seconds / n], n)


def _file_row(lane: _Lane, plan: Plan) -> FileRow:
    fastest_ms = min(row.ms_per_shower for row in lane.rows())
    n = _MOST_IN_FILE if plan.n_file is None else plan.n_file
    if plan.n_file is None or lane.one_by_one:  # Geant4 would take hours for what others do
        n = min(n, int(1e3 * plan.limit_s / fastest_ms))
    found = lane.worker.ask("write_file", n, plan.seed) if n else None
    contestant = lane.worker.contestant
    return FileRow(
        simulator=contestant.simulator,
        device=contestant.device,
        hardware=contestant.hardware,
        open_s=lane.about["open_s"],
        n_showers=n,
        ms_per_shower=1e3 * found["total_s"] / n if found else None,
        showers_per_s=n / found["total_s"] if found else None,
        outside_simulator=1 - found["simulating_s"] / found["total_s"] if found else None,
        bytes_per_shower=found["bytes"] / n if found else None,
        peak_memory_mb=lane.worker.ask("peak_memory_mb"),
    )
