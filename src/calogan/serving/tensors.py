"""Tensors of the protocol: bytes and lists to arrays, checked before anything is believed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calogan.serving.refusals import Refusal, Why

__all__ = ["Tensor", "TensorKind", "from_bytes", "from_numbers", "memory_of", "quoted"]

_DTYPES: dict[str, np.dtype[Any]] = {"FP32": np.dtype("<f4"), "INT64": np.dtype("<i8")}
"""The types of the inputs of our models."""

_MAX_DIMENSIONS, _MAX_SIZE = 4, 2**31


@dataclass(frozen=True)
class TensorKind:
    """What the protocol says of an input or output: any number of rows where the shape is -1."""

    name: str
    datatype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Tensor:
    """An input of a request."""

    name: str
    values: NDArray[Any]


def from_bytes(name: str, datatype: str, shape: Sequence[int], raw: bytes) -> Tensor:
    """A tensor of little-endian numbers in C order.

    Raises:
        Refusal: A type that no input has, a shape that is none, or another number of bytes.
    """
    dtype, size = _checked(name, datatype, shape)
    if len(raw) != size * dtype.itemsize:
        msg = (
            f"input {quoted(name)}: {len(raw)} bytes, but {datatype} of the shape"
            f" {[*shape]} takes {size * dtype.itemsize}"
        )
        raise Refusal(Why.INVALID, msg)
    return Tensor(name, np.frombuffer(raw, dtype).reshape(tuple(shape)))


def from_numbers(name: str, datatype: str, shape: Sequence[int], numbers: Any) -> Tensor:
    """A tensor of a list of numbers, flat or nested, in C order.

    Raises:
        Refusal: A type that no input has, a shape that is none, another number of numbers, or
            something else than numbers.
    """
    dtype, size = _checked(name, datatype, shape)
    try:
        found = np.asarray(numbers)
    except (ValueError, OverflowError):
        found = np.empty(0, dtype=object)
    if found.size == 0 == size:
        return Tensor(name, np.empty(tuple(shape), dtype))
    allowed = "iu" if dtype.kind == "i" else "iuf"
    if found.dtype.kind not in allowed:
        what = "whole numbers" if dtype.kind == "i" else "numbers"
        msg = f"input {quoted(name)}: data must be a list of {what}, flat or in even rows"
        raise Refusal(Why.INVALID, msg)
    if found.size != size:
        msg = f"input {quoted(name)}: {found.size} numbers, the shape {[*shape]} takes {size}"
        raise Refusal(Why.INVALID, msg)
    if dtype.kind == "i" and found.dtype.kind == "u" and (found > np.iinfo(dtype).max).any():
        msg = f"input {quoted(name)}: a number does not fit into {datatype}"
        raise Refusal(Why.INVALID, msg)
    with np.errstate(over="ignore"):  # becomes infinite, and is refused as such
        return Tensor(name, found.astype(dtype).reshape(tuple(shape)))


def memory_of(array: NDArray[np.float32]) -> memoryview:
    """The numbers of an array as the protocol has them: little-endian, in C order; no copy."""
    return memoryview(np.ascontiguousarray(array, dtype="<f4").view(np.uint8).reshape(-1).data)


def _checked(name: str, datatype: str, shape: Sequence[int]) -> tuple[np.dtype[Any], int]:
    dtype = _DTYPES.get(datatype)
    if dtype is None:
        msg = f"input {quoted(name)}: datatype {quoted(datatype)}, must be {' or '.join(_DTYPES)}"
        raise Refusal(Why.INVALID, msg)
    # numpy looks at the other sizes even where one is 0
    if (
        not 1 <= len(shape) <= _MAX_DIMENSIONS
        or min(shape) < 0
        or math.prod(max(1, size) for size in shape) > _MAX_SIZE
    ):
        msg = f"input {quoted(name)}: its shape is none that an input can have"
        raise Refusal(Why.INVALID, msg)
    return dtype, math.prod(shape)


def quoted(text: str) -> str:
    """A client's words in a message: short, and on one line."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
