"""Showers per second over the number of workers, through Parsl, and what keeping parts costs.

Each row makes the same file as the first one, which is checked. The time to start workers and
Geant4 in them, seconds, is part of each. Processor time does not count what else runs.

    python benchmarks/scaling.py --workers 1 2 --parsl 2
    python benchmarks/scaling.py --with eplus -n 20000 --workers 1
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from functools import partial
from pathlib import Path

from calogan.catalogue import open_simulator
from calogan.incident import Incident
from calogan.production import incident_rng, produce
from calogan.production.cluster import Local


def cpu_seconds() -> float:
    """Processor time of this process and of the workers that ended; Parsl's are not ours."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def main() -> None:
    """Print showers per second of each way, and its ratio to the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--with", dest="simulator", default="geant4")
    parser.add_argument("--physics-list", default="FTFP_BERT_EMV")
    parser.add_argument("--particle", default="e+")
    parser.add_argument("--energy", default="5", help="GeV, as for calogan simulate")
    parser.add_argument("-n", type=int, default=200, help="showers of each row")
    parser.add_argument("--chunk-size", type=int, help="showers per task; the simulator's own")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--parsl", type=int, nargs="*", default=[], help="workers through Parsl")
    parser.add_argument("--repeat", type=int, default=1, help="turns; the fastest counts")
    options = parser.parse_args()

    given = {"physics_list": options.physics_list} if options.simulator == "geant4" else {}
    factory = partial(open_simulator, options.simulator, **given)
    incident = Incident.draw(options.particle, options.energy, options.n, seed=incident_rng(1))
    ways = {
        f"{workers} worker{'s' * (workers > 1)}, {kept}": {
            "workers": workers,
            "resumable": kept == "parts kept",
        }
        for workers in options.workers
        for kept in ("nothing kept", "parts kept")
    } | {
        f"{workers} through Parsl": {"cluster": Local(provider="local", workers_per_node=workers)}
        for workers in options.parsl
    }
    seconds: dict[str, float] = {}
    costs: dict[str, float] = {}
    content = None
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(options.repeat):
            for name, way in ways.items():
                path = Path(folder) / f"{turn}.h5"
                start, cpu = time.perf_counter(), cpu_seconds()
                produce(
                    factory,
                    incident,
                    path,
                    seed=1,
                    chunk_size=options.chunk_size,
                    made_with={},
                    **way,  # type: ignore[arg-type]
                )
                seconds[name] = min(seconds.get(name, 1e9), time.perf_counter() - start)
                costs[name] = min(costs.get(name, 1e9), cpu_seconds() - cpu)
                content = content or path.read_bytes()
                if path.read_bytes() != content:
                    msg = f"{name}: another file"
                    raise SystemExit(msg)
    print(f"{options.n} showers, {options.particle}, {options.energy} GeV, {options.simulator}")
    print(f"{len(os.sched_getaffinity(0))} cores")
    first = next(iter(seconds.values()))
    for name, each in seconds.items():
        cost = "" if "Parsl" in name else f"{1e3 * costs[name] / options.n:9.2f} ms of CPU each"
        print(f"  {name:26} {options.n / each:9.1f} showers/s  x {first / each:.2f} {cost}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"  largest worker {peak:.0f} MB")


if __name__ == "__main__":
    main()
