"""How good predictions are under every condition: the seven combinations and the missing rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.evaluation.metrics import score


@dataclass(frozen=True)
class ConditionScore:
    """How good a method is under one condition.

    Attributes:
        num_utterances: How many could be predicted; an utterance that has nothing left under the
            condition is no prediction and is not scored.
        realised_rate: The fraction of modality slots that the scored utterances really lack; None
            where nothing could be predicted, as in a release without videos under `v`.
        metrics: By unambiguous name; None where undefined.
    """

    num_utterances: int
    realised_rate: float | None
    metrics: Mapping[str, float | None]


def evaluate_conditions(
    predictions: Mapping[str, Tensor], table: FeatureTable, kept: Mapping[str, Tensor], task: Task
) -> dict[str, ConditionScore]:
    """Score what was predicted under every condition.

    Args:
        predictions: By condition, (N, K); see `prediction`.
        table: The N test utterances.
        kept: By condition, what each of them keeps: (N, M) bool on the CPU.
        task: What is scored.
    """
    scores = {}
    for condition, present in kept.items():
        left = table.available & present
        known = left.any(1)
        rows = known.nonzero()[:, 0].to(table.labels.device)
        scores[condition] = ConditionScore(
            num_utterances=len(rows),
            realised_rate=1.0 - float(left[known].double().mean()) if len(rows) else None,
            metrics=score(predictions[condition][rows], table.labels[rows], task),
        )
    return scores


def align_masks(
    ids: tuple[str, ...], present: Mapping[str, Tensor], table: FeatureTable
) -> dict[str, Tensor]:
    """Put the rows of stored masks into the table's order.

    Args:
        ids: The utterances of the masks' rows.
        present: (len(ids), M) bool by condition.
        table: Some or all of these utterances.

    Raises:
        InputError: The masks lack an utterance of the table.
    """
    places = {utterance_id: row for row, utterance_id in enumerate(ids)}
    lacking = [utterance_id for utterance_id in table.ids if utterance_id not in places]
    if lacking:
        raise InputError(
            "masks",
            found=f"no row for {lacking[0]} and {len(lacking) - 1} more",
            expected="a row for every test utterance",
            remedy="run `mculora split`",
        )
    rows = torch.tensor([places[utterance_id] for utterance_id in table.ids])
    return {condition: mask[rows] for condition, mask in present.items()}
