"""A server as a client sees it over gRPC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import numpy as np

from calogan.errors import ModelError
from calogan.serving import protocol
from calogan.serving.address import Place
from calogan.serving.transport import Asked, Credentials, Described, Reply, Transient, float_array

__all__ = ["GrpcTransport"]

_TRANSIENT = {
    "UNAVAILABLE",
    "RESOURCE_EXHAUSTED",
    "DEADLINE_EXCEEDED",
    "ABORTED",
    "CANCELLED",
    "UNKNOWN",
    "INTERNAL",
}
_OPTIONS = (
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),  # ours know several servers
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.use_local_subchannel_pool", 1),
)


class GrpcTransport:
    """A channel to a server; see `Transport`."""

    def __init__(self, place: Place, credentials: Credentials, *, encrypted: bool) -> None:
        if encrypted:
            secrets = grpc.ssl_channel_credentials(credentials.read_authorities())
            self._channel = grpc.secure_channel(str(place), secrets, _OPTIONS)
        else:
            self._channel = grpc.insecure_channel(str(place), _OPTIONS)
        token = credentials.token
        self._metadata = () if token is None else (("authorization", f"Bearer {token}"),)
        self._server_metadata = self._method("ServerMetadata")
        self._model_metadata = self._method("ModelMetadata")
        self._model_infer = self._method("ModelInfer")

    def _method(self, name: str) -> Any:
        return self._channel.unary_unary(
            f"/{protocol.INFERENCE}/{name}",
            request_serializer=getattr(protocol, f"{name}Request").SerializeToString,
            response_deserializer=getattr(protocol, f"{name}Response").FromString,
        )

    def _call(self, method: Any, request: Any, timeout_s: float) -> Any:
        with _errors():
            return method(request, timeout=timeout_s, metadata=self._metadata)

    def describe(self, model: str, version: str, timeout_s: float) -> Described:
        """What the server says of a model."""
        server = self._call(
            self._server_metadata, protocol.ServerMetadataRequest(), timeout_s=timeout_s
        )
        found = self._call(
            self._model_metadata,
            protocol.ModelMetadataRequest(name=model, version=version),
            timeout_s=timeout_s,
        )
        return Described(dict(found.properties), f"{server.name} {server.version}")

    def infer(self, asked: Asked, timeout_s: float) -> Reply:
        """Have showers made."""
        request = protocol.ModelInferRequest(model_name=asked.model, model_version=asked.version)
        for name, values in asked.inputs.items():
            request.inputs.add(name=name, datatype="FP32", shape=values.shape)
            request.raw_input_contents.append(np.ascontiguousarray(values, "<f4").tobytes())
        for name in asked.outputs:
            request.outputs.add(name=name)
        reply = self._call(self._model_infer, request, timeout_s)
        if len(reply.raw_output_contents) != len(reply.outputs):
            msg = "the server's answer holds outputs without their numbers"
            raise ModelError(msg)
        found = {
            one.name: float_array(one.name, one.datatype, one.shape, raw)
            for one, raw in zip(reply.outputs, reply.raw_output_contents, strict=True)
        }
        if set(found) != set(asked.outputs):
            msg = f"the server gives {', '.join(found)}, not {', '.join(asked.outputs)}"
            raise ModelError(msg)
        sha256 = reply.parameters["sha256"].string_param if "sha256" in reply.parameters else ""
        return Reply(tuple(found[name] for name in asked.outputs), sha256)

    def close(self) -> None:
        """End the connection."""
        self._channel.close()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except grpc.RpcError as error:
        code, details = error.code().name, " ".join((error.details() or "").split())[:300]
        hopeless = "larger than max" in details  # gRPC calls that exhausted as well
        if code in _TRANSIENT and not hopeless:
            inside = code in ("INTERNAL", "UNKNOWN")  # or a connection that broke
            raise Transient(details or code, inside=inside) from error
        msg = f"{details} ({code})"
        raise ModelError(msg) from error
