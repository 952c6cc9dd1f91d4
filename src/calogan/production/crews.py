"""Who simulates chunks: this process or any executor; see also `calogan.production.workers`."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Sequence, Sized
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from functools import lru_cache
from typing import Any, Protocol

from calogan.errors import CaloganError, SimulationError
from calogan.production.chunks import Chunk
from calogan.production.goods import Maker

__all__ = ["Crew", "ExecutorCrew", "Lost", "Result", "SerialCrew", "Trouble", "simulate_there"]


class Trouble(Exception):
    """A chunk was not simulated: what its worker said, or how that ended."""


class Lost(Trouble):
    """Whatever ran the chunk went away with all that it ran: this says little about the chunk."""


Result = Sized | Exception
"""What a chunk became, or why there is nothing."""


class Crew(Protocol):
    """Makes chunks."""

    @property
    def capacity(self) -> int:
        """How many chunks it takes at a time."""
        ...

    def submit(self, chunk: Chunk, part: Any) -> None:
        """Take a chunk and its orders."""
        ...

    def collect(self) -> Sequence[tuple[Chunk, Result]]:
        """Wait until a chunk or more are done; return what they became, or why not."""
        ...


class SerialCrew:
    """This process, one chunk after another.

    Args:
        maker: The open simulator.
    """

    capacity = 1

    def __init__(self, maker: Maker) -> None:
        self._maker = maker
        self._tasks: list[tuple[Chunk, Any]] = []

    def submit(self, chunk: Chunk, part: Any) -> None:
        """Take a chunk and its orders."""
        self._tasks.append((chunk, part))

    def collect(self) -> Sequence[tuple[Chunk, Result]]:
        """Simulate the chunk."""
        chunk, part = self._tasks.pop()
        try:
            return [(chunk, self._maker.simulate(part, chunk.rng()))]
        except Exception as error:  # noqa: BLE001 - the schedule decides
            return [(chunk, error)]


class ExecutorCrew:
    """Any executor in the sense of `concurrent.futures`.

    Args:
        executor: The executor; it stays open.
        factory: Pickled factory of the simulator.
        capacity: How many chunks to submit at a time.
    """

    def __init__(self, executor: Executor, factory: bytes, capacity: int) -> None:
        self.capacity = capacity
        self._executor = executor
        self._factory = factory
        self._under_way: dict[Future[Sized], Chunk] = {}

    def submit(self, chunk: Chunk, part: Any) -> None:
        """Take a chunk and its orders."""
        try:
            future = self._executor.submit(simulate_there, self._factory, part, chunk)
        except Exception as error:
            raise self.fatal(error) from error
        self._under_way[future] = chunk

    def collect(self) -> Sequence[tuple[Chunk, Result]]:
        """Wait for the next chunks that are done."""
        done, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
        return [(self._under_way.pop(future), self._result(future)) for future in done]

    def _result(self, future: Future[Sized]) -> Result:
        error = future.exception()
        if error is None:
            return future.result()
        if isinstance(error, BrokenExecutor) or not isinstance(error, Exception):
            raise self.fatal(error) from error
        return self.translate(error)

    def translate(self, error: Exception) -> Exception:
        """Say in our words what the executor raised for a chunk."""
        return error

    def fatal(self, error: BaseException) -> CaloganError:
        """Say that the executor is of no use any more."""
        return SimulationError(
            f"the executor cannot be used any more: {' '.join(str(error).split())}"
        )

    def cancel(self) -> None:
        """Drop what has not begun."""
        for future in self._under_way:
            future.cancel()


_one_at_a_time = threading.Lock()


def simulate_there(factory: bytes, part: Any, chunk: Chunk) -> Sized:
    """Simulate a chunk in whatever process this is; threads of one process take turns.

    There is one Geant4 in a process, and it is seeded and run in two steps.
    """
    with _one_at_a_time:
        return _opened(factory).simulate(part, chunk.rng())


@lru_cache(maxsize=1)
def _opened(factory: bytes) -> Maker:
    """Open a simulator once per process; the factory comes from this program, not from a file."""
    maker: Maker = pickle.loads(factory)()
    return maker
