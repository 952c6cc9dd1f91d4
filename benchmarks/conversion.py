"""Speed of the conversions between file formats, beside plain copying of the same arrays.

    python benchmarks/conversion.py [--showers 20000]

Each direction is timed with showers that differ from one another, in time of the processor; MB/s
count the showers' cells and overflows as float32, whatever a format makes of them. The ratios are to
copying the same float32 from HDF5 to HDF5 in the same batches, plainly and compressed as our files
are: nothing that writes our files can be faster than the second.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from calogan.calorimeter import CALOGAN
from calogan.files import write_showers
from calogan.files.convert import convert, rows_per_batch
from calogan.samples import read_sample
from calogan.showers import Showers


def showers_of(n: int) -> Showers:
    """Showers of the sample, again and again, each cell times a random factor of its own."""
    rng = np.random.default_rng(0)
    sample = read_sample("eplus")
    showers = sample[rng.integers(0, len(sample), n)]
    layers = tuple(
        layer * rng.uniform(0.9, 1.1, layer.shape).astype(np.float32) for layer in showers.layers
    )
    return Showers(showers.incident, layers, showers.overflow, CALOGAN)


def seconds(work: Callable[[], object], repeats: int) -> float:
    """Best of several, in time of the processor, which other work on the machine lengthens less."""
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
    return float(best)


def copy_array(source: Path, target: Path, **options: Any) -> None:
    """Copy one array in the batches of a conversion."""
    size = rows_per_batch(CALOGAN)
    with h5py.File(source) as old, h5py.File(target, "w") as new:
        cells = new.create_dataset("cells", old["cells"].shape, old["cells"].dtype, **options)
        for start in range(0, len(cells), size):
            cells[start : start + size] = old["cells"][start : start + size]


def main() -> None:
    """Time each direction and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--showers", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    showers = showers_of(arguments.showers)
    megabytes = 4e-6 * len(showers) * (CALOGAN.n_cells + len(CALOGAN.layers))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = {
            "paper": folder / "a.h5",
            "root": folder / "a.root",
            "calochallenge": folder / "a.hdf5",
        }
        write_showers(files["paper"], showers)
        for form, path in files.items():
            if form != "paper":
                convert(files["paper"], path, to=form)
        plain, packed = folder / "plain.h5", folder / "packed.h5"
        with h5py.File(plain, "w") as file:
            file["cells"] = np.concatenate([showers.cells, showers.overflow], axis=1)
        options = {
            "chunks": (512, CALOGAN.n_cells + len(CALOGAN.layers)),
            "compression": "gzip",
            "compression_opts": 4,
            "shuffle": True,
        }
        copy_array(plain, packed, **options)
        jobs: dict[str, Callable[[], object]] = {
            "plain copy": partial(copy_array, plain, folder / "out"),
            "compressed copy": partial(copy_array, packed, folder / "out", **options),
        }
        for source, path in files.items():
            for target in files:
                if source != target or source == "paper":
                    jobs[f"{source} -> {target}"] = partial(
                        convert, path, folder / "out", to=target
                    )
        print(f"{len(showers)} showers, {megabytes:.0f} MB as float32")
        for form, path in files.items():
            print(f"  {form:<14} {path.stat().st_size / 1e6:6.1f} MB on disk")
        print(f"{'':<24} {'MB/s':>8} {'/ plain':>9} {'/ compressed':>13}")
        times: dict[str, float] = {}
        for name, work in jobs.items():
            times[name] = seconds(work, arguments.repeats)
            ratios = [times[base] / times[name] for base in list(jobs)[:2] if base in times]
            columns = "".join(f" {ratio:10.3f}" for ratio in ratios)
            print(f"{name:<24} {megabytes / times[name]:8.1f}{columns}")


if __name__ == "__main__":
    main()
