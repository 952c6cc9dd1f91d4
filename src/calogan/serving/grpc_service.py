"""The Open Inference Protocol over gRPC."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from calogan import __version__
from calogan.serving import protocol
from calogan.serving.refusals import Refusal, Why
from calogan.serving.service import NAME, Answer, Service
from calogan.serving.tensors import Tensor, from_bytes, from_numbers, memory_of, quoted

__all__ = ["EXTENSIONS", "handlers"]

_LOG = logging.getLogger("calogan")

EXTENSIONS = ("binary_tensor_data", "model_repository(index)")
"""What the server does beyond the protocol's core."""

_CONTENTS = {"FP32": "fp32_contents", "INT64": "int64_contents"}

Act = Callable[[Any, Any], Awaitable[bytes]]


def handlers(service: Service) -> tuple[grpc.GenericRpcHandler, ...]:
    """What `grpc.aio.Server.add_generic_rpc_handlers` takes."""
    front = _Front(service)
    inference: dict[str, tuple[Any, Act, bool]] = {
        "ServerLive": (protocol.ServerLiveRequest, front.server_live, True),
        "ServerReady": (protocol.ServerReadyRequest, front.server_ready, True),
        "ServerMetadata": (protocol.ServerMetadataRequest, front.server_metadata, False),
        "ModelReady": (protocol.ModelReadyRequest, front.model_ready, False),
        "ModelMetadata": (protocol.ModelMetadataRequest, front.model_metadata, False),
        "ModelInfer": (protocol.ModelInferRequest, front.model_infer, False),
        "RepositoryIndex": (protocol.RepositoryIndexRequest, front.repository_index, False),
    }
    health: dict[str, tuple[Any, Act, bool]] = {
        "Check": (protocol.HealthCheckRequest, front.health, True)
    }
    return tuple(
        grpc.method_handlers_generic_handler(
            name, {method: front.handler(*parts) for method, parts in methods.items()}
        )
        for name, methods in ((protocol.INFERENCE, inference), (protocol.HEALTH, health))
    )


