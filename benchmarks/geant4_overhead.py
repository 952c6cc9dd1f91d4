"""What recording and binning cost: `Geant4Simulator` against bare calzone, same events.

Both sides run in one process, in turn, with the same particles and the same random numbers, so
that Geant4 does exactly the same work. Bare means that calzone records nothing.

    python benchmarks/geant4_overhead.py --physics-list FTFP_BERT --particle e+
"""

from __future__ import annotations

import argparse
import time

import calzone
import numpy as np

from calogan.geant4 import Geant4Simulator
from calogan.incident import Incident


def main() -> None:
    """Print seconds per shower of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--physics-list", default="FTFP_BERT")
    parser.add_argument("--particle", default="e+")
    parser.add_argument("--energy", default="1:100", help="GeV, as for calogan simulate")
    parser.add_argument("-n", type=int, default=5, help="showers in each turn")
    parser.add_argument("--turns", type=int, default=8)
    options = parser.parse_args()

    simulator = Geant4Simulator(physics_list=options.physics_list)
    geant4 = simulator._simulation  # one Geant4 for both: two would differ in more than this
    seconds = np.zeros((options.turns, 2))
    simulator.simulate(Incident.create(options.particle, [1.0]))  # Geant4 builds its tables
    for turn in range(options.turns):
        incident = Incident.draw(options.particle, options.energy, options.n, seed=turn)
        particles = calzone.particles(
            options.n,
            pid=incident.pdgid,
            energy=1e3 * incident.energy_gev,
            position=incident.position_mm / 10,
            direction=incident.direction,
        )
        for side in (0, 1) if turn % 2 else (1, 0):
            # CPU time, and not the clock's: other work on the machine does not count
            start = time.process_time()
            if side == 0:
                simulator.simulate(incident, np.random.default_rng(turn))
            else:
                low, high = np.random.default_rng(turn).integers(0, 2**64, 2, dtype=np.uint64)
                geant4.random.seed = int(high) << 64 | int(low)
                geant4.sample_deposits = None
                geant4.run(particles)
            seconds[turn, side] = time.process_time() - start
            geant4.sample_deposits = "detailed"
    ours, theirs = seconds.sum(axis=0) / (options.turns * options.n)
    spread = (seconds[:, 0] / seconds[:, 1]).std(ddof=1) / np.sqrt(options.turns)
    print(f"{options.physics_list}, {options.particle}, {options.energy} GeV")
    print(f"  Geant4Simulator {1e3 * ours:8.1f} ms per shower")
    print(f"  bare calzone    {1e3 * theirs:8.1f} ms per shower")
    print(f"  ratio           {ours / theirs:8.2f} +- {spread:.2f}")


if __name__ == "__main__":
    main()
