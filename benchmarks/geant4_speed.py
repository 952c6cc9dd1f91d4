"""CPU time of Geant4 per GeV, by particle and physics list.

Each physics list runs in a process of its own, and the lists take turns, particle by particle, so
that a busy machine slows all of them alike.

    python benchmarks/geant4_speed.py --physics-lists FTFP_BERT,FTFP_BERT_EMV --energy 20
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time

import numpy as np

from calogan.geant4 import Geant4Simulator
from calogan.incident import Incident


def measure(physics_list: str, energy_gev: float, n: int, turns: int) -> None:
    """Answer each particle that is read with CPU milliseconds per GeV, one per turn, as JSON."""
    simulator = Geant4Simulator(physics_list=physics_list)
    for particle in map(str.strip, sys.stdin):
        simulator.simulate(Incident.create(particle, [1.0]), np.random.default_rng(0))  # tables
        found = []
        for turn in range(turns):
            incident = Incident.create(particle, np.full(n, energy_gev))
            start = time.process_time()
            simulator.simulate(incident, np.random.default_rng(turn))
            found.append(1e3 * (time.process_time() - start) / (n * energy_gev))
        print(json.dumps(found), flush=True)


def main() -> None:
    """Print a table: particles down, physics lists across."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--physics-lists", default="FTFP_BERT,FTFP_BERT_EMV,QGSP_BERT,QGSP_BIC")
    parser.add_argument("--particles", default="e+,gamma,pi+,p,n,mu-")
    parser.add_argument("--energy", type=float, default=20.0, help="GeV")
    parser.add_argument("-n", type=int, default=5, help="showers in each turn")
    parser.add_argument("--turns", type=int, default=6)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.energy, options.n, options.turns)
        return
    lists, particles = options.physics_lists.split(","), options.particles.split(",")
    arguments = [f"--energy={options.energy}", f"-n={options.n}", f"--turns={options.turns}"]
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, "--measure", physics_list, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for physics_list in lists
    ]
    print(f"ms of CPU time per GeV, at {options.energy:g} GeV")
    print(" " * 8 + "".join(f"{physics_list:>20}" for physics_list in lists))
    for particle in particles:
        cells = []
        for worker in workers:
            assert worker.stdin is not None
            assert worker.stdout is not None
            print(particle, file=worker.stdin, flush=True)
            found = np.array(json.loads(worker.stdout.readline()))
            error = found.std(ddof=1) / np.sqrt(len(found))
            cells.append(f"{found.mean():>12.1f} +- {error:4.1f}")
        print(f"{particle:8}" + "".join(cells), flush=True)
    for worker in workers:
        worker.communicate()


if __name__ == "__main__":
    main()
