"""What networks predict for a whole table under many conditions, in one sweep over its dialogues.

The modalities never see each other before fusion, so what an encoder makes of a dialogue depends on
nothing but which of its utterances have the modality. A condition that leaves all that the corpus
offers of a modality (each fixed combination does, for its modalities) shares one pass with all
others that do; where a part of a dialogue is left, that part is a pass of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from mculora.batch import Batch, FeatureTable
from mculora.errors import InputError
from mculora.modality import (
    ABSENT,
    NUM_MODALITIES,
    ModalityCombination,
    combination_index,
    presence_table,
)
from mculora.model.folding import FoldedNetwork, FoldedStates, PredictionParts
from mculora.model.network import MCULoRA
from mculora.model.packing import grid_of

PREDICTIONS_AT_ONCE = 4096
"""About how many (condition, utterance) pairs one batch has; changes the wait, not the numbers."""


def fixed_combinations(table: FeatureTable) -> dict[str, Tensor]:
    """What each utterance keeps under each of the seven: (N, M) bool by combination word."""
    shape = (len(table.ids), NUM_MODALITIES)
    return {c.word: torch.tensor(c.presence).expand(shape) for c in ModalityCombination}


def predict_conditions(
    network: MCULoRA, table: FeatureTable, kept: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Predict every utterance under every condition, as in evaluation mode.

    Args:
        network: Stays in the mode that it is in.
        table: N utterances.
        kept: By condition, what each keeps: (N, M) bool on the CPU.

    Returns:
        By condition, (N, K) in the table's order; NaN where nothing is left.
    """
    left = _left(table, kept)
    predictions = _unknown(network, left, table)
    _fill(predictions, network, table, left=left, asked=combination_index(left))
    return dict(zip(kept, predictions, strict=True))


@dataclass(frozen=True)
class Account:
    """A prediction of N utterances and what it is made of; NaN where nothing is left.

    Attributes:
        prediction: Y, (N, K).
        common: Y^com, (N, K).
        weight: w, (N,), in [0, 1]; see `PredictionParts`.
    """

    prediction: Tensor
    common: Tensor
    weight: Tensor


def account_for_conditions(
    network: MCULoRA, table: FeatureTable, kept: Mapping[str, Tensor]
) -> dict[str, Account]:
    """Predict as `predict_conditions` does and keep what the predictions are made of."""
    left, num_outputs = _left(table, kept), network.config.outputs
    told = table.labels.new_full((*left.shape[:2], 2 * num_outputs + 1), torch.nan)
    _fill(told, network, table, left=left, asked=combination_index(left), say=_parts)
    accounts = {}
    for condition, of_all in zip(kept, told, strict=True):
        prediction, common, weight = of_all.split((num_outputs, num_outputs, 1), 1)
        accounts[condition] = Account(prediction, common, weight[:, 0])
    return accounts


