"""What a network makes of utterances under a combination: R^f, the common, and R^s (METHOD 3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mculora.batch import FeatureTable, batches
from mculora.errors import InputError
from mculora.modality import ModalityCombination, presence_table
from mculora.model.network import MCULoRA
from mculora.model.packing import PackedBatch, pack

_DIALOGUES_AT_ONCE = 16  # changes the wait, not the numbers


@dataclass(frozen=True, eq=False)
class Represented:
    """n utterances under one combination, all of which they offer.

    Attributes:
        combination: Which one.
        ids: The n utterances.
        labels: (n,) float32, scores or class indices.
        dialogue: (n,) int64, the ordinal of each one's dialogue.
        common: R^f, (n, M H): each modality's R^m + R^{m,com} side by side, zeros where absent.
        specific: R^s, (n, M H): R^{m,c}, likewise.
    """

    combination: ModalityCombination
    ids: tuple[str, ...]
    labels: Tensor
    dialogue: Tensor
    common: Tensor
    specific: Tensor


def draw_rows(table: FeatureTable, count: int, *, seed: int) -> Tensor:
    """Draw at most `count` rows of a table, rising: (n,) int64; the same seed, the same rows."""
    drawn = torch.randperm(len(table.ids), generator=torch.Generator().manual_seed(seed))
    return drawn[:count].sort().values


@torch.inference_mode()
def represent(
    network: MCULoRA, table: FeatureTable, combination: ModalityCombination, *, rows: Tensor
) -> Represented:
    """Represent utterances under a combination, inside their whole dialogues, as in a test.

    Args:
        network: With specific adapters, in evaluation mode.
        table: All utterances of the dialogues.
        combination: What is shown of every utterance.
        rows: Which utterances are wanted; those that do not offer all of it are left out.

    Raises:
        InputError: The network has no specific adapters.
    """
    if not network.config.has_specific:
        raise InputError("network", found="no specific adapters", expected="some to look at")
    shown = presence_table()[combination]
    present = table.available & shown
    wanted = torch.zeros(len(table.ids), dtype=torch.bool).index_fill_(0, rows, True)
    wanted &= (present == shown).all(1)
    width = len(shown) * network.config.hidden
    places, parts = [rows[:0]], [(torch.zeros(0, width), torch.zeros(0, width))]
    for batch in batches(table, _DIALOGUES_AT_ONCE):
        offered = batch.rows[present[batch.rows].any(1)]
        kept = wanted[offered]
        if kept.any():
            dialogue = table.dialogue[offered]
            packed = pack(table.features, offered, dialogue=dialogue, present=present[offered])
            output = network(packed)
            fused = [b + c for b, c in zip(output.base, output.common, strict=True)]
            places.append(offered[kept])
            parts.append((_beside(fused, packed)[kept], _beside(output.specific, packed)[kept]))
    common, specific = (torch.cat(side) for side in zip(*parts, strict=True))
    found, order = torch.cat(places).sort()
    return Represented(
        combination,
        ids=tuple(table.ids[row] for row in found.tolist()),
        labels=table.labels.cpu()[found],
        dialogue=table.dialogue[found],
        common=common[order],
        specific=specific[order],
    )


def _beside(parts: Sequence[Tensor], packed: PackedBatch) -> Tensor:
    """The modalities' states (n_m, H) side by side, (n, M H) on the CPU, zeros where absent."""
    whole = torch.zeros(packed.num_utterances, len(parts), parts[0].shape[1])
    for modality, (part, shown) in enumerate(zip(parts, packed.modalities, strict=True)):
        whole[shown.rows.cpu(), modality] = part.float().cpu()
    return whole.flatten(1)
