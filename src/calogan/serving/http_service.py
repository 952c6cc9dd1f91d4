"""The Open Inference Protocol over HTTP, with the extension for binary tensors, and the metrics."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from calogan import __version__
from calogan.serving.grpc_service import EXTENSIONS
from calogan.serving.http_messages import HEADER_LENGTH, read_body, write_answer
from calogan.serving.metrics import CONTENT_TYPE
from calogan.serving.refusals import Refusal, Why
from calogan.serving.service import NAME, Answer, Service

__all__ = ["application"]

_LOG = logging.getLogger("calogan")

_LEFT = "the client went away"

Act = Callable[[Request], Awaitable[Response]]


def application(service: Service) -> Starlette:
    """The application, for any ASGI server."""
    front = _Front(service)
    model = "/v2/models/{model}"
    version = model + "/versions/{version}"
    routes = [
        front.route("/v2/health/live", front.live, free=True),
        front.route("/v2/health/ready", front.ready, free=True),
        front.route("/v2", front.server_metadata),
        front.route("/v2/", front.server_metadata),
        front.route("/v2/repository/index", front.repository_index, "POST"),
        front.route("/metrics", front.metrics),
    ]
    for path in (model, version):
        routes += [
            front.route(path, front.model_metadata),
            front.route(f"{path}/ready", front.model_ready),
            front.route(f"{path}/infer", front.model_infer, "POST"),
        ]
    return Starlette(
        routes=routes, exception_handlers={HTTPException: _no_page, Exception: _failed}
    )


async def _no_page(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _failed(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": "the server failed; its log says why"}, 500)


class _Front:
    """Requests to calls of the service, and back."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def route(self, path: str, act: Act, method: str = "GET", *, free: bool = False) -> Route:
        """Handle a path: check the token, answer or refuse.

        Args:
            path: The path.
            act: What to do.
            method: `GET` or `POST`.
            free: Whether no token is needed.
        """

        async def handle(request: Request) -> Response:
            try:
                if not free:
                    self._service.authorize(request.headers.get("authorization"))
                return await act(request)
            except Refusal as refusal:
                return _refused(refusal)
            except Exception:  # noqa: BLE001 - the log has it, the client a status
                _LOG.exception("%s failed", request.url.path)
                return _refused(Refusal(Why.INTERNAL, "the server failed; its log says why"))

        return Route(path, handle, methods=[method])

    async def live(self, _: Request) -> Response:
        return JSONResponse({"live": True})

    async def ready(self, _: Request) -> Response:
        return JSONResponse({"ready": self._service.ready}, 200 if self._service.ready else 503)

    async def metrics(self, _: Request) -> Response:
        return Response(self._service.metrics.text(), headers={"content-type": CONTENT_TYPE})

    async def server_metadata(self, _: Request) -> Response:
        return JSONResponse({"name": NAME, "version": __version__, "extensions": [*EXTENSIONS]})

    async def repository_index(self, _: Request) -> Response:
        index = self._service.repository.index()
        return JSONResponse(
            [{"name": name, "version": version, "state": "READY"} for name, version in index]
        )

    async def model_ready(self, request: Request) -> Response:
        name, version = _named(request)
        self._service.repository.find(name, version)
        ready = self._service.ready
        return JSONResponse({"name": name, "ready": ready}, 200 if ready else 503)

    async def model_metadata(self, request: Request) -> Response:
        name, version = _named(request)
        served = self._service.repository.find(name, version)
        model = served.model
        kinds = {
            what: [{"name": k.name, "datatype": k.datatype, "shape": k.shape} for k in found]
            for what, found in (("inputs", model.inputs), ("outputs", model.outputs))
        }
        return JSONResponse(
            {
                "name": name,
                "versions": self._service.repository.versions(name),
                "platform": "onnxruntime_onnx",
                **kinds,
                "properties": self._service.properties(served),
            }
        )

    async def model_infer(self, request: Request) -> Response:
        with self._service.admitted("http"):
            name, version = _named(request)
            self._service.repository.find(name, version)  # before much is read
            body = await self._body(request)
            asked = await read_body(body, request.headers.get(HEADER_LENGTH))
            answer = await _unless_left(
                request,
                self._service.infer(name, version, asked.tensors, asked.outputs, asked.timeout_s),
            )
            content, length = await write_answer(name, asked, answer)
            if length is None:
                return Response(content, media_type="application/json")
            headers = {HEADER_LENGTH: str(length)}
            return Response(content, media_type="application/octet-stream", headers=headers)

    async def _body(self, request: Request) -> bytes:
        """Read a body; no more of it than is allowed, and no longer."""
        most = self._service.limits.message_bytes
        msg = f"the request is larger than {most} bytes: ask for fewer showers at once"
        if request.headers.get("content-encoding", "identity") != "identity":
            what = "the body of a request must not be compressed"
            raise Refusal(Why.UNSUPPORTED, what)
        announced = request.headers.get("content-length", "")
        if announced.isdecimal() and (len(announced) > 18 or int(announced) > most):
            raise Refusal(Why.TOO_LARGE, msg)
        content = bytearray()
        try:
            async with asyncio.timeout(self._service.limits.timeout_s):
                async for chunk in request.stream():
                    content += chunk
                    if len(content) > most:
                        raise Refusal(Why.TOO_LARGE, msg)
        except ClientDisconnect:
            raise Refusal(Why.GONE, _LEFT) from None
        except TimeoutError:
            late = "the request did not arrive in time"
            raise Refusal(Why.LATE, late) from None
        return bytes(content)


async def _unless_left(request: Request, work: Any) -> Answer:
    """Wait for an answer; give the work up if the client goes away."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(request.receive())  # after the body, that is all that can come
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Refusal(Why.GONE, _LEFT)
        answer: Answer = task.result()
        return answer
    finally:
        for one in (task, gone):
            one.cancel()


def _refused(refusal: Refusal) -> Response:
    headers = {}
    if refusal.why in (Why.BUSY, Why.STOPPING):
        headers["retry-after"] = "1"
    if refusal.why is Why.UNAUTHENTICATED:
        headers["www-authenticate"] = "Bearer"
    return JSONResponse({"error": str(refusal)}, refusal.why.http, headers)


def _named(request: Request) -> tuple[str, str]:
    return request.path_params["model"], request.path_params.get("version", "")
