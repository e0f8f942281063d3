"""Predictions as an evaluation makes them, fold by fold and network by network, into one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.evaluation.predicted import PredictedTest
from mculora.evaluation.prediction import Account
from mculora.modality import ModalityCombination

COMBINATIONS = tuple(c.word for c in ModalityCombination)


class Gathering:
    """What has been predicted so far; one fold after another, each with all methods and seeds.

    Args:
        task: What is predicted.
        class_names: The classes in index order; empty for scores.
        seeds: All seeds.
        methods: All methods, the main one first.
    """

    def __init__(
        self,
        task: Task,
        class_names: Sequence[str],
        *,
        seeds: Sequence[int],
        methods: Sequence[str],
    ) -> None:
        self.task, self.class_names = task, tuple(class_names)
        self.seeds, self.methods = tuple(seeds), tuple(methods)
        self._folds: dict[str, FeatureTable] = {}
        self._left: list[Mapping[str, Tensor]] = []
        self._said: dict[tuple[str, int], list[Tensor]] = {}
        self._common: dict[int, list[Tensor]] = {}
        self._weight: dict[int, list[Tensor]] = {}

    def open_fold(self, name: str, table: FeatureTable, kept: Mapping[str, Tensor]) -> None:
        """Go on with another fold.

        Args:
            name: Of the fold.
            table: Its test utterances.
            kept: By condition, what each keeps: (n, M) bool on the CPU.
        """
        self._folds[name] = table
        self._left.append({c: table.available & present for c, present in kept.items()})

    def add(self, method: str, seed: int, predictions: Mapping[str, Tensor]) -> None:
        """Add what a method said of the fold's utterances: (n, K) by condition."""
        said = torch.stack([p.float().cpu() for p in predictions.values()])
        self._said.setdefault((method, seed), []).append(said)

    def add_account(self, seed: int, account: Mapping[str, Account]) -> None:
        """Add what the main method's predictions are made of, under the seven combinations."""
        common = torch.stack([account[c].common.float().cpu() for c in COMBINATIONS])
        weight = torch.stack([account[c].weight.float().cpu() for c in COMBINATIONS])
        self._common.setdefault(seed, []).append(common)
        self._weight.setdefault(seed, []).append(weight)

    def record(self) -> PredictedTest:
        """All of it; every method and seed was added for every fold."""
        tables = list(self._folds.values())
        counts = torch.tensor([len(table.ids) for table in tables])
        conditions = self._left[0]
        return PredictedTest(
            ids=tuple(utterance for table in tables for utterance in table.ids),
            folds=tuple(self._folds),
            fold=torch.arange(len(tables)).repeat_interleave(counts),
            labels=torch.cat([table.labels.float().cpu() for table in tables]),
            task=self.task,
            class_names=self.class_names,
            seeds=self.seeds,
            left={c: torch.cat([left[c] for left in self._left]) for c in conditions},
            predictions={
                m: torch.stack([torch.cat(self._said[m, s], 1) for s in self.seeds])
                for m in self.methods
            },
            common=torch.stack([torch.cat(self._common[s], 1) for s in self.seeds]),
            weight=torch.stack([torch.cat(self._weight[s], 1) for s in self.seeds]),
        )
