"""Limits, ends and secrets of a server, as its clients meet them.

A batch that waits seconds for more showers makes a slow server out of a tiny model.
"""

from __future__ import annotations

import http.client
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calogan.errors import ConfigurationError, ModelError, SimulationError
from calogan.incident import Incident
from calogan.serving.remote import RemoteSimulator
from tests.serving.processes import ServerProcess

grpc = pytest.importorskip("grpc")


def energies(n: int) -> bytes:
    tensor = {"name": "energy", "datatype": "FP32", "shape": [n, 1], "data": [10.0] * n}
    return json.dumps({"inputs": [tensor]}).encode()


def post(
    port: int, body: bytes, headers: dict[str, str] | None = None, timeout_s: float = 60
) -> tuple[int, dict[str, str], Any]:
    """Ask over HTTP: status, headers, JSON."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout_s)
    try:
        connection.request("POST", "/v2/models/tiny/infer", body, headers or {})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), json.loads(response.read())
    finally:
        connection.close()


def call(port: int, n: int, timeout_s: float = 60) -> Any:
    """Ask over gRPC for n showers; the answer, or the error."""
    from calogan.serving import protocol

    request = protocol.ModelInferRequest(model_name="tiny")
    request.inputs.add(name="energy", datatype="FP32", shape=(n, 1))
    request.raw_input_contents.append(np.full(n, 10, "<f4").tobytes())
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        infer = channel.unary_unary(
            f"/{protocol.INFERENCE}/ModelInfer",
            request_serializer=protocol.ModelInferRequest.SerializeToString,
            response_deserializer=protocol.ModelInferResponse.FromString,
        )
        try:
            return infer(request, timeout=timeout_s)
        except grpc.RpcError as error:
            return error


@pytest.fixture
def slow(tiny: Path, tmp_path: Path) -> ServerProcess:
    """A server of batches of 8 showers that waits for them, and lets no more than 8 wait."""
    sizes = ["--batch-size", "8", "--max-queue", "8", "--max-showers", "8"]
    return ServerProcess(tmp_path / "log", [tiny], [*sizes, "--max-delay", "1e6"])


def wait_for_queue(process: ServerProcess, showers: int) -> None:
    """Wait until so many showers are queued."""
    url = f"http://127.0.0.1:{process.http_port}/metrics"
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with urllib.request.urlopen(url, timeout=30) as page:
            if f"calogan_queued_showers {showers:.1f}".encode() in page.read():
                return
    pytest.fail(f"there were never {showers} showers in the queue")


def test_busy_at_once_and_recovers(slow: ServerProcess) -> None:
    with slow, ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(call, slow.port, 7)
        wait_for_queue(slow, 7)
        refused = call(slow.port, 2)
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert refused.details().startswith("busy")
        status, headers, words = post(slow.http_port, energies(2))
        assert status == 429
        assert headers["retry-after"] == "1"
        assert words["error"].startswith("busy")
        assert not waiting.done()
        assert len(call(slow.port, 1).outputs) == 3  # the batch is full now
        assert len(waiting.result().outputs) == 3
        assert post(slow.http_port, energies(8))[0] == 200


def test_deadlines_free_the_queue(slow: ServerProcess) -> None:
    body = json.loads(energies(7)) | {"parameters": {"timeout": 100_000}}
    with slow:
        late = call(slow.port, 7, timeout_s=0.3)
        assert late.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        wait_for_queue(slow, 0)
        status, _, words = post(slow.http_port, json.dumps(body).encode())
        assert status == 504
        assert "0.1 s" in words["error"]
        wait_for_queue(slow, 0)
        connection = http.client.HTTPConnection("127.0.0.1", slow.http_port, timeout=30)
        connection.request("POST", "/v2/models/tiny/infer", energies(7))
        wait_for_queue(slow, 7)
        connection.close()  # a client that goes away takes its showers along
        wait_for_queue(slow, 0)
        assert len(call(slow.port, 8).outputs) == 3


def test_what_is_queued_is_finished_at_the_end(slow: ServerProcess) -> None:
    with slow, ThreadPoolExecutor(2) as threads:
        one = threads.submit(call, slow.port, 3)
        other = threads.submit(post, slow.http_port, energies(3))
        wait_for_queue(slow, 6)
        slow.ask_to_end()
        assert len(one.result().outputs) == 3
        status, _, answer = other.result()
        assert status == 200
        assert answer["outputs"][2]["shape"] == [3, 12, 6]
    assert slow.end() == 0
    assert "Traceback" not in slow.words


def test_a_request_that_is_too_large(server: ServerProcess) -> None:
    status, _, answer = post(server.http_port, b" " * 100_001)
    assert status == 413
    assert "larger than 100000 bytes" in answer["error"]
    error = call(server.port, 30_000)
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in error.details()
    with RemoteSimulator(server.grpc()) as simulator:  # knows the server's limits
        assert len(simulator.simulate(Incident.draw("e+", 10, 5000, seed=1))) == 5000


def test_two_servers_do_not_share_a_port(tiny: Path, server: ServerProcess) -> None:
    for option in (("--port", server.port), ("--http-port", server.http_port)):
        words = ["--port", "0", "--http-port", "0", *map(str, option)]
        second = subprocess.run(
            [sys.executable, "-m", "calogan", "serve", str(tiny), *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert second.returncode == 2
        assert f"cannot listen at 127.0.0.1:{option[1]}" in second.stderr
        assert "Traceback" not in second.stderr


TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the program openssl")
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "chain.pem", folder / "key.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(chain)),
        ],
        check=True,
        capture_output=True,
    )
    return chain, key


def test_token_and_encryption(
    tiny: Path,
    tmp_path: Path,
    certificate: tuple[Path, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chain, key = certificate
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    options = ["--tls-cert", str(chain), "--tls-key", str(key), "--token-file", str(token)]
    incident = Incident.draw("e+", 10, 3, seed=1)
    with ServerProcess(tmp_path / "log", [tiny], [*options, "--host", "0.0.0.0"]) as process:
        addresses = [
            f"grpcs://localhost:{process.port}/tiny",
            f"https://localhost:{process.http_port}/tiny",
        ]
        for address in addresses:
            with RemoteSimulator(address, token=TOKEN, authorities=chain) as simulator:
                assert len(simulator.simulate(incident)) == 3
            for wrong in (None, TOKEN[::-1]):
                with pytest.raises(ModelError, match="wants a token"):
                    RemoteSimulator(address, token=wrong, authorities=chain)
            monkeypatch.setenv("CALOGAN_SERVER_TOKEN", TOKEN)
            monkeypatch.setenv("CALOGAN_SERVER_CA", str(chain))
            with RemoteSimulator(address) as simulator:
                assert simulator.particle == "e+"
            monkeypatch.delenv("CALOGAN_SERVER_TOKEN")
            monkeypatch.delenv("CALOGAN_SERVER_CA")
        with pytest.raises(ModelError, match="not trusted"):
            RemoteSimulator(addresses[1], token=TOKEN)
        with pytest.raises(SimulationError, match="no answer"):
            RemoteSimulator(addresses[0], token=TOKEN, patience_s=0.5)
        with pytest.raises(ConfigurationError, match="plain text"):
            RemoteSimulator("grpc://example.org/tiny", token=TOKEN)
        assert "in plain text" not in process.words


def test_encrypted_but_open_to_anybody_is_said(
    tiny: Path, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    chain, key = certificate
    options = ["--tls-cert", str(chain), "--tls-key", str(key), "--host", "0.0.0.0"]
    with ServerProcess(tmp_path / "log", [tiny], options) as process:
        assert "anybody who reaches 0.0.0.0 can ask for showers, without a token" in process.words


def test_health_needs_no_token(tiny: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(TOKEN)
    with ServerProcess(tmp_path / "log", [tiny], ["--token-file", str(token)]) as process:

        def status(path: str, **headers: str) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", process.http_port, timeout=30)
            connection.request("GET", path, headers=headers)
            found = connection.getresponse().status
            connection.close()
            return found

        assert status("/v2/health/live") == status("/v2/health/ready") == 200
        for path in ("/v2", "/metrics", "/v2/models/tiny", "/v2/models/tiny/ready"):
            assert status(path) == status(path, authorization=f"Basic {TOKEN}") == 401
            assert status(path, authorization=f"Bearer {TOKEN}") == 200
        assert call(process.port, 1).code() is grpc.StatusCode.UNAUTHENTICATED
        assert post(process.http_port, energies(1))[0] == 401


def test_noise_on_the_line(server: ServerProcess) -> None:
    """What is no HTTP at all, and requests that break off, harm nobody."""
    lines = [b"\x00" * 100, b"GET\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000]
    lines.append(b"POST /v2/models/tiny/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n{")

    def shout(port: int, line: bytes) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(line)

    threads = [
        threading.Thread(target=shout, args=(port, line))
        for line in lines
        for port in (server.port, server.http_port)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(call(server.port, 1).outputs) == 3
    assert post(server.http_port, energies(1))[0] == 200
