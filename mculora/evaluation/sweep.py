"""One trained network under every condition: the seven combinations and the missing rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.evaluation.metrics import score
from mculora.evaluation.prediction import predict_combinations, predict_present
from mculora.model.network import MCULoRA


@dataclass(frozen=True)
class ConditionScore:
    """How good a network is under one condition.

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
    network: MCULoRA, table: FeatureTable, kept: Mapping[str, Tensor], task: Task
) -> dict[str, ConditionScore]:
    """Test a network under every condition.

    Args:
        network: A trained one.
        table: N test utterances.
        kept: By condition, what each utterance of the table keeps: (N, M) bool.
        task: What is scored.
    """
    fixed = predict_combinations(network, table)
    scores = {}
    for condition, present in kept.items():
        predicted = fixed.get(condition)
        if predicted is None:
            predicted = predict_present(network, table, present)
        left = table.available & present.to(table.available.device)
        known = left.any(1)
        scores[condition] = ConditionScore(
            num_utterances=int(known.sum()),
            realised_rate=1.0 - float(left[known].double().mean()) if bool(known.any()) else None,
            metrics=score(predicted[known], table.labels[known], task),
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
