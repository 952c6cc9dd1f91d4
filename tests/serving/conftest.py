"""A server of a tiny model, for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

for module in ("google.protobuf", "grpc", "prometheus_client", "starlette", "uvicorn"):
    pytest.importorskip(module, reason="needs the extra serve")

from tests.serving.processes import ServerProcess
from tests.tiny_models import make_bundle


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny model."""
    return make_bundle(tmp_path_factory.mktemp("served") / "tiny")


@pytest.fixture(scope="session")
def server(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server of the tiny model with small limits; it must end well, without a traceback."""
    log = tmp_path_factory.mktemp("server") / "log"
    options = ["--max-showers", "600", "--max-message", "0.1", "--batch-size", "64"]
    with ServerProcess(log, [tiny], [*options, "--threads", "2"]) as process:
        yield process
        assert "Traceback" not in process.words
        assert process.end() == 0
