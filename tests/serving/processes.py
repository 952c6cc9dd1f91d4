"""Servers in processes of their own, as users run them."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

PATIENCE_S = 60.0


def free_port() -> int:
    """A port that nobody listens at; for a server that shall come back at the same one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@dataclass
class ServerProcess:
    """`calogan serve` in a process.

    Args:
        log: Where its words go.
        models: What it serves.
        options: Further options of the command.
        models_folder: Where installed models are looked for.
    """

    log: Path
    models: Sequence[str | Path]
    options: Sequence[str] = ()
    models_folder: Path | None = None
    port: int = 0
    http_port: int = 0
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def start(self) -> Self:
        """Start it, and wait until it is ready."""
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        environment.pop("CALOGAN_SERVER_TOKEN", None)
        if self.models_folder is not None:
            environment["CALOGAN_MODELS"] = str(self.models_folder)
        ports = ("--port", str(self.port), "--http-port", str(self.http_port))
        words = [str(word) for word in (*self.models, *ports, *self.options)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "calogan", "serve", *words],
                stderr=log,
                stdout=log,
                env=environment,
            )
        end = time.monotonic() + PATIENCE_S
        while "calogan: ready at" not in self.words:
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                pytest.fail(f"the server did not start: {self.words}")
            time.sleep(0.02)
        ready = self.words.partition("ready at")[2]
        self.port, self.http_port = (int(n) for n in re.findall(r"://\S+?:(\d+)", ready)[:2])
        return self

    @property
    def words(self) -> str:
        """What it has said."""
        return self.log.read_text()

    def grpc(self, model: str = "tiny") -> str:
        return f"grpc://127.0.0.1:{self.port}/{model}"

    def http(self, model: str = "tiny") -> str:
        return f"http://127.0.0.1:{self.http_port}/{model}"

    def ask_to_end(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE_S)

    def end(self) -> int:
        """End it as an operator does; its exit status."""
        assert self.process is not None
        if self.process.poll() is None:
            self.ask_to_end()
        return self.process.wait(PATIENCE_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.end()
