"""What it costs to simulate jets, and what the vetoes lose.

    python benchmarks/jets.py --collisions 2000 --jets 200

Pythia simulates collisions of signal and of background to their end. Of each, the veto says whether
it would have given the collision up, without doing so. A jet of the selection in such a collision is
lost by the veto. Then jets are simulated as `calogan jets simulate` does it, and timed.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from calogan.jets.simulation import collisions
from calogan.jets.simulation.collisions import BACKGROUND, SIGNAL, Collisions, Process
from calogan.jets.simulation.pythia_jets import PythiaJets, is_selected
from calogan.jets.simulation.trimming import trim
from calogan.jets.simulation.veto import BosonVeto, JetVeto


def watched(process: Process, n: int, seed: int) -> tuple[int, int, int]:
    """Of n collisions: how many are given up, have a jet of the selection, and both."""
    decisions: list[bool] = []
    kind: Any = BosonVeto if process is SIGNAL else JetVeto

    class Watched(kind):  # type: ignore[misc]
        def doVetoPT(self, origin: int, event: Any) -> bool:
            decisions.append(super().doVetoPT(origin, event))
            return False

    setattr(collisions, kind.__name__, Watched)
    try:
        source = Collisions(process, seed)
    finally:
        setattr(collisions, kind.__name__, kind)
    given_up = selected = lost = 0
    for _ in range(n):
        decisions.clear()
        jets = trim(source.towers(1))
        vetoed = any(decisions)  # Pythia asks more than once
        found = bool(is_selected(jets).any())
        given_up += vetoed
        selected += found
        lost += found and vetoed
    return given_up, selected, lost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--collisions", type=int, default=2000, help="of each process")
    parser.add_argument("--jets", type=int, default=200, help="of each class, to time")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    for process in (SIGNAL, BACKGROUND):
        n = given.collisions
        given_up, selected, lost = watched(process, n, given.seed)
        print(
            f"{process.name}: of {n} collisions {given_up / n:.1%} would be given up; "
            f"{selected} have a jet of the selection ({selected / n:.2%}), {lost} of them lost"
        )
    for name, kind in (("W", True), ("QCD", False)):
        started = time.process_time()
        PythiaJets().simulate(np.full(given.jets, kind), np.random.default_rng(given.seed))
        seconds = time.process_time() - started
        print(f"{name}: {1e3 * seconds / given.jets:.0f} ms of processor time per jet")


if __name__ == "__main__":
    main()
