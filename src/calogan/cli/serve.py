"""`calogan serve`: model bundles over gRPC and HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from calogan.serving.server import Running

__all__ = ["EPILOG", "serve"]

LIMITS = "Limits"
SECURITY = "Security"
"""Panels of the help text."""

EPILOG = (
    "Example: calogan serve eplus gamma piplus, and elsewhere on this machine "
    "calogan simulate --with grpc://127.0.0.1:8001/eplus --energy 50 -n 10000 -o fast.h5"
)


def serve(
    models: Annotated[
        list[str],
        typer.Argument(
            help="Models: eplus (all its versions), eplus@2, or the folder of a bundle.",
            metavar="MODEL...",
        ),
    ],
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 is all of this machine.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of gRPC; 0 takes a free one.")
    ] = 8001,
    http_port: Annotated[
        int, typer.Option(min=-1, max=65535, help="Port of HTTP; 0 takes a free one, -1 has none.")
    ] = 8000,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Batches at the same time, one thread each; all cores."),
    ] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Showers of a batch.")] = 128,
    max_delay: Annotated[
        float, typer.Option(min=0, help="ms that a shower waits for others at most.")
    ] = 10.0,
    reload_every: Annotated[
        float, typer.Option(min=0, help="s between looks for changed bundles; 0 for never.")
    ] = 2.0,
    max_showers: Annotated[
        int, typer.Option(min=1, help="Showers of one request.", rich_help_panel=LIMITS)
    ] = 4096,
    max_message: Annotated[
        float, typer.Option(min=0.01, help="MB of one request.", rich_help_panel=LIMITS)
    ] = 8.0,
    max_queue: Annotated[
        int,
        typer.Option(
            min=1, help="Showers that wait; beyond, the server is busy.", rich_help_panel=LIMITS
        ),
    ] = 65_536,
    max_requests: Annotated[
        int,
        typer.Option(
            min=1, help="Requests under way; beyond, the server is busy.", rich_help_panel=LIMITS
        ),
    ] = 512,
    timeout: Annotated[
        float, typer.Option(min=0.001, help="s that a request may take.", rich_help_panel=LIMITS)
    ] = 60.0,
    tls_cert: Annotated[
        Path | None,
        typer.Option(help="Certificate chain (PEM), for TLS.", rich_help_panel=SECURITY),
    ] = None,
    tls_key: Annotated[
        Path | None, typer.Option(help="Its private key (PEM).", rich_help_panel=SECURITY)
    ] = None,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="File with a token that clients must send; else that of CALOGAN_SERVER_TOKEN, "
            "if it is set.",
            rich_help_panel=SECURITY,
        ),
    ] = None,
) -> None:
    """Serve models over the network, to any client of the Open Inference Protocol."""
    from calogan.cli.extras import needs_extra
    from calogan.errors import ConfigurationError

    with needs_extra("serving models", "serve"):
        from calogan.serving.limits import Limits
        from calogan.serving.security import Certificate, read_token
        from calogan.serving.server import ServerOptions, run_server

    if (tls_cert is None) != (tls_key is None):
        msg = "TLS needs both --tls-cert and --tls-key"
        raise ConfigurationError(msg)
    certificate = None
    if tls_cert is not None and tls_key is not None:
        certificate = Certificate(tls_cert, tls_key)
    options = ServerOptions(
        host=host,
        port=port,
        http_port=None if http_port < 0 else http_port,
        threads=threads,
        certificate=certificate,
        token=read_token(token_file),
        limits=Limits(
            batch_showers=batch_size,
            delay_s=max_delay / 1e3,
            request_showers=max_showers,
            message_bytes=int(max_message * 1e6),
            queued_showers=max_queue,
            requests=max_requests,
            timeout_s=timeout,
        ),
        reload_s=reload_every,
    )
    secure = "s" if certificate else ""

    def announce(running: Running) -> None:
        models = ", ".join(f"{name}@{version}" for name, version in running.models)
        shown = f"[{host}]" if ":" in host else host
        places = [f"grpc{secure}://{shown}:{running.port}"]
        if running.http_port is not None:
            places.append(f"http{secure}://{shown}:{running.http_port}")
        typer.echo(f"calogan: ready at {' and '.join(places)}: {models}", err=True)

    run_server(models, options, announce)
