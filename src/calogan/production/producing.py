"""From incident particles to a file, over many workers, whatever happens on the way."""

from __future__ import annotations

import logging
import pickle
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

from calogan.errors import ConfigurationError, SimulationError
from calogan.files import ShowerWriter
from calogan.files.output import check_writable
from calogan.incident import Incident
from calogan.production.chunks import Chunk, chunks_of
from calogan.production.cluster import Cluster
from calogan.production.crews import Crew, ExecutorCrew, SerialCrew
from calogan.production.lock import exclusive
from calogan.production.outcome import Failure, Production
from calogan.production.parts import Parts, check_no_other, manifest_of, parts_folder
from calogan.production.schedule import simulate_chunks
from calogan.production.workers import LocalCrew
from calogan.showers import Showers
from calogan.simulator import Simulator

__all__ = ["produce"]

_LOG = logging.getLogger(__name__)

_DEFAULT_CHUNK_SIZE = 1000
_PER_EXECUTOR_WORKER = 4
_BLOCK = 1000
"""Showers that are written at once: HDF5 compresses a block again for each piece of it."""

_HOPELESS, _HOPELESS_AGAIN = 3, 30
"""Chunks that fail before any succeeds: then the trouble is not in the chunks. A production that
is continued may have bad ones left and no others."""


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
    cluster: Cluster | None = None,
    resumable: bool | None = None,
) -> Production:
    """Simulate incident particles and write the showers, in their order, to a file.

    A chunk that fails, or whose worker dies, is tried again; after the third time it is reported
    and left out, and the file says so in `made_with["failed_chunks"]`.

    A resumable production keeps finished chunks in the folder `PATH.parts` until the file is
    there. Called again with the same arguments after it was stopped or killed, it continues and
    makes the file that it would have made undisturbed, byte for byte. So it does after chunks
    failed: it tries these again and nothing else.

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
        made_with: What the file says made it, JSON-like; seed and chunk size are added, and the
            simulator's `provenance`.
        on_progress: Called with the number of showers that are done; first with those of a
            production that is continued, if any.
        executor: Runs the tasks instead of local processes; stays open. `workers` says how many
            it has.
        cluster: Runs the tasks through Parsl instead of local processes.
        resumable: Whether finished chunks are kept; unless given, as the simulator's attribute
            `resumable` says (Geant4: yes; a network writes a file faster than it could keep
            parts of it, and starts over), and always on a cluster.

    Returns:
        What came of it.

    Raises:
        OutputError: The file cannot be written, or is being made by another process, or its
            `PATH.parts` belongs to another production.
        CaloganError: Anything else that the user can mend; no partial file stays behind.
    """
    if workers < 1:
        msg = f"{workers} workers: there must be at least 1"
        raise ConfigurationError(msg)
    path = check_writable(path)
    path = path.resolve() if path.is_symlink() else path
    # opened here as well: whatever is wrong with it, one clear line comes before all the work
    simulator = factory()
    if chunk_size is None:
        chunk_size = int(getattr(simulator, "chunk_size", _DEFAULT_CHUNK_SIZE))
    if resumable is None:
        resumable = bool(getattr(simulator, "resumable", False))
    provenance = {
        **getattr(simulator, "provenance", {}),
        **made_with,
        "calogan": version("calogan"),
        "n": len(incident),
        "seed": seed,
        "chunk_size": chunk_size,
    }
    run = _Run(
        factory=factory,
        simulator=simulator,
        incident=incident,
        chunks=chunks_of(len(incident), chunk_size, seed),
        provenance=provenance,
        workers=workers,
        executor=executor,
        cluster=cluster,
        on_progress=on_progress,
    )
    with exclusive(path):
        return run.with_parts(path) if resumable or cluster else run.straight(path)


