"""The server: both protocols, one process, from start to a graceful end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import grpc
import uvicorn

from calogan.errors import ConfigurationError
from calogan.serving.batching import Batcher, Workshop
from calogan.serving.grpc_service import handlers
from calogan.serving.http_service import application
from calogan.serving.limits import Limits
from calogan.serving.metrics import Metrics
from calogan.serving.repository import Repository
from calogan.serving.security import Certificate, check_exposure, is_local
from calogan.serving.service import Service

__all__ = ["Running", "ServerOptions", "run_server", "serve"]

_LOG = logging.getLogger("calogan")

_KEEP_ALIVE_S = 75
_SAME_SIGNAL_S = 1.0
_SPARE = 64
"""Requests for health and the like that are taken beside those for showers."""


@dataclass(frozen=True)
class ServerOptions:
    """Where and how to serve.

    Args:
        host: Address to listen at; this machine only unless given.
        port: Port of gRPC; 0 for any free one.
        http_port: Port of HTTP; 0 for any free one, None for no HTTP.
        threads: Calls of networks at the same time; as many as cores unless given.
        certificate: For TLS on both ports.
        token: What clients must know.
        limits: What is accepted.
        reload_s: How often to look for changed bundles [s]; 0 for never.
        grace_s: How long a request may still take when the server ends [s].

    Raises:
        ConfigurationError: A token that would travel in plain text.
    """

    host: str = "127.0.0.1"
    port: int = 8001
    http_port: int | None = 8000
    threads: int | None = None
    certificate: Certificate | None = None
    token: str | None = None
    limits: Limits = field(default_factory=Limits)
    reload_s: float = 2.0
    grace_s: float = 30.0

    def __post_init__(self) -> None:
        """Check that the token stays secret."""
        check_exposure(self.host, self.token, encrypted=self.certificate is not None)


@dataclass(frozen=True)
class Running:
    """A server that takes requests.

    Args:
        port: Port of gRPC.
        http_port: Port of HTTP, if there is one.
        models: Names and versions that are served.
    """

    port: int
    http_port: int | None
    models: list[tuple[str, str]]


def run_server(
    names: Sequence[str], options: ServerOptions, on_ready: Callable[[Running], None]
) -> None:
    """Serve until SIGTERM or SIGINT; a second one ends at once.

    Args:
        names: Models, see `calogan.serving.repository.resolve`.
        options: Where and how.
        on_ready: Called when requests are taken.

    Raises:
        CaloganError: A model that cannot be loaded, or a port that cannot be had.
    """
    asyncio.run(_serve_until_signal(names, options, on_ready))


async def _serve_until_signal(
    names: Sequence[str], options: ServerOptions, on_ready: Callable[[Running], None]
) -> None:
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    first: float | None = None

    def stop() -> None:
        nonlocal first
        if first is None:
            first = loop.time()
        elif loop.time() - first < _SAME_SIGNAL_S:
            return  # wrappers such as `timeout` send one signal twice
        if end.is_set():
            _LOG.warning("stopped at once: requests are lost")
            os._exit(1)
        _LOG.info("stopping: what is under way is finished")
        end.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    async with serve(names, options) as running:
        if not end.is_set():
            on_ready(running)
        await end.wait()


@asynccontextmanager
async def serve(names: Sequence[str], options: ServerOptions) -> AsyncIterator[Running]:
    """Serve inside of a block; at its end, what is under way is finished.

    Raises:
        CaloganError: As `run_server`.
    """
    limits, metrics = options.limits, Metrics()
    if not is_local(options.host) and options.token is None:
        how = "in plain text" if options.certificate is None else "without a token"
        _LOG.warning("anybody who reaches %s can ask for showers, %s", options.host, how)
    workshop = Workshop(options.threads or len(os.sched_getaffinity(0)), limits, metrics)
    repository = Repository(
        names, lambda model: Batcher(model, workshop), metrics, limits.batch_showers
    )
    service = Service(repository, limits, metrics, options.token)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(workshop.close)
        # live from here on, ready when the models are loaded
        port = await stack.enter_async_context(_grpc(service, options))
        http_port = None
        if options.http_port is not None:
            http_port = await stack.enter_async_context(_http(service, options))
        stack.push_async_callback(repository.close)
        await repository.load()
        if options.reload_s:
            watch = asyncio.create_task(repository.watch(options.reload_s))
            stack.callback(watch.cancel)
        service.ready = True
        try:
            yield Running(port, http_port, repository.index())
        finally:
            service.ready = False


@asynccontextmanager
async def _grpc(service: Service, options: ServerOptions) -> AsyncIterator[int]:
    """Listen for gRPC; gives the port."""
    limits = service.limits
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", limits.message_bytes),
            ("grpc.max_send_message_length", -1),
            ("grpc.max_metadata_size", 16_384),
            ("grpc.so_reuseport", 0),  # or two servers would share a port without a word
        ],
        maximum_concurrent_rpcs=limits.requests + _SPARE,
    )
    server.add_generic_rpc_handlers(handlers(service))
    address = _address(options.host, options.port)
    try:
        if options.certificate is None:
            port = server.add_insecure_port(address)
        else:
            credentials = grpc.ssl_server_credentials([options.certificate.read()])
            port = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise _taken(address) from error
    if port == 0:
        raise _taken(address)
    await server.start()
    try:
        yield int(port)
    finally:
        await server.stop(options.grace_s)


@asynccontextmanager
async def _http(service: Service, options: ServerOptions) -> AsyncIterator[int]:
    """Listen for HTTP; gives the port."""
    assert options.http_port is not None
    certificate = options.certificate
    config = uvicorn.Config(
        application(service),
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        limit_concurrency=4 * service.limits.requests + _SPARE,  # of connections, idle ones too
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=max(1, round(options.grace_s)),
        ssl_certfile=None if certificate is None else str(certificate.chain),
        ssl_keyfile=None if certificate is None else str(certificate.key),
    )
    try:
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        listener = socket.create_server((options.host, options.http_port), family=family)
    except OSError as error:
        raise _taken(_address(options.host, options.http_port)) from error
    server = _HttpServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield int(listener.getsockname()[1])
    finally:
        server.should_exit = True
        await task
        listener.close()


class _HttpServer(uvicorn.Server):
    """uvicorn, but signals are ours."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _taken(address: str) -> ConfigurationError:
    msg = f"cannot listen at {address}: another program does, or this machine has no such address"
    return ConfigurationError(msg)
