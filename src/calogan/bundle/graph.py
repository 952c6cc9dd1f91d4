"""What may be in `model.onnx`: a fixed sequence of standard operations on numbers in the file.

ONNX can do more than a network needs: functions of its own, loops, operators of libraries, and
weights in other files, by any path (ONNX Runtime follows `../`). None of that is accepted. The file
is read as protobuf's wire format, without the package onnx: field numbers are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

from calogan.errors import ModelError

__all__ = ["check_graph"]

_Value = int | memoryview

# ModelProto
_GRAPH, _TRAINING_INFO, _FUNCTIONS = 7, 20, 25
# GraphProto
_NODE, _INITIALIZER, _SPARSE_INITIALIZER = 1, 5, 15
# NodeProto
_OP_TYPE, _ATTRIBUTE, _DOMAIN = 4, 5, 7
# AttributeProto
_TENSOR, _SUBGRAPH, _TENSORS, _SUBGRAPHS, _SPARSE_TENSOR, _SPARSE_TENSORS = 5, 6, 10, 11, 22, 23
# TensorProto
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14

_STANDARD_DOMAINS = (b"", b"ai.onnx")


def check_graph(model: bytes, source: object = "model.onnx") -> None:
    """Check that a network is nothing but standard operations on numbers that are in the file.

    Args:
        model: What is in `model.onnx`.
        source: Where it is from, for messages.

    Raises:
        ModelError: It is no ONNX, is cut off, or holds something else.
    """
    try:
        has_graph = False
        for field, value in _fields(memoryview(model)):
            if field in (_FUNCTIONS, _TRAINING_INFO):
                _refuse("functions" if field == _FUNCTIONS else "training steps")
            if field == _GRAPH:
                _check_nodes(_message(value))
                has_graph = True
    except _Refused as error:
        msg = f"{source}: holds {error}: only standard operations, one after another, are accepted"
        raise ModelError(msg) from error
    except ValueError as error:
        msg = f"{source} is no ONNX network, or is cut off"
        raise ModelError(msg) from error
    if not has_graph:
        msg = f"{source} is no ONNX network: it holds no graph"
        raise ModelError(msg)


class _Refused(ValueError):
    """Something that a network has no need of."""


def _refuse(what: str) -> None:
    raise _Refused(what)


def _check_nodes(graph: memoryview) -> None:
    for field, value in _fields(graph):
        if field == _NODE:
            _check_node(_message(value))
        elif field == _INITIALIZER:
            _check_tensor(_message(value))
        elif field == _SPARSE_INITIALIZER:
            _refuse("sparse weights")


def _check_node(node: memoryview) -> None:
    operator, domain = b"", b""
    attributes = []
    for field, value in _fields(node):
        if field == _OP_TYPE:
            operator = bytes(_message(value))
        elif field == _DOMAIN:
            domain = bytes(_message(value))
        elif field == _ATTRIBUTE:
            attributes.append(_message(value))
    name = operator.decode("ascii", "replace")[:60]
    if domain not in _STANDARD_DOMAINS:
        _refuse(f"the operator {name!r} of {domain.decode('ascii', 'replace')[:60]!r}")
    for attribute in attributes:
        for field, value in _fields(attribute):
            if field in (_SUBGRAPH, _SUBGRAPHS):
                _refuse(f"a branch or loop ({name!r})")
            if field in (_SPARSE_TENSOR, _SPARSE_TENSORS):
                _refuse("sparse weights")
            if field in (_TENSOR, _TENSORS):
                _check_tensor(_message(value))


def _check_tensor(tensor: memoryview) -> None:
    for field, value in _fields(tensor):
        if field == _EXTERNAL_DATA or (field == _DATA_LOCATION and value):
            _refuse("weights that are in another file")


def _message(value: _Value) -> memoryview:
    if isinstance(value, int):
        msg = "a number where a message should be"
        raise ValueError(msg)  # noqa: TRY004  # as all that is wrong with the wire format
    return value


def _fields(message: memoryview) -> Iterator[tuple[int, _Value]]:
    """Fields of a message: number, and value or content."""
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        field, kind = key >> 3, key & 7
        if kind == 0:
            value, place = _varint(message, place)
            yield field, value
            continue
        if kind == 2:
            size, place = _varint(message, place)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            msg = f"wire type {kind}"
            raise ValueError(msg)
        if field == 0 or size > len(message) - place:
            msg = "a field that is longer than its message"
            raise ValueError(msg)
        yield field, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """A number of 7 bits per byte, the lowest first, and the place behind it."""
    number = 0
    for k, byte in enumerate(message[place : place + 10]):
        number |= (byte & 0x7F) << (7 * k)
        if byte < 0x80:
            return number, place + k + 1
    msg = "a number that does not end"
    raise ValueError(msg)
