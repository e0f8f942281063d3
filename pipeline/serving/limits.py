"""What a client may ask for, and how much is served at once: options of the command."""

from __future__ import annotations

from dataclasses import dataclass

from mculora.features.reading import usable_processors

MEGABYTE = 1_000_000  # bytes

_MOST_WORKERS = 4  # by default: each holds a decoded clip


def default_workers() -> int:
    """How many predictions are computed side by side unless told: one per processor, 4 at most."""
    return min(usable_processors(), _MOST_WORKERS)


@dataclass(frozen=True)
class Limits:
    """How much is served.

    Attributes:
        max_megabytes: The largest upload.
        max_clip_seconds: The longest clip.
        max_seconds: How long a request may take, from its first byte to its answer.
        queue: How many requests may be under way beside those that are being predicted.
        workers: How many predictions are computed side by side.
    """

    max_megabytes: float = 50.0
    max_clip_seconds: float = 60.0
    max_seconds: float = 60.0
    queue: int = 50
    workers: int = 2

    @property
    def max_bytes(self) -> int:
        """The largest upload in bytes."""
        return round(self.max_megabytes * MEGABYTE)

    @property
    def places(self) -> int:
        """How many requests are let in at once."""
        return self.queue + self.workers
