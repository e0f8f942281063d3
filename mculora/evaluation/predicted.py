"""All that trained networks said of the test utterances, in one file that every report reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.files import whole_file
from mculora.modality import NUM_COMBINATIONS, NUM_MODALITIES

_KEY = "mculora-predictions"


@dataclass(frozen=True, eq=False)
class PredictedTest:
    """N test utterances of all folds, one fold after another, and every prediction of them.

    Attributes:
        ids: The N utterances.
        folds: Names of the folds.
        fold: (N,) int64, which of them tests the utterance.
        labels: (N,) float32, scores or class indices.
        task: Which of the two.
        class_names: The K classes in index order; empty for scores.
        seeds: The S seeds.
        left: What each utterance really has left, (N, M) bool, by condition: the seven combination
            words, then `rate-0.3` and so on. Some rows may be empty.
        predictions: By method, (S, Q, N, K) float32 over the Q conditions of `left` in its order: a
            score (K = 1) or logits; NaN where nothing is left.
        common: Y^com of the main method (the first one) under the seven: (S, C, N, K).
        weight: The weight w of its specific prediction there, (S, C, N), in [0, 1].

    Raises:
        InputError: Shapes disagree.
    """

    ids: tuple[str, ...]
    folds: tuple[str, ...]
    fold: Tensor
    labels: Tensor
    task: Task
    class_names: tuple[str, ...]
    seeds: tuple[int, ...]
    left: Mapping[str, Tensor]
    predictions: Mapping[str, Tensor]
    common: Tensor
    weight: Tensor

    def __post_init__(self) -> None:
        num, num_seeds, outputs = len(self.ids), len(self.seeds), max(1, len(self.class_names))
        wanted = {
            "fold": (self.fold, (num,)),
            "labels": (self.labels, (num,)),
            **{f"left.{c}": (left, (num, NUM_MODALITIES)) for c, left in self.left.items()},
            **{
                f"predictions.{m}": (said, (num_seeds, len(self.left), num, outputs))
                for m, said in self.predictions.items()
            },
            "common": (self.common, (num_seeds, NUM_COMBINATIONS, num, outputs)),
            "weight": (self.weight, (num_seeds, NUM_COMBINATIONS, num)),
        }
        for name, (tensor, shape) in wanted.items():
            if tuple(tensor.shape) != shape:
                found = f"shape {tuple(tensor.shape)}"
                raise InputError(f"predictions: {name}", found=found, expected=f"{shape}")

    @property
    def conditions(self) -> tuple[str, ...]:
        """The Q conditions, in order."""
        return tuple(self.left)

    @property
    def main(self) -> str:
        """The method that all others are here for."""
        return next(iter(self.predictions))

    def of(self, method: str, condition: str) -> Tensor:
        """What a method said under a condition: (S, N, K)."""
        said: Tensor = self.predictions[method][:, self.conditions.index(condition)]
        return said

    def known(self, condition: str) -> Tensor:
        """Which utterances have anything left under a condition: (N,) bool."""
        return self.left[condition].any(1)


def write_predictions(path: Path, record: PredictedTest) -> None:
    """Write the record; the file appears whole, and the same record gives the same bytes."""
    facts = {
        "ids": record.ids,
        "folds": record.folds,
        "task": record.task.value,
        "class_names": record.class_names,
        "seeds": record.seeds,
        "conditions": record.conditions,
        "methods": list(record.predictions),
    }
    tensors = {
        "fold": record.fold,
        "labels": record.labels,
        "common": record.common,
        "weight": record.weight,
        "left": torch.stack(tuple(record.left.values())),
        **{f"predictions.{method}": said for method, said in record.predictions.items()},
    }
    contiguous = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
    with whole_file(path) as temporary:
        # One key only: safetensors writes several in an order that changes from run to run.
        temporary.write_bytes(save(contiguous, metadata={_KEY: json.dumps(facts)}))


def read_predictions(path: Path) -> PredictedTest:
    """Read a record back.

    Raises:
        InputError: The file is missing, damaged, or holds no predictions.
    """
    remedy = "run `mculora evaluate`"
    try:
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})[_KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return _record(facts, tensors)
    except FileNotFoundError:
        raise InputError(path, found="nothing", expected="predictions", remedy=remedy) from None
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        found = f"no predictions of this program ({' '.join(str(error).split())[:100]})"
        raise InputError(path, found=found, expected="predictions", remedy=remedy) from None


def _record(facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> PredictedTest:
    return PredictedTest(
        ids=tuple(facts["ids"]),
        folds=tuple(facts["folds"]),
        fold=tensors["fold"],
        labels=tensors["labels"],
        task=Task(facts["task"]),
        class_names=tuple(facts["class_names"]),
        seeds=tuple(facts["seeds"]),
        left=dict(zip(facts["conditions"], tensors["left"], strict=True)),
        predictions={m: tensors[f"predictions.{m}"] for m in facts["methods"]},
        common=tensors["common"],
        weight=tensors["weight"],
    )
