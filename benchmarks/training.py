"""Time and memory of a training: calogan's against the same networks in plain PyTorch.

Both sides train the paper's networks, with the published settings, on the same showers; see
`naive_calogan.py` for the plain side. Each runs in a process of its own; for each setting the two
take turns, so that a busy machine slows both alike, and the ratio is taken turn by turn.

    python benchmarks/training.py --batch-sizes 64,256 --threads 1,2
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

SIDES = ("calogan", "naive")
MB_PER_KB = 1024 / 1e6


def prepare(side: str, batch_size: int, latent_size: int) -> tuple[Callable[[], None], list[int]]:
    """Make networks and showers of one side.

    Returns:
        An update with one batch, and the numbers that generator and discriminator learn.
    """
    import torch
    from lightning_fabric import Fabric

    from calogan.samples import sample_path
    from calogan.training import make_config
    from calogan.training.adversarial import setup, update
    from calogan.training.loading import load_showers

    torch.manual_seed(0)
    config = make_config(batch_size=batch_size, latent_size=latent_size)
    showers, _ = load_showers({"e+": [sample_path("eplus")]}, config)
    (batch, *_) = showers.batches(0, batch_size)
    if side == "calogan":
        fabric = Fabric(accelerator="cpu", devices=1)
        state = setup(config, showers, fabric)
        networks = [state.modules[name] for name in ("generator", "discriminator")]
        learnt = [sum(p.numel() for p in network.parameters()) for network in networks]

        def run() -> None:
            update(state, batch, showers, config, fabric)
    else:
        from naive_calogan import NaiveTraining

        training = NaiveTraining(latent_size)
        learnt = training.learnt()
        images = [layer[:, None] for layer in batch.layers]

        def run() -> None:
            training.update(images, batch.condition)

    return run, learnt


def measure(side: str, batch_size: int, latent_size: int, threads: int, updates: int) -> None:
    """Answer each line that is read with wall and CPU seconds per update, and peak memory."""
    import torch

    torch.set_num_threads(threads)
    run, learnt = prepare(side, batch_size, latent_size)
    for _ in range(2):  # memory and optimisers are set up
        run()
    print(json.dumps(learnt), flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(updates):
            run()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * MB_PER_KB
        print(json.dumps([wall / updates, cpu / updates, peak_mb]), flush=True)


class Worker:
    """A side in a process of its own."""

    def __init__(
        self, side: str, batch_size: int, threads: int, options: argparse.Namespace
    ) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable,
                __file__,
                f"--measure={side}",
                f"--batch-sizes={batch_size}",
                f"--threads={threads}",
                f"--latent-size={options.latent_size}",
                f"--updates={options.updates}",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        )
        self.learnt = self._answer()

    def turn(self) -> list[float]:
        """Let it run some updates: wall and CPU seconds of one, and peak memory [MB]."""
        assert self._process.stdin is not None
        print(file=self._process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> list[float]:
        assert self._process.stdout is not None
        answer: list[float] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def compare(batch_size: int, threads: int, options: argparse.Namespace) -> None:
    """Print a line for each side, and their ratios."""
    workers = [Worker(side, batch_size, threads, options) for side in SIDES]
    ours, naive = (worker.learnt for worker in workers)
    assert ours == naive, f"not the same networks: {ours} and {naive} learnt numbers"
    found = np.zeros((options.turns, len(SIDES), 3))
    for turn in range(options.turns):
        for side in (0, 1) if turn % 2 else (1, 0):
            found[turn, side] = workers[side].turn()
    for worker in workers:
        worker.close()
    per_10k = found[:, :, :2] * (10_000 / batch_size)
    for side, name in enumerate(SIDES):
        wall, cpu = (np.median(per_10k[:, side, k]) for k in (0, 1))
        memory = found[-1, side, 2]
        print(f"{batch_size:6} {threads:8} {name:8}{wall:10.1f}{cpu:10.1f}{memory:10.0f}")
    ratios = []
    for k in (0, 1):
        ratio = found[:, 1, k] / found[:, 0, k]
        ratios.append(f"{ratio.mean():5.2f}+-{ratio.std(ddof=1) / len(ratio) ** 0.5:.2f}")
    memory = found[-1, 1, 2] / found[-1, 0, 2]
    print(f"{'':15} {'ratio':8}{ratios[0]:>10}{ratios[1]:>10}{memory:10.2f}", flush=True)


def main() -> None:
    """Print a table: settings and sides down, time and memory across."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-sizes", default="64,256")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--latent-size", type=int, default=1024, help="1024 in the paper")
    parser.add_argument("--updates", type=int, default=3, help="in each turn")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    batch_sizes, threads = (
        [int(part) for part in text.split(",")] for text in (options.batch_sizes, options.threads)
    )
    if options.measure:
        measure(options.measure, batch_sizes[0], options.latent_size, threads[0], options.updates)
        return
    print(f"latent size {options.latent_size}; seconds per 10,000 showers, peak memory in MB")
    print(f"{'batch':>6} {'threads':>8} {'':8}{'wall':>10}{'CPU':>10}{'memory':>10}")
    for batch_size in batch_sizes:
        for n in threads:
            compare(batch_size, n, options)


if __name__ == "__main__":
    main()
