"""Optimiser steps over one epoch, and the check that they are still numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from mculora.batch import FeatureTable
from mculora.errors import MCULoRAError
from mculora.training.data import LARGEST_GRADIENT_NORM


class DivergenceError(MCULoRAError):
    """The loss, its gradient or a prediction is no longer a number.

    Args:
        what: What it is that is none.
        where: In or of what.
        ids: Utterances that tell where to look; the first ones are named.
    """

    def __init__(self, what: str, where: str, ids: Sequence[str]) -> None:
        super().__init__(
            f"training: {what} is not finite {where} {', '.join(ids[:3])}; lower the learning rate "
            "or look at these features"
        )


def make_optimizer(
    parameters: Iterable[nn.Parameter], *, learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """AdamW in one kernel for all weights."""
    return torch.optim.AdamW(
        list(parameters), lr=learning_rate, weight_decay=weight_decay, fused=True
    )


class Steps:
    """The steps of one epoch; nothing is waited for before its end.

    Args:
        optimizer: Of all that learns.
        table: What is learnt from.
        epoch: From 0.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, table: FeatureTable, epoch: int) -> None:
        self.optimizer, self.table, self.epoch = optimizer, table, epoch
        self.parameters = [p for group in optimizer.param_groups for p in group["params"]]
        self._losses: list[dict[str, Tensor]] = []
        self._norms: list[Tensor] = []
        self._rows: list[Tensor] = []

    def take(self, losses: dict[str, Tensor], rows: Tensor) -> None:
        """Step down the gradient of `losses["train_loss"]`, the mean over the utterances `rows`."""
        self.optimizer.zero_grad(set_to_none=True)
        losses["train_loss"].backward()  # type: ignore[no-untyped-call]
        self._norms.append(nn.utils.clip_grad_norm_(self.parameters, LARGEST_GRADIENT_NORM))
        self.optimizer.step()
        self._losses.append({name: loss.detach() for name, loss in losses.items()})
        self._rows.append(rows)

    def finish(self) -> dict[str, float]:
        """Return the mean of each loss over the utterances.

        Raises:
            DivergenceError: A loss or a gradient was NaN or infinite.
        """
        if not self._rows:
            return {}
        norms = torch.stack(self._norms)
        means = {
            name: torch.stack([losses[name] for losses in self._losses]) for name in self._losses[0]
        }
        is_sound = (torch.isfinite(norms) & torch.isfinite(means["train_loss"])).tolist()
        if not all(is_sound):
            where = "in the batch of the dialogues that start with"
            dialogues = self._dialogues(is_sound.index(False))
            raise DivergenceError(f"the loss of epoch {self.epoch}", where, dialogues)
        counts = torch.tensor([len(rows) for rows in self._rows], dtype=torch.float32)
        shares = (counts / counts.sum()).to(norms.device)
        return {name: float((values * shares).sum()) for name, values in means.items()}

    def _dialogues(self, step: int) -> list[str]:
        """The first utterance of each dialogue of a step."""
        rows = self._rows[step]
        dialogue = self.table.dialogue[rows]
        is_first = torch.ones(len(rows), dtype=torch.bool)
        is_first[1:] = dialogue[1:] != dialogue[:-1]
        return [self.table.ids[row] for row in rows[is_first].tolist()]
