"""What the service counts, in the form that Prometheus reads."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from pipeline.serving.desk import Desk

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120)


class Metrics:
    """The counters of one service, in a registry of their own."""

    def __init__(self, desk: Desk) -> None:
        self._registry = kept = CollectorRegistry()
        ProcessCollector(registry=kept)
        self._requests = Counter("mculora_requests", "Answers.", ("path", "status"), registry=kept)
        self._seconds = Histogram(
            "mculora_request_seconds",
            "From a request to its answer.",
            ("path",),
            buckets=_SECONDS,
            registry=kept,
        )
        self._stages = Counter(
            "mculora_stage_seconds", "Where predictions spend time.", ("stage",), registry=kept
        )
        for name, what, count in (
            ("requests_in_flight", "Requests that hold a place.", lambda: desk.num_inside),
            ("queue_length", "Requests that wait for a worker.", lambda: desk.num_waiting),
            ("workers_busy", "Workers that compute.", lambda: desk.num_working),
        ):
            Gauge(f"mculora_{name}", what, registry=kept).set_function(count)

    def count_request(self, path: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)

    def count_stages(self, seconds: Mapping[str, float]) -> None:
        """Count where a prediction spent its time."""
        for stage, spent in seconds.items():
            self._stages.labels(stage).inc(spent)

    def render(self) -> bytes:
        """All of it, as text."""
        return generate_latest(self._registry)
