"""Requests of one model, made together: a batch counts showers, not requests."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from calogan.errors import CaloganError
from calogan.serving.engine import ServedModel
from calogan.serving.job import Job
from calogan.serving.limits import Limits
from calogan.serving.metrics import Metrics
from calogan.serving.refusals import Refusal, Why

__all__ = ["Batcher", "Workshop"]

_LOG = logging.getLogger("calogan")

_LULLS = 10
"""A tenth of the delay without a new request is a sign that no more will come."""


class Workshop:
    """Threads that run networks, and how much waits for them; all models of a server share it.

    Args:
        threads: Calls of networks at the same time, one thread each.
        limits: How many showers may wait.
        metrics: Where that is counted.
    """

    def __init__(self, threads: int, limits: Limits, metrics: Metrics) -> None:
        self.limits, self.metrics = limits, metrics
        self.threads = ThreadPoolExecutor(threads, thread_name_prefix="calogan-network")
        self.free = asyncio.Semaphore(threads)
        self.queued = 0

    def queue(self, showers: int) -> None:
        """Count showers that wait; negative: that wait no more.

        Raises:
            Refusal: There are too many.
        """
        if self.queued + showers > self.limits.queued_showers:
            msg = f"busy: {self.queued} showers wait; try again later"
            raise Refusal(Why.BUSY, msg)
        self.queued += showers
        self.metrics.queued.set(self.queued)

    def close(self) -> None:
        """End the threads."""
        self.threads.shutdown()


@dataclass(frozen=True)
class _Part:
    """Showers `rows` of a job, which are made in one batch."""

    job: Job
    rows: slice

    def __len__(self) -> int:
        return int(self.rows.stop - self.rows.start)


class Batcher:
    """The queue of one version of a model.

    A batch starts as soon as a thread is free when it is full; else when no request has come for a
    tenth of the delay, or the oldest one has waited for all of it, and no other batch that was not
    full is running: what comes meanwhile makes the next one larger. Of a request that does not fit into one batch the rest goes to the end of the
    queue: a small one behind it waits for one batch, not for all.

    Args:
        model: The network.
        workshop: The threads.
    """

    def __init__(self, model: ServedModel, workshop: Workshop) -> None:
        self.model = model
        self._workshop, self._limits = workshop, workshop.limits
        labels = (model.card.name, str(model.card.version))
        metrics = workshop.metrics
        self._made = metrics.showers.labels(*labels)
        self._sizes = metrics.batches.labels(*labels)
        self._network = metrics.network.labels(*labels)
        self._waiting = metrics.waiting.labels(*labels)
        self._queue: deque[Job] = deque()
        self._rows = 0
        self._rng = np.random.default_rng()
        self._some, self._full, self._calm = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._calm.set()
        self._running: set[asyncio.Task[None]] = set()
        self._ending = False
        self._arrivals = 0
        self._loop = asyncio.create_task(self._batches())
        self._loop.add_done_callback(_log_failure)

    @property
    def ended(self) -> bool:
        """Whether it makes no more showers."""
        return self._loop.done()

    async def make(self, job: Job) -> None:
        """Make the showers of a job.

        Cancelled, it makes no more of them.

        Raises:
            Refusal: Too much waits already; the model has ended; or the network fails.
        """
        if self.ended:
            msg = "the model has ended: try again"
            raise Refusal(Why.STOPPING, msg)
        self._workshop.queue(len(job))
        self._queue.append(job)
        self._arrivals += 1
        self._rows += len(job)
        self._some.set()
        if self._rows >= self._limits.batch_showers:
            self._full.set()
        try:
            await job.done
        finally:
            self._leave(job)

    def _leave(self, job: Job) -> None:
        """Take what is left of a job out of the queue."""
        job.done.cancel()
        rest = len(job) - job.taken
        if rest:
            job.taken = len(job)
            self._count(-rest)
            with suppress(ValueError):
                self._queue.remove(job)

    def _count(self, rows: int) -> None:
        self._rows += rows
        self._workshop.queue(rows)
        if self._rows < self._limits.batch_showers and not self._ending:
            self._full.clear()
        if not self._rows:
            self._some.clear()

    async def _batches(self) -> None:
        """Start one batch after another."""
        while True:
            await self._some.wait()
            await self._full_or_lull()
            if not self._full.is_set() and not self._calm.is_set():
                await self._full_or_calm()
            await self._workshop.free.acquire()
            parts = self._next_parts()
            if not parts:  # whoever waited has gone
                self._workshop.free.release()
                continue
            small = sum(map(len, parts)) < self._limits.batch_showers
            if small:
                self._calm.clear()
            task = asyncio.create_task(self._make(parts, small=small))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _full_or_lull(self) -> None:
        lull_s = self._limits.delay_s / _LULLS
        while self._queue and not self._full.is_set():
            left_s = self._queue[0].arrived + self._limits.delay_s - time.monotonic()
            if left_s <= 0:
                return
            before = self._arrivals
            with suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), min(left_s, lull_s))
            if self._arrivals == before:
                return

    async def _full_or_calm(self) -> None:
        waiting = [asyncio.create_task(event.wait()) for event in (self._full, self._calm)]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    def _next_parts(self) -> list[_Part]:
        """Take showers of the queue for a batch."""
        parts: list[_Part] = []
        room = self._limits.batch_showers
        now = time.monotonic()
        while room and self._queue:
            job = self._queue.popleft()
            if job.taken == 0:
                self._waiting.observe(now - job.arrived)
            stop = min(job.taken + room, len(job))
            part = _Part(job, slice(job.taken, stop))
            job.taken = stop
            room -= len(part)
            self._count(-len(part))
            parts.append(part)
            if stop < len(job):
                self._queue.append(job)
        return parts

    async def _make(self, parts: list[_Part], *, small: bool) -> None:
        """Make the showers of a batch, and tell the jobs that are complete."""
        loop = asyncio.get_running_loop()
        # a stream of its own: another batch of this model may be drawn in another thread
        (rng,) = self._rng.spawn(1)
        failures: list[Refusal | None]
        try:
            failures = await loop.run_in_executor(self._workshop.threads, self._run, parts, rng)
        except Exception as error:  # noqa: BLE001 - those who wait shall know
            failures = [_failure(error) for _ in parts]
        finally:
            self._workshop.free.release()
            if small:
                self._calm.set()
        for part, failure in zip(parts, failures, strict=True):
            job = part.job
            job.made += len(part)
            if job.done.done():
                continue
            if failure is not None:
                job.done.set_exception(failure)
            elif job.made == len(job):
                job.done.set_result(None)

    def _run(self, parts: list[_Part], rng: np.random.Generator) -> list[Refusal | None]:
        """Run the network; in a thread.

        Args:
            parts: The showers of the batch.
            rng: Noise of those whose request says nothing of it.

        Returns:
            For each part what went wrong with it, if anything did.
        """
        started = time.perf_counter()
        noise = [part.job.noise(part.rows, rng) for part in parts]
        told = [part.job.told[part.rows] for part in parts]
        if len(parts) == 1:
            images = self.model.run(noise[0], told[0])
        else:
            images = self.model.run(np.concatenate(noise), np.concatenate(told))
        failures: list[Refusal | None] = []
        start = 0
        for part in parts:
            own = [image[start : start + len(part)] for image in images]
            start += len(part)
            sound = all(x.min() >= 0 and x.max() < np.inf for x in own)
            failures.append(None if sound else _no_showers(part.job))
            part.job.keep(part.rows.start, own)
        self._sizes.observe(start)
        self._made.inc(start)
        self._network.observe(time.perf_counter() - started)
        return failures

    async def close(self) -> None:
        """Make what is queued, without waiting for more, and end."""
        self._ending = True
        self._full.set()
        while (self._rows and not self.ended) or self._running:
            if self._running:
                await asyncio.wait(self._running)
            else:
                await asyncio.sleep(0.001)
        self._loop.cancel()
        await asyncio.wait([self._loop])


def _log_failure(loop: asyncio.Task[None]) -> None:
    error = None if loop.cancelled() else loop.exception()
    if error is not None:
        _LOG.critical("a queue broke down: restart the server", exc_info=error)


def _no_showers(job: Job) -> Refusal:
    if job.made_of_own_noise:
        msg = "the network makes no showers of this noise: a cell is negative or not finite"
        return Refusal(Why.INVALID, msg)
    msg = "the network makes no showers: a cell is negative or not finite"
    return Refusal(Why.INTERNAL, msg)


def _failure(error: Exception) -> Refusal:
    what = str(error) if isinstance(error, CaloganError) else type(error).__name__
    return Refusal(Why.INTERNAL, f"the network failed: {what}")
