"""Limits that protect a server from its clients, and clients from each other."""

from __future__ import annotations

from dataclasses import dataclass, fields

from calogan.errors import ConfigurationError

__all__ = ["Limits"]


@dataclass(frozen=True)
class Limits:
    """What a server accepts, and how it batches.

    Args:
        batch_showers: Showers that the network makes in one call.
        delay_s: How long a shower may wait for others to fill the batch [s].
        request_showers: Showers of one request.
        message_bytes: Size of one request.
        queued_showers: Showers that wait, over all models; beyond, the server is busy.
        requests: Requests that are under way; beyond, the server is busy.
        timeout_s: Longest time of a request [s]; the client may ask for less.

    Raises:
        ConfigurationError: A limit that lets nothing through.
    """

    batch_showers: int = 128
    delay_s: float = 0.01
    request_showers: int = 4096
    message_bytes: int = 8_000_000
    queued_showers: int = 65_536
    requests: int = 512
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        """Check that each lets something through."""
        for field in fields(self):
            value = getattr(self, field.name)
            if not value >= 0 or (value == 0 and field.name != "delay_s"):
                msg = f"limits of the server: {field.name} is {value:g}, must be above 0"
                raise ConfigurationError(msg)
        if self.queued_showers < self.request_showers:
            msg = (
                f"limits of the server: {self.queued_showers} showers may wait, fewer than one"
                f" request may ask for ({self.request_showers})"
            )
            raise ConfigurationError(msg)
