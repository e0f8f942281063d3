"""Ways to train that take turns, so that a noisy machine disturbs them all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

ROUNDS = 3


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


@dataclass(frozen=True)
class Cost:
    """Seconds of a step, and of an epoch with the evaluation of all seven combinations."""

    step: float
    epoch: float


Way = Callable[[], Cost]
"""One more epoch of something that is being trained."""


def take_turns(ways: dict[str, Way], rounds: int = ROUNDS) -> dict[str, Cost]:
    """Medians of rounds in which every way has its turn, each time in another place."""
    taken: dict[str, list[Cost]] = {name: [] for name in ways}
    order = list(ways)
    for number in range(rounds + 1):
        for name in order:
            cost = ways[name]()
            if number:  # the first round warms up
                taken[name].append(cost)
        order.append(order.pop(0))
    return {
        name: Cost(
            statistics.median(c.step for c in each), statistics.median(c.epoch for c in each)
        )
        for name, each in taken.items()
    }
