"""A process per simulator, and how to ask it for something."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from calogan.benchmark.plan import Contestant
from calogan.errors import CaloganError, SimulationError

__all__ = ["Worker"]

_PATIENCE_S = 5.0


class Worker:
    """A simulator in a process of its own.

    Args:
        contestant: Which one.

    Raises:
        CaloganError: It cannot be opened.
    """

    def __init__(self, contestant: Contestant) -> None:
        self.contestant = contestant
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        arguments = (theirs, contestant.simulator, dict(contestant.options))
        self._process = context.Process(target=_serve, args=arguments, daemon=True)
        resource_tracker.ensure_running()  # it starts with the first process, and unblocks SIGINT
        # Ctrl-C reaches all processes of a terminal: this one ends the others
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            theirs.close()
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        try:
            self._answer()
        except BaseException:
            self.end()
            raise

    @classmethod
    @contextmanager
    def open(cls, contestant: Contestant) -> Iterator[Worker]:
        """Give a worker, and end its process after the block."""
        worker = cls(contestant)
        try:
            yield worker
        finally:
            worker.end()

    def ask(self, what: str, *arguments: Any) -> Any:
        """Call a method of the `Bench` over there.

        Raises:
            CaloganError: It raised one.
            SimulationError: It raised anything else, or its process died.
        """
        try:
            self._connection.send((what, arguments))
        except OSError:
            raise self._died() from None
        return self._answer()

    def end(self) -> None:
        """End the process."""
        with suppress(OSError):
            self._connection.close()
        self._process.join(_PATIENCE_S)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()

    def _answer(self) -> Any:
        try:
            answer = self._connection.recv()
        except (EOFError, OSError):
            raise self._died() from None
        if isinstance(answer, CaloganError):
            raise answer
        if isinstance(answer, Exception):
            raise SimulationError(str(answer))
        return answer

    def _died(self) -> SimulationError:
        self._process.join(_PATIENCE_S)
        status = self._process.exitcode
        msg = f"the process of {self.contestant.simulator} ended with status {status}"
        return SimulationError(msg)


def _serve(connection: Connection, name: str, options: dict[str, Any]) -> None:
    """Open a simulator and answer questions until there are no more."""
    parent = multiprocessing.parent_process()
    if parent is not None:

        def follow() -> None:
            parent.join()
            os._exit(1)  # even if the parent was killed in the middle of something

        threading.Thread(target=follow, daemon=True).start()
    warnings.simplefilter("ignore")  # energies beyond a training are as fast as others
    from calogan.benchmark.bench import Bench

    try:
        bench = Bench(name, options)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        connection.send(_portable(name, error))
        return
    connection.send(None)
    while True:
        try:
            what, arguments = connection.recv()
        except (EOFError, OSError):
            return
        answer: Any
        try:
            answer = getattr(bench, what)(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            answer = _portable(name, error)
        connection.send(answer)


def _portable(name: str, error: Exception) -> Exception:
    if isinstance(error, CaloganError):
        return error
    return RuntimeError(" ".join(f"{name}: {type(error).__name__}: {error}".split()))
