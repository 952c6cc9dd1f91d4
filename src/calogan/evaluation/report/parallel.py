"""Work in several processes: bootstrap samples and figures take most of the time of a report."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

__all__ = ["Crew", "Report", "open_crew"]

Report = Callable[[str, int, int], None]
"""Told of the progress: what is being done, how much of it is done, and how much there is."""


class Crew:
    """Calls functions, here or in other processes.

    Args:
        pool: The processes; none to do everything here.
    """

    def __init__(self, pool: ProcessPoolExecutor | None) -> None:
        self._pool = pool

    def map(
        self,
        function: Callable[..., Any],
        calls: Sequence[tuple[Any, ...]],
        what: str,
        report: Report,
    ) -> list[Any]:
        """Call a function of a module many times; return what it returns, in the same order.

        Args:
            function: Picklable, as are its arguments and what it returns.
            calls: Arguments of each call.
            what: What the calls make, for the report.
            report: Told of the progress.
        """
        if self._pool is None:
            results: Iterator[Any] = (function(*call) for call in calls)
        else:
            futures = [self._pool.submit(function, *call) for call in calls]
            results = (future.result() for future in futures)
        found = []
        for result in results:
            found.append(result)
            report(what, len(found), len(calls))
        return found


@contextmanager
def open_crew(workers: int) -> Iterator[Crew]:
    """Start processes, unless one is enough; end them when done, or when anything goes wrong.

    They are started afresh and not forked: this process may run threads, of ONNX Runtime or
    PyTorch, whose locks a fork would copy.

    Args:
        workers: How many.
    """
    if workers == 1:
        yield Crew(None)
        return
    pool = ProcessPoolExecutor(
        workers,
        mp_context=get_context("spawn"),
        initializer=signal.signal,  # Ctrl-C is for this process, which then ends the others
        initargs=(signal.SIGINT, signal.SIG_IGN),
    )
    try:
        yield Crew(pool)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
