"""An exponential moving average of the weights, which is what is judged and kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """The average of what an optimiser moves, over its steps.

    Args:
        parameters: What is moved.
        decay: In [0, 1): how much of the average each step leaves; 0 averages nothing.
    """

    def __init__(self, parameters: list[nn.Parameter], decay: float) -> None:
        self.parameters, self.decay = parameters, decay
        self._merge = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
        self.averages = [p.detach().clone() for p in parameters] if decay else []

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step."""
        if self.decay:
            self._merge(self.averages, [p.detach() for p in self.parameters], 0)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Let the parameters hold their averages for a while."""
        if not self.decay:
            yield
            return
        moving = [p.detach().clone() for p in self.parameters]
        self._assign(self.averages)
        try:
            yield
        finally:
            self._assign(moving)

    @torch.no_grad()
    def _assign(self, values: list[Tensor]) -> None:
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.copy_(value)
