"""The messages on the wire are those of the public protocol."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from calogan.serving import protocol
from calogan.serving.grpc_service import _field

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