class _Front:
    """Messages to calls of the service, and back."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handler(self, kind: Any, act: Act, free: bool) -> Any:
        """Handle one method: check the token, read the message, answer or refuse.

        Args:
            kind: Class of the request's message.
            act: What to do with it.
            free: Whether no token is needed.
        """

        async def handle(raw: bytes, context: Any) -> bytes:
            try:
                if not free:
                    header = dict(context.invocation_metadata() or ()).get("authorization")
                    self._service.authorize(None if header is None else str(header))
                return await act(kind.FromString(raw), context)
            except DecodeError:
                refusal = Refusal(Why.INVALID, f"this is no {kind.DESCRIPTOR.name}")
            except Refusal as error:
                refusal = error
            except Exception:  # noqa: BLE001 - the log has it, the client a status
                _LOG.exception("%s failed", kind.DESCRIPTOR.name)
                refusal = Refusal(Why.INTERNAL, "the server failed; its log says why")
            await context.abort(grpc.StatusCode[refusal.why.grpc], str(refusal))
            raise AssertionError  # abort has raised

        return grpc.unary_unary_rpc_method_handler(handle)

    async def server_live(self, _: Any, __: Any) -> bytes:
        return _bytes(protocol.ServerLiveResponse(live=True))

    async def server_ready(self, _: Any, __: Any) -> bytes:
        return _bytes(protocol.ServerReadyResponse(ready=self._service.ready))

    async def health(self, request: Any, context: Any) -> bytes:
        if request.service not in ("", protocol.INFERENCE):
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        status = "SERVING" if self._service.ready else "NOT_SERVING"
        return _bytes(protocol.HealthCheckResponse(status=status))

    async def server_metadata(self, _: Any, __: Any) -> bytes:
        return _bytes(
            protocol.ServerMetadataResponse(name=NAME, version=__version__, extensions=EXTENSIONS)
        )

    async def model_ready(self, request: Any, _: Any) -> bytes:
        self._service.repository.find(request.name, request.version)
        return _bytes(protocol.ModelReadyResponse(ready=self._service.ready))

    async def model_metadata(self, request: Any, _: Any) -> bytes:
        served = self._service.repository.find(request.name, request.version)
        model = served.model
        reply = protocol.ModelMetadataResponse(
            name=request.name,
            versions=self._service.repository.versions(request.name),
            platform="onnxruntime_onnx",
            properties=self._service.properties(served),
        )
        for there, kinds in ((reply.inputs, model.inputs), (reply.outputs, model.outputs)):
            for kind in kinds:
                there.add(name=kind.name, datatype=kind.datatype, shape=kind.shape)
        return _bytes(reply)

    async def repository_index(self, request: Any, _: Any) -> bytes:
        if request.repository_name:
            raise Refusal(Why.NOT_FOUND, f"no repository {quoted(request.repository_name)}")
        reply = protocol.RepositoryIndexResponse()
        for name, version in self._service.repository.index():
            reply.models.add(name=name, version=version, state="READY")
        return _bytes(reply)

    async def model_infer(self, request: Any, context: Any) -> bytes:
        with self._service.admitted("grpc"):
            answer = await self._service.infer(
                request.model_name,
                request.model_version,
                _inputs(request),
                _outputs(request),
                _timeout_s(request.parameters, context.time_remaining()),
            )
            return _reply(request, answer)


def _bytes(message: Any) -> bytes:
    content: bytes = message.SerializeToString()
    return content


def _inputs(request: Any) -> list[Tensor]:
    raw: Sequence[bytes] = request.raw_input_contents
    if raw and len(raw) != len(request.inputs):
        msg = f"{len(raw)} raw_input_contents for {len(request.inputs)} inputs"
        raise Refusal(Why.INVALID, msg)
    tensors = []
    for k, one in enumerate(request.inputs):
        _refuse_shared_memory(one.parameters)
        described = (one.name, one.datatype, tuple(one.shape))
        if raw:
            if one.HasField("contents"):
                msg = f"input {quoted(one.name)} has both contents and raw contents"
                raise Refusal(Why.INVALID, msg)
            tensors.append(from_bytes(*described, raw[k]))
            continue
        field = _CONTENTS.get(one.datatype)
        others = [f.name for f, _ in one.contents.ListFields() if f.name != field]
        if others and field:
            msg = f"input {quoted(one.name)}: {others[0]} of a tensor of {one.datatype}"
            raise Refusal(Why.INVALID, msg)
        tensors.append(from_numbers(*described, list(getattr(one.contents, field or "", ()))))
    return tensors


def _outputs(request: Any) -> list[str]:
    for output in request.outputs:
        _refuse_shared_memory(output.parameters)
    return [output.name for output in request.outputs]


def _refuse_shared_memory(parameters: Mapping[str, Any]) -> None:
    for name in ("shared_memory_region", "classification"):
        if name in parameters:
            raise Refusal(Why.UNSUPPORTED, f"the parameter {name} is not supported")


def _timeout_s(parameters: Mapping[str, Any], remaining_s: float | None) -> float | None:
    """Time that the client gives: its deadline, or Triton's parameter `timeout` [us]."""
    if "timeout" not in parameters:
        return remaining_s
    asked = parameters["timeout"]
    microseconds = getattr(asked, asked.WhichOneof("parameter_choice") or "", None)
    if isinstance(microseconds, str):  # as Triton's client for HTTP sends it
        fits = microseconds.isdecimal() and len(microseconds) < 19
        microseconds = int(microseconds) if fits else None
    if isinstance(microseconds, bool) or not isinstance(microseconds, int) or microseconds < 0:
        raise Refusal(Why.INVALID, "the parameter timeout must be a number of microseconds")
    asked_s = microseconds / 1e6 if microseconds else remaining_s
    return asked_s if remaining_s is None or asked_s is None else min(asked_s, remaining_s)


def _reply(request: Any, answer: Answer) -> bytes:
    """The reply, as bytes: the cells are copied once, from the network's output.

    Messages that are joined are one message: so the large fields follow the message of the small
    ones. Who sends typed contents gets typed contents.
    """
    card = answer.served.card
    head = protocol.ModelInferResponse(
        model_name=request.model_name, model_version=str(card.version), id=request.id
    )
    head.parameters["sha256"].string_param = card.sha256
    raw = bool(request.raw_input_contents)
    tensors: list[bytes] = []
    cells: list[bytes | memoryview] = []
    for name, layer in answer.layers.items():
        tensor = protocol.ModelInferResponse.InferOutputTensor(
            name=name, datatype="FP32", shape=layer.shape
        ).SerializeToString()
        content = memory_of(layer)
        if raw:
            tensors += [_field(5, len(tensor)), tensor]
            cells += [_field(6, len(content)), content]
        else:
            numbers = _field(6, len(content))  # fp32_contents of contents, packed
            contents = _field(5, len(numbers) + len(content))
            size = len(tensor) + len(contents) + len(numbers) + len(content)
            cells += [_field(5, size), tensor, contents, numbers, content]
    return b"".join([head.SerializeToString(), *tensors, *cells])


def _field(number: int, size: int) -> bytes:
    """Key and length of a field of bytes, as protocol buffers write them."""
    key = bytearray([number << 3 | 2])
    while size > 0x7F:
        key.append(size & 0x7F | 0x80)
        size >>= 7
    key.append(size)
    return bytes(key)
