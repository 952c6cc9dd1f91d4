"""What fast simulation inside Geant4 gains, and what it costs in accuracy.

Geant4 simulates electrons behind upstream material in full; with `--fast`, models take over at the
face of the calorimeter. All sides run in processes of their own, with the same incident particles,
in turn. CPU time is counted, and not the clock's: other work on the machine does not count.

    python benchmarks/fast_simulation.py --fast network=eplus,library:sample:gamma \
        --fast library=library:sample:eplus,library:sample:gamma
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from calogan.catalogue import open_simulator
from calogan.evaluation import compare_files
from calogan.files import write_showers
from calogan.incident import Incident
from calogan.showers import Showers
from calogan.simulator import Simulator

EXAMPLES = Path(__file__).parents[1] / "examples" / "upstream"
SHOWN = ("response", "f_0", "f_1", "f_2", "sigma_eta_0", "sigma_phi_0", "sigma_eta_1", "hits_1")

_simulator: list[Simulator] = []


def start(particle: str, options: dict[str, Any]) -> None:
    """Open the simulator of a side in its process, and let Geant4 build its tables."""
    _simulator.append(open_simulator("geant4", **options))
    _simulator[0].simulate(Incident.create(particle, [1.0]), np.random.default_rng(0))


def turn(incident: Incident, seed: int) -> tuple[float, Showers]:
    """Simulate, and give the seconds of CPU time that it took."""
    started = time.process_time()
    showers = _simulator[0].simulate(incident, np.random.default_rng(seed))
    return time.process_time() - started, showers


def main() -> None:
    """Print the time of each side, and the means and standard deviations of shower shapes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fast", action="append", required=True, metavar="NAME=MODEL,MODEL")
    parser.add_argument("--upstream", type=Path, default=EXAMPLES / "aluminium.yaml")
    parser.add_argument("--particle", default="e-")
    parser.add_argument("--energy", default="1:100", help="GeV, as for calogan simulate")
    parser.add_argument("--physics-list", default="FTFP_BERT")
    parser.add_argument("-n", type=int, default=40, help="showers in each turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path, help="folder for showers, report and figure")
    given = parser.parse_args()

    common = {"upstream": given.upstream, "physics_list": given.physics_list}
    models = dict(fast.split("=", 1) for fast in given.fast)
    options = {"full": common} | {
        name: {**common, "fast": names.split(",")} for name, names in models.items()
    }
    spawn = multiprocessing.get_context("spawn")
    sides = {
        name: ProcessPoolExecutor(1, spawn, start, (given.particle, side))
        for name, side in options.items()
    }
    seconds = {name: np.zeros(given.turns) for name in sides}
    showers: dict[str, list[Showers]] = {name: [] for name in sides}
    for k in range(given.turns):
        incident = Incident.draw(given.particle, given.energy, given.n, seed=k)
        for name, side in sides.items():
            seconds[name][k], made = side.submit(turn, incident, 1000 + k).result()
            showers[name].append(made)
    for side in sides.values():
        side.shutdown()

    total = given.turns * given.n
    print(f"{total} {given.particle} of {given.energy} GeV behind {given.upstream.stem},", end=" ")
    print(given.physics_list)
    for name, spent in seconds.items():
        ratio = seconds["full"] / spent
        error = ratio.std(ddof=1) / np.sqrt(given.turns)
        gain = f"{seconds['full'].sum() / spent.sum():6.1f} +- {error:.1f} times faster"
        print(f"  {name:12s} {1e3 * spent.sum() / total:8.1f} ms per event  {gain}")
    if given.output is not None:
        given.output.mkdir(parents=True, exist_ok=True)
        for name, parts in showers.items():
            write_showers(given.output / f"{name}.h5", Showers.concatenate(parts))
        compare(given.output, list(sides))


def compare(folder: Path, names: list[str]) -> None:
    """Print means and standard deviations of the sides, and draw their distributions."""
    files = [folder / f"{name}.h5" for name in names]
    found = compare_files(files[0], files[1:], folder / "report", names=names)["observables"]
    print(" " * 14 + "".join(f"{name:>22s}" for name in names))
    for observable in SHOWN:
        row = found[observable]
        moments = [row["reference"], *(row["candidates"][name] for name in names[1:])]
        cells = "".join(f"{one['mean']:12.4f} +- {one['sd']:6.4f}" for one in moments)
        print(f"  {observable:12s}{cells} {row['unit']}")
    draw(folder / "fast_simulation.png", files, names)


def draw(path: Path, files: list[Path], names: list[str]) -> None:
    """Draw the distributions of six observables."""
    import matplotlib.pyplot as plt

    from calogan.files import read_showers
    from calogan.observables import observables_of

    sides = [read_showers(file) for file in files]
    shown = ("response", "f_0", "f_2", "sigma_eta_0", "sigma_eta_1", "hits_1")
    known = {one.name: one for one in observables_of(sides[0].calorimeter)}
    figure, panels = plt.subplots(2, 3, figsize=(10, 5.6), layout="constrained")
    for name, axes in zip(shown, panels.flat, strict=True):
        values = [known[name].compute(side) for side in sides]
        values = [one[np.isfinite(one)] for one in values]
        low, high = np.quantile(values[0], [0.005, 0.995])
        margin = 0.35 * (high - low)
        edges = np.linspace(max(low - margin, 0), high + margin, 31)
        axes.hist(
            values[0].clip(edges[0], edges[-1]),
            edges,
            density=True,
            color="0.85",
            edgecolor="0.4",
            histtype="stepfilled",
            label=names[0],
        )
        for one, label, color in zip(values[1:], names[1:], ("C3", "C0", "C2"), strict=False):
            clipped = one.clip(edges[0], edges[-1])
            axes.hist(
                clipped, edges, density=True, histtype="step", color=color, lw=1.4, label=label
            )
        unit = f" [{known[name].unit}]" if known[name].unit else ""
        axes.set_xlabel(known[name].label + unit)
        axes.set_yticks([])
    panels[0, 0].legend(frameon=False, loc="upper left", fontsize=9)
    panels[0, 0].set_ylabel("showers")
    panels[1, 0].set_ylabel("showers")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
