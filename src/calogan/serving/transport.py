"""One server as a client sees it, by either protocol."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from calogan.errors import CaloganError, ConfigurationError, MissingExtraError, ModelError
from calogan.serving.address import Address, Place

__all__ = [
    "Asked",
    "Credentials",
    "Described",
    "Reply",
    "Transient",
    "Transport",
    "float_array",
    "open_transport",
    "read_json",
]


class Transient(CaloganError):
    """A server that cannot be asked just now, or that failed on the way: asking again may help.

    Args:
        message: What happened.
        inside: Whether it failed over this request, and might do so each time.
    """

    def __init__(self, message: str, *, inside: bool = False) -> None:
        super().__init__(message)
        self.inside = inside


@dataclass(frozen=True)
class Credentials:
    """What a client brings along.

    Args:
        token: The token that the server wants.
        authorities: PEM file of the authorities that it trusts; the system's unless given.
    """

    token: str | None = None
    authorities: Path | None = None

    def read_authorities(self) -> bytes | None:
        """Content of the file.

        Raises:
            ConfigurationError: It cannot be read, or holds no certificate.
        """
        if self.authorities is None:
            return None
        try:
            content = self.authorities.read_bytes()
        except OSError as error:
            msg = f"cannot read {self.authorities}: {error.strerror}"
            raise ConfigurationError(msg) from error
        if b"CERTIFICATE-----" not in content:  # nothing would mean the system's
            msg = f"{self.authorities} holds no certificates in PEM"
            raise ConfigurationError(msg)
        return content


@dataclass(frozen=True)
class Described:
    """What the metadata say of a model.

    Args:
        properties: What is said of it beside inputs and outputs, as text.
        server: Name and version of the server's program.
    """

    properties: Mapping[str, str]
    server: str


@dataclass(frozen=True)
class Asked:
    """A request: inputs by name, outputs by name."""

    model: str
    version: str
    inputs: Mapping[str, NDArray[np.float32]]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Reply:
    """An answer: outputs in the order in which they were asked for, and whose they are."""

    outputs: tuple[NDArray[np.float32], ...]
    sha256: str


class Transport(Protocol):
    """One server. Calls come from several threads at once.

    All raise `Transient` where asking again may help, and `ModelError` where it does not.
    """

    def describe(self, model: str, version: str, timeout_s: float) -> Described:
        """What the server says of a model."""
        ...

    def infer(self, asked: Asked, timeout_s: float) -> Reply:
        """Have showers made."""
        ...

    def close(self) -> None:
        """Give connections back."""
        ...


def open_transport(address: Address, place: Place, credentials: Credentials) -> Transport:
    """Make the way to a server; nothing is sent yet."""
    if address.scheme.startswith("grpc"):
        try:
            from calogan.serving.grpc_transport import GrpcTransport
        except ModuleNotFoundError as error:
            what = "asking a server over gRPC"
            raise MissingExtraError(what, "serve") from error

        return GrpcTransport(place, credentials, encrypted=address.encrypted)
    from calogan.serving.http_transport import HttpTransport

    return HttpTransport(place, credentials, encrypted=address.encrypted)


def float_array(
    name: str, datatype: str, shape: Any, raw: bytes | memoryview
) -> NDArray[np.float32]:
    """An output of a reply.

    Raises:
        ModelError: It is no array of that shape.
    """
    if datatype != "FP32":
        msg = f"the server gives {name} as {datatype}, not as FP32"
        raise ModelError(msg)
    try:
        return np.frombuffer(raw, dtype="<f4").reshape(tuple(shape))
    except ValueError as error:
        msg = f"the server gives {name} in {len(raw)} bytes, which is not its shape"
        raise ModelError(msg) from error


def read_json(content: bytes) -> Any:
    """JSON of a reply.

    Raises:
        ModelError: It is none.
    """
    try:
        return json.loads(content)
    except ValueError as error:
        msg = "the server's answer is no JSON: is it one of the Open Inference Protocol?"
        raise ModelError(msg) from error
