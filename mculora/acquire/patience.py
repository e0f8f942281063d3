"""How long to wait for a server, and how often: doubling waits, some of it at random."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tenacity import RetryCallState, wait_exponential, wait_random


@dataclass(frozen=True)
class Patience:
    """How long to wait for a server, and how often.

    Attributes:
        tries: Tries in a row that bring no new byte, before the server has sent any.
        tries_midway: The same once it has: then an outage is worth sitting out.
        first_wait_seconds: The wait after a first failure; doubles with each further one. Up to
            this much more is waited at random, so that many clients do not come back at once.
        longest_wait_seconds: Where the doubling ends.
        longest_retry_after_seconds: The longest wait that a server may ask for.
        connect_seconds: How long a connection may take to be made.
        read_seconds: How long the line may be silent.
        sleep: Waits for some seconds.
    """

    tries: int = 5
    tries_midway: int = 12
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    longest_retry_after_seconds: float = 300.0
    connect_seconds: float = 20.0
    read_seconds: float = 60.0
    sleep: Callable[[float], None] = time.sleep

    def wait_seconds(self, state: RetryCallState, asked_seconds: float = 0.0) -> float:
        """The wait before the next try, when the server asks for so many seconds."""
        first, longest = self.first_wait_seconds, self.longest_wait_seconds
        backoff = wait_exponential(multiplier=first, max=longest) + wait_random(0, first)
        return max(backoff(state), min(asked_seconds, self.longest_retry_after_seconds))


PATIENCE = Patience()
"""Gives up on a dead host within two minutes, and on one that dies midway within some ten."""
