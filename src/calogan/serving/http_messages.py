"""Bodies of requests and replies over HTTP: JSON, and the extension for binary tensors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from calogan.serving.refusals import Refusal, Why
from calogan.serving.service import Answer
from calogan.serving.tensors import Tensor, from_bytes, from_numbers, memory_of, quoted

__all__ = ["HEADER_LENGTH", "InferBody", "read_body", "write_answer"]

HEADER_LENGTH = "inference-header-content-length"
"""Length of the JSON before the binary tensors: Triton's extension `binary_tensor_data`."""

_IN_PLACE = 65_536
"""JSON up to so many bytes is read in the event loop; longer one in a thread."""

_ROWS_AT_ONCE = 64
"""Showers that are written as JSON in one go: others get their turn in between."""


@dataclass(frozen=True)
class InferBody:
    """A request for showers.

    Args:
        id: What the client calls it; empty if nothing.
        tensors: The inputs.
        binary: Whether each output that is wanted comes in binary; empty for all outputs.
        usually_binary: Whether an output of which nothing is said comes in binary.
        timeout_s: How long the client waits, if it says so [s].
    """

    id: str
    tensors: list[Tensor]
    binary: dict[str, bool]
    outputs: list[str]
    usually_binary: bool
    timeout_s: float | None


async def read_body(body: bytes, length: str | None) -> InferBody:
    """Read a request.

    Args:
        body: All of it.
        length: Header `Inference-Header-Content-Length`, if it is there.

    Raises:
        Refusal: It makes no sense.
    """
    header, binary = _split(body, length)
    if len(header) > _IN_PLACE:
        asked = await asyncio.to_thread(_read_json, header)
    else:
        asked = _read_json(header)
    parameters = _mapping(asked, "parameters")
    outputs = [_entry(one, "output") for one in _listed(asked, "outputs")]
    usual = parameters.get("binary_data_output") is True
    return InferBody(
        id=asked["id"] if isinstance(asked.get("id"), str) else "",
        tensors=_inputs(asked, binary),
        binary={
            one["name"]: one.get("parameters", {}).get("binary_data", usual) is True
            for one in outputs
        },
        outputs=[one["name"] for one in outputs],
        usually_binary=usual,
        timeout_s=_timeout_s(parameters),
    )


def _split(body: bytes, length: str | None) -> tuple[bytes, memoryview]:
    """JSON and binary part of a body."""
    if length is None:
        return body, memoryview(b"")
    if not length.isdecimal() or len(length) > 18 or int(length) > len(body):
        msg = f"header Inference-Header-Content-Length: {quoted(length)} is no length in this body"
        raise Refusal(Why.INVALID, msg)
    return body[: int(length)], memoryview(body)[int(length) :]


def _read_json(content: bytes) -> dict[str, Any]:
    try:
        asked = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        msg = "the request is no JSON object"
        raise Refusal(Why.INVALID, msg)
    return asked


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


def _listed(values: Mapping[str, Any], name: str) -> list[Any]:
    found = values.get(name, [])
    if not isinstance(found, list):
        msg = f"{name}: must be a list"
        raise Refusal(Why.INVALID, msg)
    return found


def _mapping(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = values.get(name, {})
    if not isinstance(found, dict):
        msg = f"{name}: must be an object"
        raise Refusal(Why.INVALID, msg)
    return found


def _entry(value: Any, what: str) -> dict[str, Any]:
    """An input or output of a request: an object with a name and parameters."""
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        msg = f"each {what} must be an object with a name"
        raise Refusal(Why.INVALID, msg)
    parameters = _mapping(value, "parameters")
    for name in ("shared_memory_region", "classification"):
        if name in parameters:
            raise Refusal(Why.UNSUPPORTED, f"the parameter {name} is not supported")
    return value


def _inputs(asked: Mapping[str, Any], binary: memoryview) -> list[Tensor]:
    tensors = []
    start = 0
    for one in (_entry(value, "input") for value in _listed(asked, "inputs")):
        name, datatype, shape = one["name"], one.get("datatype"), one.get("shape")
        if not isinstance(datatype, str):
            msg = f"input {quoted(name)}: datatype is missing"
            raise Refusal(Why.INVALID, msg)
        if not isinstance(shape, list) or not all(type(size) is int for size in shape):
            msg = f"input {quoted(name)}: shape must be a list of whole numbers"
            raise Refusal(Why.INVALID, msg)
        size = _mapping(one, "parameters").get("binary_data_size")
        if size is None:
            if "data" not in one:
                msg = f"input {quoted(name)}: data are missing"
                raise Refusal(Why.INVALID, msg)
            tensors.append(from_numbers(name, datatype, shape, one["data"]))
            continue
        if type(size) is not int or not 0 <= size <= len(binary) - start or "data" in one:
            msg = f"input {quoted(name)}: binary_data_size does not fit to the body"
            raise Refusal(Why.INVALID, msg)
        tensors.append(from_bytes(name, datatype, shape, bytes(binary[start : start + size])))
        start += size
    if start != len(binary):
        msg = f"{len(binary) - start} bytes behind the last input"
        raise Refusal(Why.INVALID, msg)
    return tensors


def _timeout_s(parameters: Mapping[str, Any]) -> float | None:
    """Time that the client gives: Triton's parameter `timeout` [us]."""
    microseconds = parameters.get("timeout")
    if microseconds is None or microseconds == 0:
        return None
    if type(microseconds) is not int or not 0 < microseconds < 2**63:
        msg = "the parameter timeout must be a number of microseconds"
        raise Refusal(Why.INVALID, msg)
    return microseconds / 1e6


async def write_answer(name: str, asked: InferBody, answer: Answer) -> tuple[bytes, int | None]:
    """Write a reply.

    Args:
        name: The model, as the client calls it.
        asked: The request.
        answer: The showers.

    Returns:
        The body, and the length of the JSON at its start if binary tensors follow.
    """
    card = answer.served.card
    head = {
        "model_name": name,
        "model_version": str(card.version),
        "parameters": {"sha256": card.sha256},
    }
    if asked.id:
        head["id"] = asked.id
    written = []
    parts: list[memoryview] = []
    for output, layer in answer.layers.items():
        about: dict[str, Any] = {"name": output, "datatype": "FP32", "shape": layer.shape}
        if asked.binary.get(output, asked.usually_binary):
            parts.append(memory_of(layer))
            about["parameters"] = {"binary_data_size": len(parts[-1])}
            written.append(json.dumps(about))
        else:
            numbers = await asyncio.to_thread(_as_json, layer)
            written.append(f'{json.dumps(about)[:-1]}, "data": [{numbers}]}}')
    text = f'{json.dumps(head)[:-1]}, "outputs": [{", ".join(written)}]}}'.encode()
    return b"".join([text, *parts]), len(text) if parts else None


def _as_json(layer: NDArray[np.float32]) -> str:
    return ",".join(_numbers(layer))


def _numbers(layer: NDArray[np.float32]) -> Iterator[str]:
    flat = layer.reshape(len(layer), -1)
    for start in range(0, len(flat), _ROWS_AT_ONCE):
        yield json.dumps(flat[start : start + _ROWS_AT_ONCE].ravel().tolist())[1:-1]
