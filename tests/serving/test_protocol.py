"""The messages on the wire are those of the public protocol."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calogan.serving import protocol
from calogan.serving.grpc_service import _field, _timeout_s
from calogan.serving.http_service import _unless_left
from calogan.serving.refusals import Refusal, Why
from calogan.serving.tensors import from_bytes, from_numbers

SCRIPT = Path(__file__).parents[2] / "scripts" / "make_protocol.py"


def test_descriptors_are_those_of_the_proto_files() -> None:
    pytest.importorskip("grpc_tools", reason="needs grpcio-tools")
    subprocess.run([sys.executable, SCRIPT, "--check"], check=True, timeout=60)


def test_messages_are_those_of_triton_s_client() -> None:
    """Same names, numbers and types; and both live in one process."""
    service = pytest.importorskip("tritonclient.grpc.service_pb2", reason="needs tritonclient")
    ours = protocol.ModelInferRequest.DESCRIPTOR.file
    theirs = service.DESCRIPTOR.message_types_by_name

    def check(one: object, other: object) -> int:
        compared = 0
        for field in one.fields:  # type: ignore[attr-defined]
            if field.name in ("properties",):  # KServe's, which Triton's lacks
                continue
            same = other.fields_by_name[field.name]  # type: ignore[attr-defined]
            assert (field.number, field.type) == (same.number, same.type), field.full_name
            compared += 1
        for nested in one.nested_types:  # type: ignore[attr-defined]
            if nested.name != "PropertiesEntry":
                compared += check(nested, other.nested_types_by_name[nested.name])  # type: ignore[attr-defined]
        return compared

    compared = sum(check(one, theirs[one.name]) for one in ours.message_types_by_name.values())
    assert compared > 70


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 4_128_768])
def test_large_fields_are_written_as_protobuf_does(size: int) -> None:
    content = np.random.default_rng(size).bytes(size)
    head = protocol.ModelInferResponse(model_name="tiny").SerializeToString()
    reply = protocol.ModelInferResponse.FromString(head + _field(6, size) + content)
    assert reply.model_name == "tiny"
    assert list(reply.raw_output_contents) == [content]


@pytest.mark.parametrize("digits", [19, 400, 5000])
def test_a_timeout_of_too_many_digits_is_refused(digits: int) -> None:
    request = protocol.ModelInferRequest()
    request.parameters["timeout"].string_param = "9" * digits
    with pytest.raises(Refusal, match="number of microseconds"):
        _timeout_s(request.parameters, None)


@pytest.mark.parametrize("shape", [(0, 2**31, 2**31, 2**31), (2**31, 2**31, 2**31, 0)])
def test_shapes_that_are_empty_and_yet_too_large_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(Refusal, match="none that an input can have"):
        from_bytes("seed", "INT64", shape, b"")
    with pytest.raises(Refusal, match="none that an input can have"):
        from_numbers("seed", "INT64", shape, [])


def test_a_client_that_goes_away_is_no_failure_of_the_server() -> None:
    class Left:
        async def receive(self) -> dict[str, str]:
            return {"type": "http.disconnect"}

    async def ask() -> Any:
        return await _unless_left(Left(), asyncio.sleep(60))  # type: ignore[arg-type]

    with pytest.raises(Refusal) as caught:
        asyncio.run(ask())
    assert caught.value.why is Why.GONE