@dataclass(frozen=True)
class _Run:
    """A production under way."""

    factory: Callable[[], Simulator]
    simulator: Simulator
    incident: Incident
    chunks: list[Chunk]
    provenance: dict[str, Any]
    workers: int
    executor: Executor | None
    cluster: Cluster | None
    on_progress: Callable[[int], None] | None

    def straight(self, path: Path) -> Production:
        """Write each chunk to the file when its turn comes."""
        failed: list[Failure] = []
        if parts_folder(path).exists():
            check_no_other(path, self._manifest())
        with self._crew(self.chunks, parts_folder(path)) as crew:
            results = self._results(crew, self.chunks, failed, ordered=True)
            self._write(path, (showers for _, showers in results), failed)
        return Production(len(self.incident), 0, tuple(failed))

    def with_parts(self, path: Path) -> Production:
        """Keep chunks as they are finished; write the file from them at the end."""
        calorimeter, n = self.simulator.calorimeter, len(self.incident)
        with Parts.open(path, self._manifest(), calorimeter) as parts:
            pending = [chunk for chunk in self.chunks if chunk not in parts]
            resumed = n - sum(map(len, pending))
            if resumed or parts.damaged:
                damage = f" ({parts.damaged} damaged bytes are made again)" if parts.damaged else ""
                _LOG.info("%d of %d showers are in %s%s", resumed, n, parts.folder, damage)
            failed: list[Failure] = []
            try:
                self._fill(parts, pending, resumed, failed)
                self._write(path, (parts.read(c) for c in self.chunks if c in parts), failed)
            except BaseException:
                kept = sum(len(chunk) for chunk in self.chunks if chunk in parts)
                if kept:
                    _LOG.info(
                        "%d of %d showers are kept in %s: the same command continues",
                        kept,
                        n,
                        parts.folder,
                    )
                else:
                    parts.remove()
                raise
            if not failed:
                parts.remove()
        return Production(n, resumed, tuple(failed), resumable=True)

    def _fill(
        self, parts: Parts, pending: list[Chunk], resumed: int, failed: list[Failure]
    ) -> None:
        """Simulate what is not in the parts yet."""
        if resumed:
            self.report(resumed)
        if pending:
            with self._crew(pending, parts.runinfo) as crew:
                for chunk, showers in self._results(
                    crew, pending, failed, ordered=False, resumed=resumed
                ):
                    parts.add(chunk, showers)

    def _manifest(self) -> dict[str, Any]:
        return manifest_of(self.incident, self.simulator.calorimeter, self.provenance)

    def report(self, done: int) -> None:
        """Say how many showers there are."""
        if self.on_progress is not None:
            self.on_progress(done)

    def _write(self, path: Path, parts: Iterator[Showers], failed: list[Failure]) -> None:
        """Write showers in blocks, whose size depends on nothing but the showers.

        Args:
            path: The file.
            parts: Showers of one chunk after another.
            failed: Chunks that are missing; complete when `parts` is exhausted.
        """
        block = list(islice(parts, 1))  # the first one tells how many views each shower has
        n_views = len(block[0].views) if block else 0
        calorimeter = self.simulator.calorimeter
        with ShowerWriter(path, calorimeter, self.provenance, n_views=n_views) as writer:
            for part in parts:
                if sum(map(len, block)) >= _BLOCK:
                    writer.append(Showers.concatenate(block))
                    block = []
                block.append(part)
            if block:
                writer.append(Showers.concatenate(block))
            if failed:
                ordered = sorted(failed, key=lambda failure: failure.chunk.index)
                writer.made_with["failed_chunks"] = [failure.record() for failure in ordered]

    def _results(
        self,
        crew: Crew,
        chunks: list[Chunk],
        failed: list[Failure],
        *,
        ordered: bool,
        resumed: int = 0,
    ) -> Iterator[tuple[Chunk, Showers]]:
        """Showers of the chunks; those that fail are reported and added to `failed`."""
        done = resumed
        calorimeter = self.simulator.calorimeter
        hopeless = _HOPELESS_AGAIN if resumed else min(_HOPELESS, len(chunks))
        for chunk, result in simulate_chunks(
            crew, self.incident, chunks, calorimeter, ordered=ordered
        ):
            if isinstance(result, Failure):
                failed.append(result)
                if done == resumed and len(failed) == hopeless:
                    raise SimulationError(str(failed[0]))
                _LOG.warning("%s; going on without them", result)
                continue
            yield chunk, result
            done += len(chunk)
            self.report(done)

    @contextmanager
    def _crew(self, pending: list[Chunk], runinfo: Path) -> Iterator[Crew]:
        """Open whoever does the work."""
        if self.cluster is not None:
            from calogan.production.parsl_crew import ParslCrew

            with ParslCrew.open(self.cluster, pickle.dumps(self.factory), runinfo) as crew:
                yield crew
        elif self.executor is not None:
            borrowed = ExecutorCrew(
                self.executor, pickle.dumps(self.factory), _PER_EXECUTOR_WORKER * self.workers
            )
            try:
                yield borrowed
            finally:
                borrowed.cancel()
        elif self.workers == 1:
            yield SerialCrew(self.simulator)
        else:
            workers = max(1, min(self.workers, len(pending)))
            with LocalCrew.open(pickle.dumps(self.factory), workers) as local:
                yield local
