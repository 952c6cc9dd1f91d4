"""A server as a client sees it over HTTP; nothing but the standard library."""

from __future__ import annotations

import http.client
import json
import ssl
from queue import Empty, LifoQueue
from typing import Any
from urllib.parse import quote

import numpy as np

from calogan.errors import ConfigurationError, ModelError
from calogan.serving.address import Place
from calogan.serving.transport import (
    Asked,
    Credentials,
    Described,
    Reply,
    Transient,
    float_array,
    read_json,
)

__all__ = ["HttpTransport"]

_TRANSIENT = {408, 429, 500, 502, 503, 504}
_HEADER_LENGTH = "Inference-Header-Content-Length"


class HttpTransport:
    """Connections to a server, which are kept open and used again; see `Transport`."""

    def __init__(self, place: Place, credentials: Credentials, *, encrypted: bool) -> None:
        self._place = place
        self._free: LifoQueue[http.client.HTTPConnection] = LifoQueue()
        self._headers = {}
        if credentials.token is not None:
            self._headers["Authorization"] = f"Bearer {credentials.token}"
        self._tls: ssl.SSLContext | None = None
        if encrypted:
            authorities = credentials.read_authorities()
            try:
                self._tls = ssl.create_default_context(
                    cadata=None if authorities is None else authorities.decode("ascii", "replace")
                )
            except ssl.SSLError as error:
                msg = f"{credentials.authorities} holds no certificates in PEM"
                raise ConfigurationError(msg) from error

    def _connection(self, timeout_s: float) -> http.client.HTTPConnection:
        try:
            connection = self._free.get_nowait()
        except Empty:
            host, port = self._place.host.strip("[]"), self._place.port
            if self._tls is None:
                connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
            else:
                connection = http.client.HTTPSConnection(
                    host, port, timeout=timeout_s, context=self._tls
                )
        connection.timeout = timeout_s
        if connection.sock is not None:
            connection.sock.settimeout(timeout_s)
        return connection

    def _call(
        self,
        method: str,
        path: str,
        timeout_s: float,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[bytes, http.client.HTTPMessage]:
        connection = self._connection(timeout_s)
        try:
            connection.request(method, path, body, {**self._headers, **(headers or {})})
            response = connection.getresponse()
            content = response.read()
        except ssl.SSLCertVerificationError as error:
            connection.close()
            msg = f"{self._place}: its certificate is not trusted: {error.verify_message}"
            raise ModelError(msg) from error
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            msg = str(error) or type(error).__name__
            raise Transient(msg) from error
        except BaseException:
            connection.close()
            raise
        self._free.put(connection)
        if response.status == 200:
            return content, response.headers
        what = _error_of(content)
        if response.status in _TRANSIENT:
            raise Transient(what, inside=response.status == 500)
        msg = f"{what} (HTTP {response.status})"
        raise ModelError(msg)

    def describe(self, model: str, version: str, timeout_s: float) -> Described:
        """What the server says of a model."""
        server = _object(read_json(self._call("GET", "/v2", timeout_s)[0]))
        content, _ = self._call("GET", _path(model, version), timeout_s)
        found = _object(read_json(content))
        properties = found.get("properties") or {}
        return Described(
            {str(k): str(v) for k, v in _object(properties).items()},
            f"{server.get('name')} {server.get('version')}",
        )

    def infer(self, asked: Asked, timeout_s: float) -> Reply:
        """Have showers made."""
        raw = {
            name: np.ascontiguousarray(values, "<f4").tobytes()
            for name, values in asked.inputs.items()
        }
        head = {
            "inputs": [
                {
                    "name": name,
                    "datatype": "FP32",
                    "shape": values.shape,
                    "parameters": {"binary_data_size": len(raw[name])},
                }
                for name, values in asked.inputs.items()
            ],
            "outputs": [
                {"name": name, "parameters": {"binary_data": True}} for name in asked.outputs
            ],
        }
        text = json.dumps(head).encode()
        content, headers = self._call(
            "POST",
            f"{_path(asked.model, asked.version)}/infer",
            timeout_s,
            b"".join([text, *raw.values()]),
            {_HEADER_LENGTH: str(len(text)), "Content-Type": "application/octet-stream"},
        )
        return _reply(content, headers.get(_HEADER_LENGTH, ""), asked.outputs)

    def close(self) -> None:
        """End the connections."""
        while True:
            try:
                self._free.get_nowait().close()
            except Empty:
                return


def _path(model: str, version: str) -> str:
    path = f"/v2/models/{quote(model, safe='')}"
    return f"{path}/versions/{quote(version, safe='')}" if version else path


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        msg = "the server's answer is no object: is it one of the Open Inference Protocol?"
        raise ModelError(msg)
    return value


def _error_of(content: bytes) -> str:
    try:
        return " ".join(str(json.loads(content)["error"]).split())[:300]
    except (ValueError, KeyError, TypeError):
        return " ".join(content.decode("utf-8", "replace").split())[:100] or "no reason given"


def _reply(content: bytes, length: str, outputs: tuple[str, ...]) -> Reply:
    if not length.isdecimal() or int(length) > len(content):
        msg = "the server's answer is not in binary: it does not know that extension"
        raise ModelError(msg)
    head = _object(read_json(content[: int(length)]))
    found = {}
    start = int(length)
    for one in head.get("outputs") or []:
        about = _object(one)
        size = _object(about.get("parameters") or {}).get("binary_data_size")
        if type(size) is not int or not 0 <= size <= len(content) - start:
            msg = "the server's answer holds outputs without their numbers"
            raise ModelError(msg)
        name = str(about.get("name"))
        raw = memoryview(content)[start : start + size]
        found[name] = float_array(name, str(about.get("datatype")), about.get("shape") or (), raw)
        start += size
    if set(found) != set(outputs):
        msg = f"the server gives {', '.join(found)}, not {', '.join(outputs)}"
        raise ModelError(msg)
    sha256 = _object(head.get("parameters") or {}).get("sha256", "")
    return Reply(tuple(found[name] for name in outputs), str(sha256))
