"""`RemoteSimulator`: showers from servers, in the place of a network of one's own."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from calogan.bundle import Card
from calogan.bundle.reading import parse_card
from calogan.errors import ConfigurationError, ModelError
from calogan.serving.address import Address, parse_address
from calogan.serving.fleet import Fleet
from calogan.serving.security import check_exposure, read_token
from calogan.serving.transport import Asked, Credentials, Described, Transport, open_transport
from calogan.trained import TrainedSimulator

__all__ = ["AUTHORITIES_VARIABLE", "RemoteSimulator"]

AUTHORITIES_VARIABLE = "CALOGAN_SERVER_CA"
"""Environment variable of the PEM file of the authorities that a client trusts."""

_MOST, _FEWEST = 2048, 128
"""Showers of a request: enough to be worth the way, few enough to keep all servers busy."""

_DESCRIBE_S = 10.0
"""How long to wait for the first answer: an address that is wrong shall be noticed soon."""


class RemoteSimulator(TrainedSimulator):
    """A simulator that asks servers (`calogan serve`) for the showers.

    The client draws the noise, in the order in which `NeuralSimulator` draws it, and the servers
    run the network. So the same `rng` gives the showers that the same bundle gives on this
    machine, to the rounding of the network (some 1e-6 of a cell's energy), however many servers
    there are, however the particles are shared out, and whatever fails on the way.

    Many particles are cut into requests, of which several are under way at each server. A request
    that fails, because a server is busy, was killed or cannot be reached, is sent again, to another
    server if there is one; its rows are taken from the one answer that arrives. All answers must
    be of the network that the first server described.

    Args:
        address: `grpc://host:8001/eplus`, also `grpcs`, `http` or `https`, `eplus@2` for a
            version, and `grpc://a:8001,b:8001/eplus` for several servers.
        token: What the servers want to see; that of the environment (CALOGAN_SERVER_TOKEN) unless
            given.
        authorities: PEM file of the authorities that are trusted; that of the environment
            (CALOGAN_SERVER_CA) or the system's unless given.
        in_flight: Requests under way at each server.
        timeout_s: How long a request may take [s].
        patience_s: How long to go on without any answer [s]; 10 s at most for the first one.

    Raises:
        ConfigurationError: No address, or a token that would travel in plain text.
        ModelError: There is no such model on the first server that answers.
        SimulationError: No server answers.
    """

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        authorities: str | Path | None = None,
        in_flight: int = 4,
        timeout_s: float = 60.0,
        patience_s: float = 60.0,
    ) -> None:
        if in_flight < 1:
            msg = f"{in_flight} requests under way: must be at least 1"
            raise ConfigurationError(msg)
        self._address = parse_address(address)
        self._text = address
        self._in_flight, self._timeout_s = in_flight, timeout_s
        self._fleet = _fleet(self._address, token, authorities, patience_s)
        try:
            described = self._describe()
            super().__init__(_card(described, address))
        except BaseException:
            self._fleet.close()
            raise
        self._server = described.server
        most = described.properties.get("max_showers", "")
        self._most = min(_MOST, int(most)) if most.isdecimal() and int(most) else _MOST

    def _describe(self) -> Described:
        model, version = self._address.model, self._address.version
        return self._fleet.first_call(
            lambda server: server.describe(model, version, min(_DESCRIBE_S, self._timeout_s)),
            _DESCRIBE_S,
        )

    @property
    def name(self) -> str:
        """The address."""
        return self._text

    @property
    def provenance(self) -> dict[str, Any]:
        """What goes into the files that the simulator makes."""
        return {**super().provenance, "server": self._server}

    def _fill(
        self,
        layers: tuple[NDArray[np.float32], ...],
        told: NDArray[np.float32],
        rng: np.random.Generator,
    ) -> None:
        """Have all rows made; noise is drawn no earlier than it is sent."""
        at_once = self._in_flight * len(self._fleet)
        stopped = threading.Event()
        with ThreadPoolExecutor(at_once, thread_name_prefix="calogan-request") as threads:
            pending = set()
            try:
                for rows in _requests(len(told), at_once, self._most):
                    noise = rng.standard_normal(
                        (rows.stop - rows.start, self.card.architecture.latent_size),
                        dtype=np.float32,
                    )
                    pending.add(threads.submit(self._ask, layers, rows, noise, told[rows], stopped))
                    while len(pending) > at_once:
                        done, pending = wait(pending, return_when=FIRST_COMPLETED)
                        for one in done:
                            one.result()
                done, pending = wait(pending, return_when=FIRST_EXCEPTION)
                for one in done:
                    one.result()
            except KeyboardInterrupt:
                self._fleet.close()  # nobody waits for what is under way
                raise
            finally:
                stopped.set()
                for one in pending:
                    one.cancel()

    def _ask(
        self,
        layers: tuple[NDArray[np.float32], ...],
        rows: slice,
        noise: NDArray[np.float32],
        told: NDArray[np.float32],
        stopped: threading.Event,
    ) -> None:
        """Have some rows made, and put them where they belong."""
        asked = Asked(
            self._address.model,
            str(self.card.version),
            {"noise": noise, self.told: told},
            tuple(self.card.outputs),
        )

        def ask(server: Transport) -> list[NDArray[np.float32]]:
            reply = server.infer(asked, self._timeout_s)
            if reply.sha256 != self.card.sha256:
                msg = f"{self.card.name}@{self.card.version} is another network now: start again"
                raise ModelError(msg)
            for name, image, layer in zip(asked.outputs, reply.outputs, layers, strict=True):
                if image.shape != (len(noise), *layer.shape[1:]):
                    msg = f"the server gives {name} as {image.shape}"
                    raise ModelError(msg)
            return [*reply.outputs]

        for layer, image in zip(layers, self._fleet.call(ask, stopped), strict=True):
            layer[rows] = image

    def close(self) -> None:
        """End all connections."""
        self._fleet.close()

    def __enter__(self) -> Self:
        """Use it in a block; its connections end there."""
        return self

    def __exit__(self, *_: object) -> None:
        """End all connections."""
        self.close()


def _card(described: Described, address: str) -> Card:
    card = described.properties.get("card")
    if card is None:
        msg = f"{address}: this server says nothing of calogan's models: it is another one"
        raise ModelError(msg)
    return parse_card(card.encode(), f"card of {address}")


def _requests(n: int, at_once: int, most: int) -> Iterator[slice]:
    """Cut n rows into requests."""
    even = -(-n // at_once)
    size = min(most, max(_FEWEST, -(-even // _FEWEST) * _FEWEST))
    for start in range(0, n, size):
        yield slice(start, min(start + size, n))


def _fleet(
    address: Address, token: str | None, authorities: str | Path | None, patience_s: float
) -> Fleet:
    token = read_token() if token is None else token
    trusted = authorities or os.environ.get(AUTHORITIES_VARIABLE) or None
    credentials = Credentials(token, None if trusted is None else Path(trusted))
    for place in address.places:
        check_exposure(place.host, token, encrypted=address.encrypted)
    return Fleet(
        [(place, open_transport(address, place, credentials)) for place in address.places],
        patience_s,
    )