def predict_by_specialists(
    networks: Mapping[ModalityCombination, MCULoRA],
    table: FeatureTable,
    kept: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """Predict each utterance by the network of the combination that it is left with.

    That network sees what is left of its own modalities in the whole dialogue, and nothing else.

    Args:
        networks: At least one, by the combination that it is for.
        table: N utterances.
        kept: By condition, what each keeps: (N, M) bool on the CPU; at least one condition.

    Returns:
        By condition, (N, K) in the table's order; NaN where nothing is left.

    Raises:
        InputError: There is no network for a combination that an utterance is left with.
    """
    left = _left(table, kept)
    combination = combination_index(left)
    predictions = _unknown(next(iter(networks.values())), left, table)
    for own in _occurring(combination):
        if own not in networks:
            raise InputError("specialists", found="no network", expected=f"one for `{own.word}`")
        is_own = combination == own
        is_near = _in_their_dialogues(is_own, table.dialogue)
        seen = left & presence_table()[own] & is_near[..., None]
        asked = combination.where(is_own, ABSENT)
        _fill(predictions, networks[own], table, left=seen, asked=asked)
    return dict(zip(kept, predictions, strict=True))


def _left(table: FeatureTable, kept: Mapping[str, Tensor]) -> Tensor:
    """What each of Q conditions leaves of what the corpus offers, (Q, N, M) bool."""
    return torch.stack(tuple(kept.values())) & table.available


def _unknown(network: MCULoRA, left: Tensor, table: FeatureTable) -> Tensor:
    """Predictions (Q, N, K) that nobody has made yet."""
    return table.labels.new_full((*left.shape[:2], network.config.outputs), torch.nan)


def _occurring(combination: Tensor) -> tuple[ModalityCombination, ...]:
    """The combinations among these, in order."""
    return tuple(ModalityCombination(n) for n in torch.unique(combination).tolist() if n != ABSENT)


def _prediction(parts: PredictionParts) -> Tensor:
    """Y, (n, K)."""
    return parts.whole


def _parts(parts: PredictionParts) -> Tensor:
    """Y, Y^com and w side by side: (n, 2 K + 1)."""
    return torch.cat([parts.whole, parts.common, parts.weight], 1)


@torch.inference_mode()
def _fill(
    predictions: Tensor,
    network: MCULoRA,
    table: FeatureTable,
    *,
    left: Tensor,
    asked: Tensor,
    say: Callable[[PredictionParts], Tensor] = _prediction,
) -> None:
    """Make the predictions that one network is asked for.

    Args:
        predictions: (Q, N, W), written where asked.
        network: Any.
        table: N utterances.
        left: (Q, N, M) bool, what the network sees of each.
        asked: (Q, N) int64, the combination of those to predict, `ABSENT` elsewhere.
        say: What of a prediction is written, (n, W).
    """
    occurring = _occurring(asked)
    if not occurring:
        return
    folded = FoldedNetwork(network, occurring)
    with _evaluating(network):
        for batch in _batches(table, max(1, PREDICTIONS_AT_ONCE // len(asked))):
            for places, parts in _predicted(folded, table, batch, left=left, asked=asked):
                predictions[places.condition, places.row] = say(parts)


@contextmanager
def _evaluating(network: MCULoRA) -> Iterator[None]:
    """The network in evaluation mode; afterwards each module is in the mode that it was in."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@dataclass(frozen=True)
class _Places:
    """Where n predictions belong: the condition and the table's row of each, (n,) int64."""

    condition: Tensor
    row: Tensor


def _predicted(
    folded: FoldedNetwork, table: FeatureTable, batch: Batch, *, left: Tensor, asked: Tensor
) -> Iterator[tuple[_Places, PredictionParts]]:
    """Make the predictions of some dialogues, combination by combination."""
    shown, combination = left[:, batch.rows], asked[:, batch.rows]
    device = table.labels.device
    parts, places, total = [], {}, 0
    for m in folded.modalities:
        passes = _passes(shown[..., m], table.available[batch.rows, m], batch.dialogue)
        rows = batch.rows[passes.rows].to(device)
        inputs = table.features[m].index_select(0, rows)
        parts.append(folded.states(m, inputs, grid_of(passes.dialogue, device)))
        places[m] = passes.place + total
        total += len(rows)
    states = FoldedStates.joined(parts)
    for own in folded.combinations:
        condition, row = (combination == own).nonzero().unbind(1)
        if not len(row):
            continue
        rows = torch.stack([places[m][condition, row] for m in own.modalities], 1)
        where = _Places(condition.to(device), batch.rows[row].to(device))
        yield where, folded.predict_parts(own, states, rows.to(device))


@dataclass(frozen=True)
class _Passes:
    """What the encoder of one modality computes for n utterances under Q conditions.

    Attributes:
        rows: (n_m,) int64, which of the n utterances each encoded row is.
        dialogue: (n_m,) int64; the same dialogue has another number in another pass.
        place: (Q, n) int64, the encoded row that each utterance takes; nothing where it has none.
    """

    rows: Tensor
    dialogue: Tensor
    place: Tensor


def _passes(shown: Tensor, available: Tensor, dialogue: Tensor) -> _Passes:
    """Plan what is encoded: whole dialogues once, parts of them once per condition.

    Args:
        shown: (Q, n) bool, where the modality is left.
        available: (n,) bool, where the corpus offers it.
        dialogue: (n,) int64; equal numbers stand together.
    """
    is_part = _in_their_dialogues(available & ~shown, dialogue)  # (Q, n)
    whole = (shown & ~is_part).any(0, keepdim=True)
    encoded = torch.cat([whole, shown & is_part])  # (1 + Q, n)
    place = encoded.flatten().cumsum(0).view_as(encoded) - 1
    number, rows = encoded.nonzero().unbind(1)
    return _Passes(
        rows=rows,
        dialogue=number * (int(dialogue.max()) + 1) + dialogue[rows],
        place=place[1:].where(is_part, place[:1]),
    )


def _in_their_dialogues(flags: Tensor, dialogue: Tensor) -> Tensor:
    """Flag (Q, n) all utterances of the dialogues in which one is flagged."""
    _, column, counts = torch.unique_consecutive(dialogue, return_inverse=True, return_counts=True)
    num_flagged = torch.zeros(len(flags), len(counts)).index_add_(1, column, flags.float())
    return (num_flagged > 0)[:, column]


def _batches(table: FeatureTable, num_utterances: int) -> Iterator[Batch]:
    """Yield dialogues of like length, together little more than so many utterances."""
    _, column, counts = torch.unique_consecutive(
        table.dialogue, return_inverse=True, return_counts=True
    )
    order = counts[column].argsort(stable=True)  # the utterances of a dialogue stay together
    lengths = counts.sort().values
    sizes = torch.zeros(len(table.ids) // num_utterances + 1, dtype=torch.int64)
    sizes.index_add_(0, (lengths.cumsum(0) - 1) // num_utterances, lengths)
    for rows in order.split(sizes[sizes > 0].tolist()):
        yield Batch(rows, table.dialogue[rows])
