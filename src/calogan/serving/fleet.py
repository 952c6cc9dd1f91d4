"""Several servers of one model: who is asked next, and what happens when one fails."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from calogan.errors import ModelError, SimulationError
from calogan.serving.address import Place
from calogan.serving.transport import Transient, Transport

__all__ = ["Fleet"]

_LOG = logging.getLogger("calogan")

_T = TypeVar("_T")

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.05, 3.0
_LOOK_AGAIN_S = 0.01
_NOTEWORTHY = 4
"""Failures in a row, within half a second, that the user is told of."""
_MOST_INSIDE = 10
"""How often a request may fail inside of servers before it is the request that is to blame."""


@dataclass(eq=False)
class _Server:
    """A server, and how it has behaved."""

    place: Place
    transport: Transport
    busy: int = 0
    failures: int = 0
    not_before: float = 0.0
    on_trial: bool = False
    """Whether a request is finding out if it is back."""


class Fleet:
    """Servers that any request may go to.

    A request goes to the server that has the fewest of ours. One that fails is left alone for a
    pause that doubles each time, up to 3 s, and the request goes to another one, or waits. When no
    request has been answered for the patience, it is given up.

    Args:
        servers: The servers, and the way to each.
        patience_s: How long to go on without any answer [s].
    """

    def __init__(self, servers: Sequence[tuple[Place, Transport]], patience_s: float) -> None:
        self._servers = [_Server(place, transport) for place, transport in servers]
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._last_answer = time.monotonic()
        self._waiting = 0

    def first_call(self, ask: Callable[[Transport], _T], patience_s: float) -> _T:
        """Ask as `call` does, with a patience of its own: for servers that may not exist.

        Raises:
            ModelError: As `call`.
            SimulationError: No server answers.
        """
        usual, self._patience_s = self._patience_s, min(patience_s, self._patience_s)
        try:
            return self.call(ask, threading.Event())
        finally:
            self._patience_s = usual

    def __len__(self) -> int:
        """Number of servers."""
        return len(self._servers)

    def call(self, ask: Callable[[Transport], _T], stopped: threading.Event) -> _T:
        """Ask until a server answers.

        Args:
            ask: One request.
            stopped: Set when nobody wants the answer any more.

        Raises:
            ModelError: A server says that the request makes no sense.
            SimulationError: No server answers any more; or nobody waits.
        """
        with self._lock:
            if self._waiting == 0:  # time in which nothing was asked does not count
                self._last_answer = time.monotonic()
            self._waiting += 1
        try:
            return self._until_answered(ask, stopped)
        finally:
            with self._lock:
                self._waiting -= 1

    def _until_answered(self, ask: Callable[[Transport], _T], stopped: threading.Event) -> _T:
        inside = 0
        while not stopped.is_set():
            server, pause_s = self._next()
            if server is None:
                stopped.wait(pause_s)
                continue
            try:
                answer = ask(server.transport)
            except Transient as error:
                self._failed(server, error)
                inside += error.inside
                if inside == _MOST_INSIDE:
                    msg = f"{server.place}: {error}"
                    raise SimulationError(msg) from error
            except ModelError as error:
                self._answered(server)
                msg = f"{server.place}: {error}"
                raise ModelError(msg) from error
            else:
                self._answered(server)
                return answer
        msg = "stopped: another request failed"
        raise SimulationError(msg)

    def _next(self) -> tuple[_Server | None, float]:
        """The server to ask now; or None, and how long to wait [s]."""
        now = time.monotonic()
        with self._lock:
            able = [one for one in self._servers if one.not_before <= now and not one.on_trial]
            if not able:
                pauses = [one.not_before - now for one in self._servers if not one.on_trial]
                return None, max(_LOOK_AGAIN_S, min(pauses, default=0.0))
            server = min(able, key=lambda one: (one.busy, one.failures, random.random()))
            server.busy += 1
            server.on_trial = server.failures > 0
            return server, 0.0

    def _answered(self, server: _Server) -> None:
        with self._lock:
            server.busy -= 1
            server.failures, server.not_before, server.on_trial = 0, 0.0, False
            self._last_answer = time.monotonic()

    def _failed(self, server: _Server, error: Transient) -> None:
        with self._lock:
            server.busy -= 1
            now = time.monotonic()
            silent_s = now - self._last_answer
            if (
                server.on_trial or now >= server.not_before
            ):  # else one of several that fell together
                # half of the pause is drawn, so that clients do not come back all at once
                pause_s = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(server.failures, 10))
                server.not_before = now + pause_s * random.uniform(0.5, 1.0)
                server.failures += 1
                server.on_trial = False
                if server.failures == _NOTEWORTHY:
                    _LOG.warning("%s: %s; trying again", server.place, error)
        if silent_s > self._patience_s:
            names = ", ".join(str(one.place) for one in self._servers)
            msg = f"no answer from {names} for {silent_s:.0f} s: {error}"
            raise SimulationError(msg) from error

    def close(self) -> None:
        """End all connections."""
        for server in self._servers:
            server.transport.close()
