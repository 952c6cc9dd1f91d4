"""Prints how fast training showers are read, from memory and from files, and the memory it takes.

    python benchmarks/reading.py FILE.h5 [--copies 10] [--memory-mb 100]

FILE is read `--copies` times as if it were as many files. "from files" is a training whose showers
do not fit into `--memory-mb`. Seconds are those of the processor.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory


def measure(files: list[Path], memory_mb: int) -> None:
    """Read every shower once, and print what an epoch takes after that."""
    from calogan.training import make_config
    from calogan.training.loading import load_showers

    config = make_config(memory_mb=memory_mb, buffer_size=4096, validation_showers=500)
    data, _ = load_showers({"e+": files}, config)
    data.mean_images()
    started = time.process_time()
    n = sum(len(batch.label) for batch in data.batches(0, 64))
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    held = sum(file.n * file.n_readings for file in data.files) * data.calorimeter.n_cells * 4e-6
    print(
        f"{'memory' if data.in_memory else 'files':7} {n:8} showers of {held:6.0f} MB:"
        f" {n / seconds:8.0f} showers/s, {1e6 * seconds / n:6.1f} us each; peak {peak:5.0f} MB"
    )


def main() -> None:
    """Measure each way in a process of its own."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--copies", type=int, default=10)
    parser.add_argument("--memory-mb", type=int, default=100)
    parser.add_argument("--measure", type=int, help="used by the program itself")
    given = parser.parse_args()
    if given.measure is not None:
        measure(sorted(given.file.glob("*.h5")), given.measure)
        return
    with TemporaryDirectory() as folder:
        for k in range(given.copies):
            Path(folder, f"eplus_{k:03d}.h5").symlink_to(given.file.resolve())
        for memory_mb in (1_000_000, given.memory_mb):
            code = [sys.executable, __file__, folder, "--measure", str(memory_mb)]
            subprocess.run(code, check=True)


if __name__ == "__main__":
    main()
