"""`calogan serve` as a user types it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

for module in ("google.protobuf", "grpc", "prometheus_client", "starlette", "uvicorn"):
    pytest.importorskip(module, reason="needs the extra serve")

from calogan.cli import main
from calogan.files import ShowerFile
from tests.serving.processes import ServerProcess
from tests.tiny_models import make_bundle


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "tiny")


def test_a_file_from_a_server_is_that_of_the_model(tiny: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "calogan", "simulate", "--energy", "5:50", "-n", "3000"]
    with ServerProcess(tmp_path / "log", [tiny]) as process:
        for name, simulator in (("here", str(tiny)), ("there", process.grpc())):
            output = str(tmp_path / f"{name}.h5")
            subprocess.run(
                [*command, "--seed", "3", "--with", simulator, "-o", output], check=True, timeout=60
            )
        assert process.end() == 0
    with ShowerFile(tmp_path / "here.h5") as here, ShowerFile(tmp_path / "there.h5") as there:
        assert len(here) == len(there) == 3000
        one, other = here.read(), there.read()
        assert (one.incident.energy_gev == other.incident.energy_gev).all()
        for a, b in zip(one.layers, other.layers, strict=True):
            assert abs(a - b).max() <= 1e-5 * a.max()
        assert there.made_with["model_sha256"] == here.made_with["model_sha256"]
        assert there.made_with["server"].startswith("calogan")


def test_names_that_ship(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "log", ["eplus", "piplus"], ["--threads", "1"]) as process:
        assert re.search(r"eplus@\d+, piplus@\d+", process.words)
        done = subprocess.run(
            ["curl", "-sS", f"http://127.0.0.1:{process.http_port}/v2/models/eplus"],
            capture_output=True,
            timeout=60,
            check=True,
        )
        card = json.loads(json.loads(done.stdout)["properties"]["card"])
        assert card["name"] == "eplus"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["muon"], "no model 'muon': give one of eplus"),
        (["TINY", "--tls-cert", "a.pem"], "both --tls-cert and --tls-key"),
        (["TINY", "--token-file", "none"], "cannot read the token none"),
        (["TINY", "--max-queue", "5"], "fewer than one request may ask for"),
        (["TINY", "--tls-cert", "a.pem", "--tls-key", "b.pem"], "cannot read b.pem"),
        (["TINY", "--host", "192.0.2.1"], "cannot listen at 192.0.2.1"),
    ],
)
def test_what_cannot_be_served(
    tiny: Path,
    options: list[str],
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("CALOGAN_SERVER_TOKEN", raising=False)
    given = [str(tiny) if word == "TINY" else word for word in options]
    ports = ["--port", "0", "--http-port", "0"]
    monkeypatch.setattr(sys, "argv", ["calogan", "serve", *given, *ports])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    error = capfd.readouterr().err
    assert words in " ".join(error.split())
    assert "Traceback" not in error


def test_a_token_on_a_public_address_needs_tls(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CALOGAN_SERVER_TOKEN", "0123456789abcdef")
    monkeypatch.setattr(sys, "argv", ["calogan", "serve", str(tiny), "--host", "0.0.0.0"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 2
    error = capfd.readouterr().err
    assert "plain text" in error
    assert "0123456789abcdef" not in error
