"""Early stopping: remember the best weights by a validation score, stop when it no longer rises."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn


class BestWeights:
    """The weights of the epoch with the highest score so far.

    Args:
        module: What is trained; `restore` gives it the best weights back.
        patience: How many epochs in a row may pass without a higher score.
    """

    def __init__(self, module: nn.Module, patience: int) -> None:
        self.module, self.patience = module, patience
        self.score = float("-inf")
        self.epochs_since = 0
        self._state: dict[str, Any] = {}

    def offer(self, score: float) -> bool:
        """Keep the module's weights if `score` is the highest so far; tell whether it was."""
        self.epochs_since += 1
        if score <= self.score:
            return False
        self.score, self.epochs_since = score, 0
        self._state = copy.deepcopy(self.module.state_dict())
        return True

    @property
    def is_exhausted(self) -> bool:
        """Whether `patience` epochs have passed in vain."""
        return self.epochs_since >= self.patience

    def restore(self) -> None:
        """Load the best weights into the module."""
        self.module.load_state_dict(self._state)
