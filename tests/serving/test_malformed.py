"""Requests that make no sense get a status that says so, and the server stays healthy.

`CALOGAN_MALFORMED=10000` makes as many requests; a few hundred unless set.
"""

from __future__ import annotations

import http.client
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calogan.serving import protocol
from tests.serving.processes import ServerProcess
from tests.tiny_models import LATENT

grpc = pytest.importorskip("grpc")

N = int(os.environ.get("CALOGAN_MALFORMED", "300")) // 2
many = settings(
    max_examples=N,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

PROPER = {"INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED"}
FLOATS = st.floats(width=32)
SHAPES = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5).filter(lambda s: s != [2, 1])
NAMES = st.text(max_size=80).filter(lambda name: name not in ("energy", "noise", "seed", "tiny"))
Call = Callable[[str, bytes], str]


@pytest.fixture(scope="module")
def call(server: ServerProcess) -> Iterator[Call]:
    """Send bytes to a method over gRPC: the name of the status."""
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:

        def send(method: str, content: bytes) -> str:
            try:
                channel.unary_unary(f"/{protocol.INFERENCE}/{method}")(content, timeout=30)
            except grpc.RpcError as error:
                return str(error.code().name)
            return "OK"

        yield send


def good() -> Any:
    """A request that is answered, with typed contents or without."""
    request = protocol.ModelInferRequest(model_name="tiny")
    request.inputs.add(name="energy", datatype="FP32", shape=[2, 1])
    request.inputs.add(name="noise", datatype="FP32", shape=[2, LATENT])
    request.raw_input_contents.extend([b"\x00\x00\x80\x3f" * 2, bytes(8 * LATENT)])
    return request


@st.composite
def bad_messages(draw: st.DrawFn) -> bytes:
    """A good request of which one thing is spoilt."""
    request = good()
    one = request.inputs[draw(st.integers(0, 1))]
    match draw(st.integers(0, 13)):
        case 0:
            request.model_name = draw(NAMES)
        case 1:
            request.model_version = draw(st.text(min_size=1).filter(lambda v: v != "1"))
        case 2:
            one.name = draw(NAMES)
        case 3:
            one.datatype = draw(st.sampled_from(["", "FP64", "INT64", "BYTES", "fp32"]) | NAMES)
        case 4:
            del one.shape[:]
            one.shape.extend(draw(SHAPES.filter(lambda s: s != [2, LATENT])))
        case 5:
            extra = draw(st.binary(min_size=1, max_size=50))
            request.raw_input_contents[0] += extra
        case 6:
            request.raw_input_contents.append(draw(st.binary(max_size=50)))
        case 7:
            one.contents.fp32_contents.extend(draw(st.lists(FLOATS, min_size=1, max_size=9)))
        case 8:
            request.outputs.add(name=draw(NAMES))
        case 9:
            for _ in range(2):
                request.outputs.add(name="layer_1")
        case 10:
            request.inputs.add().CopyFrom(one)
            request.raw_input_contents.append(request.raw_input_contents[1])
        case 11:
            request.parameters["timeout"].string_param = draw(
                st.text(st.characters(codec="ascii", exclude_categories=["Nd"]), min_size=1)
            )
        case 12:
            one.parameters["shared_memory_region"].string_param = draw(st.text())
        case 13:
            bits = draw(st.sampled_from([b"\x00\x00\xc0\x7f", b"\x00\x00\x80\xff", bytes(4)]))
            request.raw_input_contents[0] = bits * 2  # NaN, -infinity, zero
    content: bytes = request.SerializeToString()
    return content


@many
@given(content=bad_messages())
def test_spoilt_requests(call: Call, content: bytes) -> None:
    assert call("ModelInfer", content) in PROPER


@many
@given(
    method=st.sampled_from(["ModelInfer", "ModelMetadata", "ModelReady", "RepositoryModelLoad"]),
    content=st.binary(min_size=1, max_size=300).filter(lambda c: c[0] % 8 != 7),
)
def test_random_bytes(call: Call, method: str, content: bytes) -> None:
    assert call(method, content) in PROPER


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=15,
)


@st.composite
def bad_bodies(draw: st.DrawFn) -> bytes:
    """A good request in JSON of which one part is replaced by anything."""
    tensor: dict[str, Any] = {
        "name": "energy",
        "datatype": "FP32",
        "shape": [2, 1],
        "data": [1.0, 2.0],
    }
    body: dict[str, Any] = {"inputs": [tensor]}
    anything = draw(JSON)
    match draw(st.integers(0, 8)):
        case 0:
            return json.dumps(anything).encode("utf-8", "replace")
        case 1:
            return draw(st.binary(max_size=300))
        case 2 | 3 | 4 as k:
            part = ("name", "datatype", "shape")[k - 2]
            tensor[part] = anything
            if anything == [2, 1]:
                del tensor[part]
        case 5:
            numbers = isinstance(anything, list) and len(anything) == 2
            tensor["data"] = draw(st.lists(st.text(), min_size=1)) if numbers else anything
        case 6:
            body["outputs"] = [anything]
        case 7:
            body["inputs"] = anything
        case 8:
            size = draw(st.integers() | st.text() | st.none() | st.floats())
            tensor["parameters"] = {"binary_data_size": -1 if size == 8 or size is None else size}
    return json.dumps(body).encode("utf-8", "replace")


@many
@given(body=bad_bodies(), length=st.none() | st.integers(-5, 500) | st.text("0123abc", max_size=30))
def test_bodies(server: ServerProcess, body: bytes, length: int | str | None) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=30)
    headers = {} if length is None else {"Inference-Header-Content-Length": str(length)}
    try:
        connection.request("POST", "/v2/models/tiny/infer", body, headers)
        response = connection.getresponse()
        content = response.read()
    finally:
        connection.close()
    assert response.status in (400, 404, 413, 415), content
    assert json.loads(content)["error"]


@many
@given(
    path=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
)
def test_paths(server: ServerProcess, path: str, method: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=30)
    try:
        connection.request(method, f"/v2/models/{path}")
        response = connection.getresponse()
        response.read()
    finally:
        connection.close()
    assert response.status in (307, 400, 404, 405)


def test_healthy_after_all_that(server: ServerProcess, call: Call) -> None:
    assert call("ModelInfer", good().SerializeToString()) == "OK"
    assert "Traceback" not in server.words
