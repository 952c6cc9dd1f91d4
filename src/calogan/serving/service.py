"""What the server does with a request, whichever protocol it came by."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calogan.serving.job import make_job
from calogan.serving.limits import Limits
from calogan.serving.metrics import Metrics
from calogan.serving.refusals import Refusal, Why
from calogan.serving.repository import Repository, Served
from calogan.serving.security import authorized
from calogan.serving.tensors import Tensor, quoted

__all__ = ["NAME", "Answer", "Service"]

NAME = "calogan"


@dataclass(frozen=True, eq=False)
class Answer:
    """Showers of a request: the outputs that were asked for, by name."""

    served: Served
    layers: dict[str, NDArray[np.float32]]

    def __len__(self) -> int:
        """Number of showers."""
        return len(next(iter(self.layers.values())))


class Service:
    """The models and the rules under which they work.

    Args:
        repository: The models.
        limits: What is accepted.
        metrics: Where it is counted.
        token: What clients must know, if anything.
    """

    def __init__(
        self, repository: Repository, limits: Limits, metrics: Metrics, token: str | None
    ) -> None:
        self.repository, self.limits, self.metrics = repository, limits, metrics
        self._token = token
        self._ready = False
        self._running = 0

    @property
    def ready(self) -> bool:
        """Whether new requests are taken."""
        return self._ready and self.repository.sound

    @ready.setter
    def ready(self, value: bool) -> None:
        self._ready = value
        self.metrics.ready.set(value)

    def properties(self, served: Served) -> dict[str, str]:
        """What the metadata say of a model beside its inputs and outputs."""
        return {**served.model.properties, "max_showers": str(self.limits.request_showers)}

    def authorize(self, header: str | None) -> None:
        """Check the `authorization` header of a request.

        Raises:
            Refusal: The token is missing or wrong.
        """
        if not authorized(header, self._token):
            msg = "this server wants a token: authorization: Bearer TOKEN"
            raise Refusal(Why.UNAUTHENTICATED, msg)

    @contextmanager
    def admitted(self, protocol: str) -> Iterator[None]:
        """Count a request for showers while it is under way, and how it ended.

        Raises:
            Refusal: Too many are under way, or the server ends.
        """
        started = time.perf_counter()
        status = "OK"
        self._running += 1
        self.metrics.running.set(self._running)
        try:
            self._check_room()
            yield
        except Refusal as refusal:
            status = refusal.why.grpc
            raise
        except asyncio.CancelledError:
            status = "CANCELLED"
            raise
        except Exception:
            status = "INTERNAL"
            raise
        finally:
            self._running -= 1
            self.metrics.running.set(self._running)
            self.metrics.requests.labels(protocol, status).inc()
            self.metrics.seconds.labels(protocol).observe(time.perf_counter() - started)

    def _check_room(self) -> None:
        if not self._ready:
            msg = "the server is starting or stopping: try again, or another one"
            raise Refusal(Why.STOPPING, msg)
        if self._running > self.limits.requests:
            msg = f"busy: {self.limits.requests} requests are under way; try again later"
            raise Refusal(Why.BUSY, msg)

    async def infer(
        self,
        name: str,
        version: str,
        tensors: Sequence[Tensor],
        outputs: Sequence[str] = (),
        timeout_s: float | None = None,
    ) -> Answer:
        """Make showers.

        Args:
            name: Name of the model.
            version: Its version; the highest one if empty.
            tensors: The inputs.
            outputs: Names of the outputs that are wanted; all unless given.
            timeout_s: How long the client waits [s].

        Raises:
            Refusal: The request makes no sense, comes at a bad time, or is not done in time.
        """
        # from here to the queue nothing else runs: a model that is replaced gets no more requests
        served = self.repository.find(name, version)
        names = [kind.name for kind in served.model.outputs]
        for k, output in enumerate(outputs):
            if output not in names or output in outputs[:k]:
                what = "there twice" if output in names else f"none of {', '.join(names)}"
                msg = f"output {quoted(output)} is {what}"
                raise Refusal(Why.INVALID, msg)
        job = make_job(served.model, tensors, self.limits.request_showers)
        limit_s = self.limits.timeout_s
        limit_s = limit_s if timeout_s is None else min(limit_s, timeout_s)
        try:
            async with asyncio.timeout(limit_s):
                await served.batcher.make(job)
        except TimeoutError:
            msg = f"not done within {limit_s:g} s"
            raise Refusal(Why.LATE, msg) from None
        layers = dict(zip(names, job.layers, strict=True))
        return Answer(served, {name: layers[name] for name in outputs or names})
