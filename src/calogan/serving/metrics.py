"""What a server counts, in the format of Prometheus."""

from __future__ import annotations

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SHOWERS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)


class Metrics:
    """Counters of one server, in a registry of their own."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        model = ("model", "version")
        self.requests = self._counter(
            "requests", "Requests for showers, by their end", "protocol", "status"
        )
        self.showers = self._counter("showers", "Showers that were made", *model)
        self.batches = self._histogram("batch_showers", "Showers per call", _SHOWERS, *model)
        self.network = self._histogram("network_seconds", "Time of a call", _SECONDS, *model)
        self.waiting = self._histogram(
            "waiting_seconds", "Time of a request until its first batch", _SECONDS, *model
        )
        self.seconds = self._histogram(
            "request_seconds", "Time of a request in the server", _SECONDS, "protocol"
        )
        self.queued = self._gauge("queued_showers", "Showers that wait")
        self.running = self._gauge("running_requests", "Requests that are under way")
        self.ready = self._gauge("ready", "Whether the server takes requests")
        self.models = self._gauge("model_loaded", "Models that are served", *model, "sha256")
        self.reloads = self._counter("reloads", "Looks that found changed bundles", "outcome")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"calogan_{name}", f"{text}.", labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"calogan_{name}", f"{text}.", labels, registry=self._registry)

    def _histogram(
        self, name: str, text: str, buckets: tuple[float, ...], *labels: str
    ) -> Histogram:
        return Histogram(
            f"calogan_{name}", f"{text}.", labels, buckets=buckets, registry=self._registry
        )

    def text(self) -> bytes:
        """All figures, as Prometheus reads them."""
        return bytes(generate_latest(self._registry))
