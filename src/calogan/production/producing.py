"""From orders to a file, over many workers, whatever happens on the way."""

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
from typing import Any, Generic, TypeVar

from calogan.errors import ConfigurationError, SimulationError
from calogan.files.output import check_writable
from calogan.production.chunks import Chunk, chunks_of
from calogan.production.cluster import Cluster
from calogan.production.crews import Crew, ExecutorCrew, SerialCrew
from calogan.production.goods import Batch, Goods, Maker, Orders
from calogan.production.lock import exclusive
from calogan.production.outcome import Failure, Production
from calogan.production.parts import Parts, check_no_other, manifest_of, parts_folder
from calogan.production.schedule import make_chunks
from calogan.production.workers import LocalCrew

__all__ = ["make"]

MakerT = TypeVar("MakerT", bound=Maker)

_LOG = logging.getLogger(__name__)

_DEFAULT_CHUNK_SIZE = 1000
_PER_EXECUTOR_WORKER = 4
_BLOCK = 1000
"""Items that are written at once: HDF5 compresses a block again for each piece of it."""

_HOPELESS, _HOPELESS_AGAIN = 3, 30
"""Chunks that fail before any succeeds: then the trouble is not in the chunks. A production that
is continued may have bad ones left and no others."""


def make(
    goods_of: Callable[[MakerT], Goods[Batch]],
    factory: Callable[[], MakerT],
    orders: Orders,
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
    """Make whatever a simulator makes of its orders, and write it, in their order, to a file.

    A chunk that fails, or whose worker dies, is tried again; after the third time it is reported
    and left out, and the file says so in `made_with["failed_chunks"]`.

    A resumable production keeps finished chunks in the folder `PATH.parts` until the file is
    there. Called again with the same arguments after it was stopped or killed, it continues and
    makes the file that it would have made undisturbed, byte for byte. So it does after chunks
    failed: it tries these again and nothing else.

    With more than one worker, a script must call this below `if __name__ == "__main__":`, for
    the workers import the script.

    Args:
        goods_of: What is made, as the open simulator determines it.
        factory: Opens the simulator, in each worker once; picklable, such as
            `functools.partial(open_simulator, "geant4")`.
        orders: What is to be made; `incident_rng(seed)` draws it reproducibly.
        path: The file to make. It appears when all is in it.
        seed: Fixes what is made, together with `chunk_size`.
        workers: Number of processes; with 1, everything runs in this one.
        chunk_size: Items per task; the simulator's own `chunk_size`, or 1000, unless given.
        made_with: What the file says made it, JSON-like; seed and chunk size are added, and the
            simulator's `provenance`.
        on_progress: Called with the number of items that are done; first with those of a
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
    maker = factory()
    if chunk_size is None:
        chunk_size = int(getattr(maker, "chunk_size", _DEFAULT_CHUNK_SIZE))
    if resumable is None:
        resumable = bool(getattr(maker, "resumable", False))
    provenance = {
        **getattr(maker, "provenance", {}),
        **made_with,
        "calogan": version("calogan"),
        "n": len(orders),
        "seed": seed,
        "chunk_size": chunk_size,
    }
    goods = goods_of(maker)
    run = _Run(
        goods=goods,
        factory=factory,
        maker=maker,
        orders=orders,
        chunks=chunks_of(len(orders), chunk_size, seed, goods.noun),
        provenance=provenance,
        workers=workers,
        executor=executor,
        cluster=cluster,
        on_progress=on_progress,
    )
    with exclusive(path):
        return run.with_parts(path) if resumable or cluster else run.straight(path)


@dataclass(frozen=True)
class _Run(Generic[Batch]):
    """A production under way."""

    goods: Goods[Batch]
    factory: Callable[[], Maker]
    maker: Maker
    orders: Orders
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
            check_no_other(path, self._manifest(), self.goods)
        with self._crew(self.chunks, parts_folder(path)) as crew:
            results = self._results(crew, self.chunks, failed, ordered=True)
            self._write(path, (batch for _, batch in results), failed)
        return Production(len(self.orders), 0, tuple(failed))

    def with_parts(self, path: Path) -> Production:
        """Keep chunks as they are finished; write the file from them at the end."""
        n, noun = len(self.orders), self.goods.noun
        with Parts.open(path, self._manifest(), self.goods) as parts:
            pending = [chunk for chunk in self.chunks if chunk not in parts]
            resumed = n - sum(map(len, pending))
            if resumed or parts.damaged:
                damage = f" ({parts.damaged} damaged bytes are made again)" if parts.damaged else ""
                _LOG.info("%d of %d %s are in %s%s", resumed, n, noun, parts.folder, damage)
            failed: list[Failure] = []
            try:
                self._fill(parts, pending, resumed, failed)
                self._write(path, (parts.read(c) for c in self.chunks if c in parts), failed)
            except BaseException:
                kept = sum(len(chunk) for chunk in self.chunks if chunk in parts)
                if kept:
                    _LOG.info(
                        "%d of %d %s are kept in %s: the same command continues",
                        kept,
                        n,
                        noun,
                        parts.folder,
                    )
                else:
                    parts.remove()
                raise
            if not failed:
                parts.remove()
        return Production(n, resumed, tuple(failed), resumable=True)

    def _fill(
        self, parts: Parts[Batch], pending: list[Chunk], resumed: int, failed: list[Failure]
    ) -> None:
        """Make what is not in the parts yet."""
        if resumed:
            self.report(resumed)
        if pending:
            with self._crew(pending, parts.runinfo) as crew:
                for chunk, batch in self._results(
                    crew, pending, failed, ordered=False, resumed=resumed
                ):
                    parts.add(chunk, batch)

    def _manifest(self) -> dict[str, Any]:
        return manifest_of(self.goods, self.provenance)

    def report(self, done: int) -> None:
        """Say how many items there are."""
        if self.on_progress is not None:
            self.on_progress(done)

    def _write(self, path: Path, parts: Iterator[Batch], failed: list[Failure]) -> None:
        """Write items in blocks, whose size depends on nothing but the items.

        Args:
            path: The file.
            parts: What became of one chunk after another.
            failed: Chunks that are missing; complete when `parts` is exhausted.
        """
        block = list(islice(parts, 1))
        first = block[0] if block else None
        with self.goods.writer(path, self.provenance, first) as writer:
            for part in parts:
                if sum(map(len, block)) >= _BLOCK:
                    writer.append(self.goods.join(block))
                    block = []
                block.append(part)
            if block:
                writer.append(self.goods.join(block))
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
    ) -> Iterator[tuple[Chunk, Batch]]:
        """What the chunks became; those that fail are reported and added to `failed`."""
        done = resumed
        hopeless = _HOPELESS_AGAIN if resumed else min(_HOPELESS, len(chunks))
        for chunk, result in make_chunks(crew, self.orders, chunks, self.goods, ordered=ordered):
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
            yield SerialCrew(self.maker)
        else:
            workers = max(1, min(self.workers, len(pending)))
            with LocalCrew.open(pickle.dumps(self.factory), workers) as local:
                yield local
