"""What a server answers instead of showers, whatever the protocol."""

from __future__ import annotations

from enum import Enum

from calogan.errors import CaloganError

__all__ = ["Refusal", "Why"]


class Why(Enum):
    """Why a request is refused: the code of gRPC, and the status of HTTP."""

    INVALID = ("INVALID_ARGUMENT", 400)
    """It makes no sense; it never will."""
    UNAUTHENTICATED = ("UNAUTHENTICATED", 401)
    """The token is missing or wrong."""
    NOT_FOUND = ("NOT_FOUND", 404)
    """No such model or version."""
    TOO_LARGE = ("INVALID_ARGUMENT", 413)
    """More bytes or showers than the server takes at once."""
    UNSUPPORTED = ("UNIMPLEMENTED", 415)
    """A form of the protocol that this server does not speak."""
    BUSY = ("RESOURCE_EXHAUSTED", 429)
    """Too much is waiting already; later it may be accepted."""
    GONE = ("CANCELLED", 499)
    """The client went away: nobody reads this."""
    INTERNAL = ("INTERNAL", 500)
    """The server's own fault."""
    STOPPING = ("UNAVAILABLE", 503)
    """The server ends, or is not ready yet."""
    LATE = ("DEADLINE_EXCEEDED", 504)
    """It would not be, or was not, done in time."""

    @property
    def grpc(self) -> str:
        """Name of gRPC's status code."""
        return self.value[0]

    @property
    def http(self) -> int:
        """Status of HTTP."""
        return self.value[1]


class Refusal(CaloganError):
    """A request that gets no showers.

    Args:
        why: The kind of trouble.
        message: One line for the client.
    """

    def __init__(self, why: Why, message: str) -> None:
        super().__init__(message)
        self.why = why
