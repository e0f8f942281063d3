"""How combinations pull the weights that they share in different directions (Figure 1)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mculora.batch import FeatureTable
from mculora.modality import ModalityCombination
from mculora.model.network import MCULoRA
from mculora.model.packing import pack
from mculora.training.losses import task_loss

MEASURED_UTTERANCES = 512
"""Gradients are those of the training split's first whole dialogues up to so many utterances."""


def is_measured(epoch: int) -> bool:
    """Whether an epoch is one of 0, 1, 2, 4, 8 …: what changes fast at first is seen closely."""
    return epoch & (epoch - 1) == 0


def gradient_conflict(network: MCULoRA, table: FeatureTable) -> dict[tuple[str, str], float]:
    """Cosines between the gradients of combinations on the shared weights.

    The task's loss of the same utterances, shown with one combination after the other, without
    dropout. Shared is what every combination reads and every method has: fusion and classifier,
    and the encoders where they learn. Nothing of the network changes.

    Args:
        network: In any state.
        table: Training utterances.

    Returns:
        By the words of two combinations, in order, the cosine in [-1, 1]; a combination that no
        utterance offers is left out.
    """
    was_training = network.training
    network.eval()
    shared = [*network.predictor.parameters()]
    shared += [p for p in network.encoders.parameters() if p.requires_grad]
    rows = _first_dialogues(table)
    gradients: dict[str, Tensor] = {}
    for combination in ModalityCombination:
        gradient = _gradient(network, table, rows, combination=combination, shared=shared)
        if gradient is not None:
            gradients[combination.word] = gradient
    network.train(was_training)
    words = list(gradients)
    return {
        (first, second): float(
            functional.cosine_similarity(gradients[first], gradients[second], dim=0)
        )
        for place, first in enumerate(words)
        for second in words[place + 1 :]
    }


def _first_dialogues(table: FeatureTable) -> Tensor:
    """Rows of whole dialogues, as many as are measured."""
    rows = torch.arange(len(table.ids))
    if len(rows) <= MEASURED_UTTERANCES:
        return rows
    whole = table.dialogue < table.dialogue[MEASURED_UTTERANCES]
    return rows[whole] if bool(whole.any()) else rows[:MEASURED_UTTERANCES]


def _gradient(
    network: MCULoRA,
    table: FeatureTable,
    rows: Tensor,
    *,
    combination: ModalityCombination,
    shared: Sequence[nn.Parameter],
) -> Tensor | None:
    """The gradient of one combination's loss, flat; None where no utterance offers all of it."""
    wanted = torch.tensor(combination.presence)
    offers = (table.available[rows] | ~wanted).all(1)
    own = rows[offers]
    if not len(own):
        return None
    present = wanted.expand(len(own), -1)
    batch = pack(table.features, own, dialogue=table.dialogue[own], present=present)
    labels = table.labels.index_select(0, own.to(table.labels.device))
    loss = task_loss(network(batch).prediction, labels)
    found = torch.autograd.grad(loss, list(shared), allow_unused=True)
    parts = [torch.zeros_like(p) if g is None else g for p, g in zip(shared, found, strict=True)]
    return torch.cat([part.flatten() for part in parts])
