"""Local worker processes; one that dies is replaced, and it is known which chunk killed it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any

from calogan.errors import CaloganError
from calogan.production.chunks import Chunk
from calogan.production.crews import Result, Trouble, simulate_there

__all__ = ["LocalCrew"]

_PATIENCE_S = 5.0
"""How long a worker may take to end when it is asked to."""


class LocalCrew:
    """Worker processes on this machine; one that dies is replaced.

    Each worker has one chunk at a time and a pipe of its own, so that it is known which chunk
    killed it, and no other chunk is touched.

    Args:
        factory: Pickled factory of the simulator.
        workers: Number of processes; each starts when it is needed.
    """

    def __init__(self, factory: bytes, workers: int) -> None:
        self.capacity = workers
        self._factory = factory
        self._idle: list[_Worker] = []
        self._busy: dict[Connection, tuple[_Worker, Chunk]] = {}
        self._stillborn: list[tuple[Chunk, Result]] = []

    @classmethod
    @contextmanager
    def open(cls, factory: bytes, workers: int) -> Iterator[LocalCrew]:
        """Give a crew; end it after the block, at once if anything goes wrong there."""
        crew = cls(factory, workers)
        try:
            yield crew
        except BaseException:
            crew.end(kill=True)
            raise
        crew.end(kill=False)

    def submit(self, chunk: Chunk, part: Any) -> None:
        """Give a chunk to an idle worker, or to a new one."""
        while self._idle:
            worker = self._idle.pop()
            if worker.give(chunk, part):
                self._busy[worker.connection] = worker, chunk
                return
            worker.end(kill=True)  # it died while it had nothing to do
        worker = _Worker(self._factory)
        if worker.give(chunk, part):
            self._busy[worker.connection] = worker, chunk
        else:
            self._stillborn.append((chunk, Trouble(worker.fate())))

    def collect(self) -> Sequence[tuple[Chunk, Result]]:
        """Wait for the next chunks that are done."""
        results, self._stillborn = self._stillborn, []
        if results:
            return results
        for connection in wait(list(self._busy)):
            assert isinstance(connection, Connection)
            worker, chunk = self._busy.pop(connection)
            try:
                results.append((chunk, connection.recv()))
                self._idle.append(worker)
            except (EOFError, OSError):
                results.append((chunk, Trouble(worker.fate())))
        return results

    def end(self, *, kill: bool) -> None:
        """End all workers."""
        workers = [*self._idle, *(worker for worker, _ in self._busy.values())]
        for worker in workers:
            worker.dismiss(kill=kill)
        for worker in workers:
            worker.end(kill=kill)


class _Worker:
    """A process and our end of the pipe to it."""

    def __init__(self, factory: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs, factory), daemon=True)
        resource_tracker.ensure_running()  # it starts with the first process, and unblocks SIGINT
        # Ctrl-C reaches all processes of a terminal: workers leave it to the parent. They inherit
        # the mask, so this holds from their first instant
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def give(self, chunk: Chunk, part: Any) -> bool:
        """Hand a chunk over; False if the worker is dead."""
        try:
            self.connection.send((chunk, part))
        except OSError:
            return False
        return True

    def dismiss(self, *, kill: bool) -> None:
        """Ask the process to end, or make it."""
        self.connection.close()
        if kill:
            self._process.terminate()

    def end(self, *, kill: bool) -> None:
        """End the process."""
        self.dismiss(kill=kill)
        self._process.join(_PATIENCE_S)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def fate(self) -> str:
        """How a dead worker ended."""
        self.end(kill=False)
        status = self._process.exitcode
        if status is None or status >= 0:
            return f"its worker process ended with status {status}"
        name = signal.Signals(-status).name
        reason = " (out of memory?)" if name == "SIGKILL" else ""
        return f"its worker process was killed by {name}{reason}"


def _work(connection: Connection, factory: bytes) -> None:
    """Simulate chunks until there are no more; what runs in a worker process."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)  # even if the parent was killed

        threading.Thread(target=follow, daemon=True).start()
    while True:
        try:
            chunk, part = connection.recv()
        except EOFError:
            return
        answer: Result
        try:
            answer = simulate_there(factory, part, chunk)
        except Exception as error:  # noqa: BLE001 - the schedule decides
            answer = _portable(error)
        connection.send(answer)


def _portable(error: Exception) -> Exception:
    """Give an error that comes through a pipe; not each class can be rebuilt from its pickle."""
    if isinstance(error, CaloganError):
        return error
    return Trouble(" ".join(f"{type(error).__name__}: {error}".split()))
