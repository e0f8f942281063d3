"""How far an extraction is and what holds it up: counted by the engine, shown by the stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal


@dataclass
class Meter:
    """Counts of one extraction.

    Attributes:
        utterances: How many are through.
        media_seconds: How long they last together.
        waiting_seconds: How long the encoder waited for something to be read and decoded.
        encoding_seconds: How long it worked.
    """

    utterances: float = 0.0
    media_seconds: float = 0.0
    waiting_seconds: float = 0.0
    encoding_seconds: float = 0.0
    _start: float = field(default_factory=time.perf_counter)

    @property
    def elapsed_seconds(self) -> float:
        """Time since the extraction began."""
        return time.perf_counter() - self._start

    @property
    def media_per_second(self) -> float:
        """Hours of media per hour."""
        return self.media_seconds / max(self.elapsed_seconds, 1e-9)

    @property
    def bound(self) -> Literal["decoder", "encoder"]:
        """Which of the two the time goes to."""
        return "decoder" if self.waiting_seconds > self.encoding_seconds else "encoder"

    @property
    def summary(self) -> str:
        """One phrase about the whole: `0:26:40 of media, 12 h per hour, encoder bound`."""
        length = timedelta(seconds=round(self.media_seconds))
        return f"{length} of media, {self._speed} per hour, {self.bound} bound"

    def progress(self, total: int) -> str:
        """One phrase about how it goes: media hours per hour, time left, what holds it up."""
        if self.utterances < 1:
            return "begins"
        remaining = max(total - self.utterances, 0) / self.utterances
        left = timedelta(seconds=round(self.elapsed_seconds * remaining))
        return f"{self._speed} of media per hour, {left} left, {self.bound} bound"

    @property
    def _speed(self) -> str:
        return f"{self.media_per_second:.{1 if self.media_per_second < 10 else 0}f} h"

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Count the time of the block as waiting for the decoder."""
        start = time.perf_counter()
        yield
        self.waiting_seconds += time.perf_counter() - start

    @contextmanager
    def encoding(self) -> Iterator[None]:
        """Count the time of the block as the encoder's."""
        start = time.perf_counter()
        yield
        self.encoding_seconds += time.perf_counter() - start
