"""Speed of the observables: all at once, beside each on its own, and as a table in a file.

    python benchmarks/observables.py [--showers 10000]

Times are those of the processor, in ms per shower; the ratio is to computing each on its own.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from calogan.calorimeter import CALOGAN, Calorimeter
from calogan.evaluation.table import write_observables
from calogan.files import write_showers
from calogan.incident import Incident
from calogan.observables import observables_of, observables_table
from calogan.samples import read_sample
from calogan.showers import Showers


def showers_of(calorimeter: Calorimeter, n: int) -> Showers:
    """Showers of the sample, again and again; for another calorimeter cells at random."""
    rng = np.random.default_rng(0)
    if calorimeter == CALOGAN:
        sample = read_sample("eplus")
        return sample[rng.integers(0, len(sample), n)]
    layers = tuple(
        rng.gamma(0.3, 5, (n, *shape)).astype(np.float32) for shape in calorimeter.layer_shapes
    )
    none = np.zeros((n, len(layers)), np.float32)
    return Showers(Incident.create("e+", np.full(n, 50.0)), layers, none, calorimeter)


def seconds(work: Callable[[], object], repeats: int = 3) -> float:
    """Best of several, in time of the processor, which other work on the machine lengthens less."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return float(best)


def measure(calorimeter: Calorimeter, n: int) -> None:
    """Print the times of n showers in a calorimeter."""
    showers, listed = showers_of(calorimeter, n), observables_of(calorimeter)
    alone = seconds(lambda: [one.compute(showers) for one in listed])
    rows = {"each on its own": alone, "all at once": seconds(lambda: observables_table(showers))}
    endings = ["csv"]
    endings += ["parquet"] if find_spec("pyarrow") else []
    endings += ["h5"] if find_spec("pandas") and find_spec("tables") else []
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "showers.h5")
        write_showers(file, showers)
        for ending in endings:
            table = file.with_name(f"table.{ending}")
            rows[f"file to {ending}"] = seconds(partial(write_observables, file, table))
    print(f"{calorimeter.name}: {len(listed)} observables of {n} showers")
    for name, spent in rows.items():
        print(f"  {name:16s} {1e3 * spent / n:8.3f} ms {spent / alone:6.2f}")


def main() -> None:
    """Print the times, with the paper's calorimeter and one of 45 layers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--showers", type=int, default=10_000)
    n = parser.parse_args().showers
    measure(CALOGAN, n)
    measure(Calorimeter.load("si-w"), max(1, n // 10))


if __name__ == "__main__":
    main()
