"""Early stopping: remember the best weights by a validation score, stop when it no longer rises."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mculora.training.epoch_weights import EpochJournal


class BestWeights:
    """The weights of the epoch with the highest score so far.

    Args:
        module: What is trained; `restore` gives it the best weights back.
        patience: How many epochs in a row may pass without a higher score.
        journal: Where all that is offered is kept, the best or not.
    """

    def __init__(
        self, module: nn.Module, patience: int, journal: EpochJournal | None = None
    ) -> None:
        self.module, self.patience, self.journal = module, patience, journal
        self.score = float("-inf")
        self.epochs_since = 0
        self._weights: dict[str, Tensor] = {}

    def offer(self, score: float) -> bool:
        """Keep the module's weights if `score` is the highest so far; tell whether it was."""
        self.epochs_since += 1
        if self.journal:
            self.journal.append()
        if score <= self.score:
            return False
        self.score, self.epochs_since = score, 0
        state = self.module.state_dict()
        with torch.no_grad():
            for name, tensor in state.items():
                if name in self._weights:
                    self._weights[name].copy_(tensor)
                else:
                    self._weights[name] = tensor.clone()
        return True

    @property
    def is_exhausted(self) -> bool:
        """Whether `patience` epochs have passed in vain."""
        return self.epochs_since >= self.patience

    def restore(self) -> None:
        """Load the best weights into the module."""
        self.module.load_state_dict(self._weights)

    def state_dict(self) -> dict[str, Any]:
        """All that it remembers."""
        return {"score": self.score, "epochs_since": self.epochs_since, "weights": self._weights}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what it remembered."""
        self.score, self.epochs_since = state["score"], state["epochs_since"]
        self._weights = state["weights"]
