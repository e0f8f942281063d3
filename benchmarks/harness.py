"""Methods trained on the parts of a benchmark corpus, stage one once for all that share it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import torch
from corpora import BenchmarkCorpus, Parts
from torch import Tensor

from mculora.modality import Modality, ModalityCombination
from mculora.model.network import MCULoRA
from mculora.training.data import TrainingData
from mculora.training.encoder_pretraining import pretrain_encoder
from mculora.training.methods import ABLATIONS, BASELINES, Method, main_method
from mculora.training.trainer import train_network, validation_scores
from pipeline.params import read_params
from pipeline.recipe import network_config, training_config

Variant = Callable[[Method], Method]
BATCHES = {"sample": 8, "votes": 256}
"""Dialogues in a batch: those of the votes are one utterance each."""


@dataclass(frozen=True)
class Judged:
    """What one training reached: the primary metric, mean of the combinations.

    Attributes:
        validation: At the epoch that it chose.
        judged: On the utterances that chose nothing.
        by_combination: The same, one by one.
        num_epochs: How many were trained; the mean over specialists.
    """

    validation: float
    judged: float
    by_combination: Mapping[str, float]
    num_epochs: float


def network(**changes: Any) -> Variant:
    """The main method with another network."""
    return lambda main: replace(main, network=replace(main.network, **changes))


def training(**changes: Any) -> Variant:
    """The main method, trained otherwise."""
    return lambda main: replace(main, training=replace(main.training, **changes))


def both(first: Variant, second: Variant) -> Variant:
    """One change after the other."""
    return lambda main: second(first(main))


def named(name: str) -> Variant:
    """A baseline, or the main method without a part of it."""
    if name in BASELINES:
        return BASELINES[name]
    return ABLATIONS[name.removeprefix("without_")]


def main_of(corpus: BenchmarkCorpus) -> Method:
    """The main method with the project's parameters."""
    params = read_params()
    main = main_method(
        network_config(params, widths=corpus.widths, outputs=corpus.outputs),
        training_config(params),
    )
    quiet = replace(main.training, measure_conflict=False, batch_dialogues=BATCHES[corpus.name])
    return replace(main, training=quiet)


class Bench:
    """One draw of a corpus and one seed."""

    def __init__(self, corpus: BenchmarkCorpus, parts: Parts, seed: int) -> None:
        torch.set_num_threads(1)
        self.data = TrainingData(corpus.task, parts.train, parts.validation)
        self.judged = TrainingData(corpus.task, parts.train, parts.judged)
        self.seed = seed
        self._encoders: dict[tuple[object, ...], dict[str, Tensor]] = {}

    def run(self, method: Method) -> Judged:
        """Train a method and judge it."""
        if method.is_specialised:
            runs = {c.word: self.run(one) for c, one in method.specialists.items()}
            by_combination = {word: run.by_combination[word] for word, run in runs.items()}
            return Judged(
                validation=fmean(run.validation for run in runs.values()),
                judged=fmean(by_combination.values()),
                by_combination=by_combination,
                num_epochs=fmean(run.num_epochs for run in runs.values()),
            )
        trained = self.fresh(method)
        if method.training.encoder_epochs:
            trained.encoders.load_state_dict(self._pretrained(method))
        records = list(train_network(trained, self.data, method.training, seed=self.seed))
        best = [record for record in records if record.is_selected][-1]
        scores = validation_scores(trained, self.judged)
        return Judged(fmean(best.validation.values()), fmean(scores.values()), scores, len(records))

    def fresh(self, method: Method) -> MCULoRA:
        """A network at its start."""
        torch.manual_seed(self.seed)
        made = MCULoRA(method.network)
        made.fit_normalisation(self.data.train.features, self.data.train.available)
        return made

    def _pretrained(self, method: Method) -> dict[str, Tensor]:
        """The encoders of stage one, trained once for all methods with the same ones."""
        network, training = method.network, method.training
        key = (
            *(network.hidden, network.depth, network.heads, network.dropout),
            *(training.encoder_epochs, training.encoder_learning_rate, training.patience),
            *(training.batch_dialogues, training.weight_decay),
        )
        if key not in self._encoders:
            made = self.fresh(method)
            for modality in Modality:
                for _ in pretrain_encoder(
                    made, modality, self.data, config=training, seed=self.seed
                ):
                    pass
            self._encoders[key] = made.encoders.state_dict()
        return self._encoders[key]


def combination_words() -> Iterable[str]:
    """The seven, in order."""
    return [c.word for c in ModalityCombination]
