"""Where models are served: `grpc://host:8001/eplus`, also of several servers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from calogan.bundle import split_version
from calogan.errors import ConfigurationError

__all__ = ["Address", "Place", "is_address", "parse_address"]

_USUAL_PORTS = {"grpc": 8001, "grpcs": 8001, "http": 8000, "https": 8000}

_PLACE = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")


@dataclass(frozen=True)
class Place:
    """A server."""

    host: str
    port: int

    def __str__(self) -> str:
        """Host and port, as clients write them."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Address:
    """A model, and the servers that have it.

    Args:
        scheme: `grpc` or `http`, with an `s` for TLS.
        places: The servers.
        model: Name of the model.
        version: Its version; the highest one if empty.
    """

    scheme: str
    places: tuple[Place, ...]
    model: str
    version: str = ""

    @property
    def encrypted(self) -> bool:
        """Whether TLS is spoken."""
        return self.scheme in ("grpcs", "https")


def is_address(name: str) -> bool:
    """Whether the name of a simulator is an address."""
    return "://" in name


def parse_address(text: str) -> Address:
    """Read an address.

    Args:
        text: `grpc://host:8001/eplus`, `https://host/eplus@2`, or `grpc://a:8001,b:8001/eplus` for
            several servers of the same model. Usual ports are 8001 for gRPC, 8000 for HTTP.

    Raises:
        ConfigurationError: It is none.
        ModelError: The version of the model is no number.
    """
    scheme, _, rest = text.partition("://")
    if scheme not in _USUAL_PORTS:
        msg = f"{text}: an address starts with {', '.join(f'{s}://' for s in _USUAL_PORTS)}"
        raise ConfigurationError(msg)
    servers, _, model = rest.partition("/")
    if "@" in servers:
        msg = f"{scheme}://: no names or passwords in an address; a token goes into the environment"
        raise ConfigurationError(msg)
    places = []
    for server in servers.split(","):
        found = _PLACE.fullmatch(server)
        if found is None or int(found[2] or 1) not in range(1, 65536):
            msg = f"{text}: {server!r} is no server: give host or host:port"
            raise ConfigurationError(msg)
        places.append(Place(found[1], int(found[2] or _USUAL_PORTS[scheme])))
    name, version = split_version(model.rstrip("/"))
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", name):
        msg = f"{text}: name a model behind the server, as in {scheme}://{places[0]}/eplus"
        raise ConfigurationError(msg)
    return Address(scheme, tuple(dict.fromkeys(places)), name, str(version or ""))
