"""Many incident particles over many worker processes, in chunks.

Chunk k holds the particles `[k * size, (k + 1) * size)` and draws from its own random stream,
which the seed and k fix. Neither the number of workers nor their speed changes the chunks or their
order in the file: the same seed gives the same file, byte for byte.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from calogan.errors import CaloganError, ConfigurationError, SimulationError
from calogan.files import ShowerWriter
from calogan.incident import Incident
from calogan.showers import Showers
from calogan.simulator import Simulator

__all__ = ["Chunk", "chunks_of", "incident_rng", "produce"]

_DEFAULT_CHUNK_SIZE = 1000
_IN_FLIGHT_PER_WORKER = 4


@dataclass(frozen=True)
class Chunk:
    """Showers `start` to `stop` of a production: what one task simulates.

    Args:
        index: Number of the chunk, k.
        start: First shower.
        stop: One behind the last.
        seed: Seed of the production.
    """

    index: int
    start: int
    stop: int
    seed: int

    def rng(self) -> np.random.Generator:
        """Its own random stream: child k + 1 of the seed, as `SeedSequence.spawn` counts them."""
        return _stream(self.seed, self.index + 1)

    def __str__(self) -> str:
        """Name it in a message."""
        return f"showers {self.start} to {self.stop - 1} (chunk {self.index}, seed {self.seed})"


def _stream(seed: int, child: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(child,)))


def incident_rng(seed: int) -> np.random.Generator:
    """Stream that the incident particles of a production are drawn from: child 0 of the seed."""
    return _stream(seed, 0)


def chunks_of(n: int, size: int, seed: int) -> list[Chunk]:
    """Cut n showers into chunks of `size`; the last one may be smaller.

    Raises:
        ConfigurationError: A chunk must hold a shower at least.
    """
    if size < 1:
        msg = f"chunk size {size}: must be at least 1"
        raise ConfigurationError(msg)
    return [
        Chunk(k, start, min(start + size, n), seed) for k, start in enumerate(range(0, n, size))
    ]


def produce(
    factory: Callable[[], Simulator],
    incident: Incident,
    path: str | Path,
    *,
    seed: int,
    workers: int = 1,
    chunk_size: int | None = None,
    made_with: Mapping[str, Any],
    on_progress: Callable[[int], None] | None = None,
    executor: Executor | None = None,
) -> int:
    """Simulate incident particles and write the showers, in their order, to a file.

    With more than one worker, a script must call this below `if __name__ == "__main__":`, for
    the workers import the script.

    Args:
        factory: Opens the simulator, in each worker once; picklable, such as
            `functools.partial(open_simulator, "geant4")`.
        incident: The particles; `incident_rng(seed)` draws them reproducibly.
        path: The file to make. It appears when all showers are in it.
        seed: Fixes the showers, together with `chunk_size`.
        workers: Number of processes; with 1, everything runs in this one.
        chunk_size: Showers per task; the simulator's own `chunk_size`, or 1000, unless given.
        made_with: What the file says made it; seed and chunk size are added, and the
            simulator's `provenance`.
        on_progress: Called with the number of showers that are done.
        executor: Runs the tasks instead of local processes; stays open.

    Returns:
        The number of showers.

    Raises:
        CaloganError: Anything that the user can mend; no partial file stays behind.
    """
    if workers < 1:
        msg = f"{workers} workers: there must be at least 1"
        raise ConfigurationError(msg)
    # opened here as well: whatever is wrong with it, one clear line comes before all the work
    simulator = factory()
    if chunk_size is None:
        chunk_size = int(getattr(simulator, "chunk_size", _DEFAULT_CHUNK_SIZE))
    chunks = chunks_of(len(incident), chunk_size, seed)
    workers = min(workers, max(1, len(chunks)))
    provenance = {
        **getattr(simulator, "provenance", {}),
        **made_with,
        "calogan": version("calogan"),
        "n": len(incident),
        "seed": seed,
        "chunk_size": chunk_size,
    }
    with ShowerWriter(path, simulator.calorimeter, provenance) as writer:
        parts: Iterator[Showers]
        if executor is None and workers == 1:
            parts = (_simulate(simulator, incident, chunk) for chunk in chunks)
            _write(writer, parts, on_progress)
        else:
            with _running(executor, workers) as running:
                limit = _IN_FLIGHT_PER_WORKER * workers
                parts = _results(running, pickle.dumps(factory), incident, chunks, limit)
                _write(writer, parts, on_progress)
    return len(incident)


def _write(
    writer: ShowerWriter, parts: Iterator[Showers], on_progress: Callable[[int], None] | None
) -> None:
    done = 0
    for part in parts:
        writer.append(part)
        done += len(part)
        if on_progress is not None:
            on_progress(done)


def _simulate(simulator: Simulator, incident: Incident, chunk: Chunk) -> Showers:
    return simulator.simulate(incident[chunk.start : chunk.stop], chunk.rng())


def _results(
    executor: Executor, factory: bytes, incident: Incident, chunks: list[Chunk], limit: int
) -> Iterator[Showers]:
    """Showers of all chunks in their order, with at most `limit` chunks under way or waiting."""
    under_way: deque[tuple[Chunk, Future[Showers]]] = deque()
    waiting = iter(chunks)
    try:
        while True:
            for chunk in islice(waiting, limit - len(under_way)):
                part = incident[chunk.start : chunk.stop]
                under_way.append((chunk, executor.submit(_simulate_there, factory, part, chunk)))
            if not under_way:
                return
            chunk, future = under_way.popleft()
            yield _result(future, chunk)
    except BrokenExecutor as error:
        msg = "a worker process could not be used any more: killed, crashed or out of memory?"
        raise SimulationError(msg) from error
    finally:
        for _, future in under_way:
            future.cancel()


def _result(future: Future[Showers], chunk: Chunk) -> Showers:
    try:
        return future.result()
    except BrokenExecutor as error:
        msg = f"a worker process died, simulating {chunk} or one of the next chunks"
        raise SimulationError(msg) from error
    except CaloganError:
        raise
    except Exception as error:
        msg = f"{chunk}: {type(error).__name__}: {' '.join(str(error).split())}"
        raise SimulationError(msg) from error


# what runs in the workers


@lru_cache(maxsize=1)
def _opened(factory: bytes) -> Simulator:
    """Open a simulator once per process; the factory comes from this program, not from a file."""
    simulator: Simulator = pickle.loads(factory)()
    return simulator


def _simulate_there(factory: bytes, part: Incident, chunk: Chunk) -> Showers:
    return _opened(factory).simulate(part, chunk.rng())


def _prepare_worker() -> None:
    """Leave Ctrl-C to the parent, and end when the parent does, even if it was killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)

        threading.Thread(target=follow, daemon=True).start()


@contextmanager
def _running(executor: Executor | None, workers: int) -> Iterator[Executor]:
    """Give an executor; end our own at once if anything goes wrong."""
    if executor is not None:
        yield executor
        return
    strangers = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        workers, mp_context=multiprocessing.get_context("spawn"), initializer=_prepare_worker
    )
    try:
        yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - strangers:
            process.terminate()
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown()
