"""What `evaluate` makes of kept epochs: what test would have selected and, if asked, just that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import lru_cache
from statistics import fmean
from typing import Any

import torch

from mculora.batch import FeatureTable
from mculora.evaluation.calibration import calibrate
from mculora.evaluation.selection_gap import Chosen, EpochChoice, look_back, selection_gap
from mculora.modality import ModalityCombination
from mculora.model.checkpoint import Checkpoint
from mculora.protocol.folds import Fold
from mculora.training.data import TrainingData
from mculora.training.epoch_weights import EpochWeights, load_epoch, num_epochs_of, read_epochs
from mculora.training.hindsight import scores_by_epoch
from mculora.training.methods import Method
from mculora.training.trainer import validation_scores
from pipeline.inputs import Inputs
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.recipe import keeps_epochs

Networks = Mapping[ModalityCombination | None, Checkpoint]
"""A method's networks, by what tells them apart."""


class LookingBack:
    """Tests every kept epoch, and remembers what test would have chosen.

    Args:
        params: Which methods kept their epochs, and which split selects.
        layout: Where they are.
        inputs: Of the training.
        device: Where the networks are.
    """

    def __init__(
        self, params: Params, layout: Layout, *, inputs: Inputs, device: torch.device
    ) -> None:
        self.params, self.layout, self.inputs, self.device = params, layout, inputs, device
        self._choices: dict[str, list[EpochChoice]] = {}
        self._validation = lru_cache(maxsize=1)(self._validation_of)

    def selected(
        self, method: Method, seed: int, trained: Networks, *, fold: Fold, test: FeatureTable
    ) -> Networks:
        """Look back at a method's networks.

        Returns:
            What is to be tested: the networks as they are, which validation selected; those that
            the test split selects only where params.yaml asks for that.
        """
        if not keeps_epochs(self.params, method):
            return trained
        chosen = {}
        for which, checkpoint in trained.items():
            weights = read_epochs(self.layout.epochs(method.name, seed, fold.name, which))
            judged = tuple(ModalityCombination) if which is None else (which,)
            chosen[which] = checkpoint
            if not num_epochs_of(weights):
                continue  # a specialist of what nobody offers
            choice = self._look(checkpoint, weights, test, judged)
            epoch = checkpoint.provenance["epoch"]
            if choice:
                self._choices.setdefault(method.name, []).append(choice)
                epoch = choice.test_epoch if self.params.selection == "test" else epoch
            load_epoch(checkpoint.network, weights, epoch)
            chosen[which] = self._told(checkpoint, epoch, fold, judged)
        return chosen

    def as_json(self) -> dict[str, Any]:
        """The gaps by method, the main one first."""
        return {method: asdict(selection_gap(c)) for method, c in self._choices.items()}

    def _look(
        self,
        checkpoint: Checkpoint,
        weights: EpochWeights,
        test: FeatureTable,
        judged: tuple[ModalityCombination, ...],
    ) -> EpochChoice | None:
        """None where test says nothing; the network has the weights of some epoch afterwards."""
        facts, task = checkpoint.provenance, self.inputs.corpus.task
        chosen = Chosen(
            seed=facts["seed"],
            fold=facts["fold"],
            network=judged[0].word if len(judged) == 1 else "",
            epoch=facts["epoch"],
            validation=facts["validation_mean"],
        )
        return look_back(chosen, scores_by_epoch(checkpoint.network, weights, test, task, judged))

    def _told(
        self,
        checkpoint: Checkpoint,
        epoch: int,
        fold: Fold,
        judged: tuple[ModalityCombination, ...],
    ) -> Checkpoint:
        """The checkpoint with what its provenance says of an epoch, of this one."""
        facts = checkpoint.provenance
        if epoch == facts["epoch"]:
            return checkpoint
        data, network = self._validation(fold), checkpoint.network
        scores = validation_scores(network, data, judged)
        told = {
            "epoch": epoch,
            "validation": scores,
            "validation_mean": fmean(scores.values()),
            "calibration": calibrate(network, data.validation, data.task, judged),
        }
        return replace(checkpoint, provenance={**facts, **told})

    def _validation_of(self, fold: Fold) -> TrainingData:
        """The validation split; nothing is trained here, so it stands for both."""
        table = self.inputs.table(fold.validation).to(self.device)
        return TrainingData(self.inputs.corpus.task, table, table)
