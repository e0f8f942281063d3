"""Stage `train`: features and folds -> checkpoints and their history; never a test utterance."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import torch

from mculora.files import write_text
from mculora.modality import Modality, ModalityCombination
from mculora.model.checkpoint import save_checkpoint
from mculora.model.network import MCULoRA
from mculora.protocol.folds import Fold
from mculora.training.data import TrainingData
from mculora.training.encoder_pretraining import pretrain_encoders
from mculora.training.trainer import EpochRecord, train_network
from pipeline.console import progress, say, stage
from pipeline.device import pick_device
from pipeline.inputs import Inputs, input_paths, read_inputs
from pipeline.layout import Layout
from pipeline.params import Params, read_params
from pipeline.recipe import methods, network_config, training_config

HISTORY_COLUMNS = [
    *("method", "seed", "fold", "epoch", "train_loss", "task_loss", "orthogonality_loss"),
    "validation_mean",
    *(f"validation_{c.word}" for c in ModalityCombination),
    "is_selected",
    *(f"probability_{m.word}" for m in Modality),
    *(f"share_{c.word}" for c in ModalityCombination),
    *(f"separability_{c.word}" for c in ModalityCombination),
]


def run(*, device: str) -> None:
    """Train every method with every seed on every fold."""
    params = read_params()
    layout = Layout(params.dataset)
    inputs = read_inputs(layout)
    where = pick_device(device)
    torch.use_deterministic_algorithms(True, warn_only=True)
    rows: list[dict[str, Any]] = []
    with stage("train", reads=input_paths(layout), writes=layout.models) as facts:
        for fold in inputs.folds:
            tables = (inputs.table(fold.train).to(where), inputs.table(fold.validation).to(where))
            data = TrainingData(inputs.corpus.task, *tables)
            for seed in params.seeds:
                encoders: dict[str, torch.Tensor] = {}
                for method in methods(params):
                    trainer = _Run(params, inputs, data, fold=fold, seed=seed, method=method)
                    rows += trainer.train(layout, encoders)
        write_text(layout.history, _table(rows))
        facts += [f"{len(methods(params))} methods", f"{params.num_seeds} seeds"]


class _Run:
    """The training of one method with one seed on one fold."""

    def __init__(
        self,
        params: Params,
        inputs: Inputs,
        data: TrainingData,
        *,
        fold: Fold,
        seed: int,
        method: str,
    ) -> None:
        self.inputs, self.data, self.fold, self.seed, self.method = inputs, data, fold, seed, method
        self.config = training_config(params, method)
        self.generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)  # initial weights and dropout
        network = network_config(params, method, widths=inputs.widths, outputs=inputs.outputs)
        self.network = MCULoRA(network).to(data.train.labels.device)
        self.network.fit_normalisation(data.train.features, data.train.available)

    def train(self, layout: Layout, encoders: dict[str, torch.Tensor]) -> Iterator[dict[str, Any]]:
        """Train, save the checkpoint and yield the rows of the history.

        Stage one does not depend on the method: its result is kept in `encoders` for the next.
        """
        name = f"{self.method}, seed {self.seed}, fold {self.fold.name}"
        if encoders:
            self.network.encoders.load_state_dict(encoders)
        else:
            stage_one = pretrain_encoders(self.network, self.data, self.config, self.generator)
            total = len(Modality) * self.config.encoder_epochs
            for _ in progress(stage_one, label=f"encoders, seed {self.seed}", total=total):
                pass
            weights = self.network.encoders.state_dict()
            encoders.update({key: tensor.clone() for key, tensor in weights.items()})
        torch.manual_seed(self.seed)
        self.generator.manual_seed(self.seed)
        best: EpochRecord | None = None
        stage_two = train_network(self.network, self.data, self.config, self.generator)
        for record in progress(stage_two, label=name, total=self.config.epochs):
            best = record if record.is_selected else best
            yield {**self._key(), **_history_row(record)}
        assert best is not None
        path = layout.checkpoint(self.method, self.seed, self.fold.name)
        save_checkpoint(path, self.network, self._provenance(best))
        say(f"  {name}: validation {best.validation_mean:.4f} at epoch {best.epoch}")

    def _key(self) -> dict[str, Any]:
        return {"method": self.method, "seed": self.seed, "fold": self.fold.name}

    def _provenance(self, best: EpochRecord) -> dict[str, Any]:
        corpus = self.inputs.corpus
        return {
            **self._key(),
            "corpus": corpus.name,
            "corpus_fingerprint": corpus.fingerprint,
            "task": corpus.task.value,
            "class_names": list(corpus.class_names),
            "features": self.inputs.feature_identities,
            "epoch": best.epoch,
            "validation_mean": best.validation_mean,
            "validation": dict(best.validation),
        }


def _history_row(record: EpochRecord) -> dict[str, Any]:
    """One line of history.csv."""
    row: dict[str, Any] = {"epoch": record.epoch, **record.losses}
    row |= {"validation_mean": record.validation_mean, "is_selected": int(record.is_selected)}
    row |= {f"validation_{word}": value for word, value in record.validation.items()}
    row |= {f"probability_{m.word}": record.presence_probability[m] for m in Modality}
    for combination in ModalityCombination:
        row[f"share_{combination.word}"] = record.combination_share[combination]
        if record.separability:
            row[f"separability_{combination.word}"] = record.separability[combination]
    return row


def _table(rows: list[dict[str, Any]]) -> str:
    """The rows as CSV, floats with 6 decimals, empty where a method has no such number."""
    text = io.StringIO()
    writer = csv.DictWriter(text, HISTORY_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        rounded = {k: f"{v:.6f}" if isinstance(v, float) else v for k, v in row.items()}
        writer.writerow(rounded)
    return text.getvalue()
