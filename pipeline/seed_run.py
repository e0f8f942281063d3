"""One seed on one fold: stage one once, then every method from the same encoders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import torch

from mculora.modality import Modality, ModalityCombination
from mculora.model.checkpoint import save_checkpoint
from mculora.model.network import MCULoRA
from mculora.protocol.folds import Fold
from mculora.training.data import TrainingData
from mculora.training.encoder_pretraining import pretrain_encoders
from mculora.training.trainer import EpochRecord, train_network
from pipeline.device import num_processes
from pipeline.inputs import Inputs, read_inputs
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.recipe import methods, network_config, training_config


@dataclass(frozen=True)
class SeedJob:
    """What one process trains.

    Attributes:
        params: The parameters.
        fold: The fold's place among the folds.
        seed: Draws weights, dropout, batches and combinations.
        device: Where.
    """

    params: Params
    fold: int
    seed: int
    device: str


@dataclass(frozen=True)
class SeedResult:
    """The rows of the history, and one line per method to read."""

    rows: tuple[dict[str, Any], ...]
    lines: tuple[str, ...]


def run_jobs(jobs: Sequence[SeedJob]) -> Iterator[SeedResult]:
    """Train side by side, one thread each: small products gain nothing from a second thread.

    The number of processes changes no result, and results come in the order of the jobs.
    """
    workers = min(len(jobs), num_processes(jobs[0].device))
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(train_seed, jobs)


def train_seed(job: SeedJob) -> SeedResult:
    """Train and save every method; only the fold's train and validation dialogues are loaded."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True, warn_only=True)
    layout = Layout(job.params.dataset)
    inputs = read_inputs(layout)
    fold, device = inputs.folds[job.fold], torch.device(job.device)
    train, validation = (inputs.table(part).to(device) for part in (fold.train, fold.validation))
    data = TrainingData(inputs.corpus.task, train, validation)
    encoders: dict[str, torch.Tensor] = {}
    rows: list[dict[str, Any]] = []
    lines = []
    for method in methods(job.params):
        run = _Run(job, inputs, data, fold=fold, method=method)
        records = run.train(encoders)
        best = [record for record in records if record.is_selected][-1]
        path = layout.checkpoint(method, job.seed, fold.name)
        save_checkpoint(path, run.network, run.provenance(best))
        rows += [{**run.key, **_history_row(record)} for record in records]
        lines.append(
            f"{method}, seed {job.seed}, fold {fold.name}: validation "
            f"{best.validation_mean:.4f} at epoch {best.epoch} of {len(records)}"
        )
    return SeedResult(tuple(rows), tuple(lines))


class _Run:
    """The training of one method."""

    def __init__(
        self, job: SeedJob, inputs: Inputs, data: TrainingData, *, fold: Fold, method: str
    ) -> None:
        self.inputs, self.data, self.seed = inputs, data, job.seed
        self.key = {"method": method, "seed": job.seed, "fold": fold.name}
        self.config = training_config(job.params, method)
        self.generator = torch.Generator().manual_seed(job.seed)
        torch.manual_seed(job.seed)  # initial weights and dropout
        config = network_config(job.params, method, widths=inputs.widths, outputs=inputs.outputs)
        self.network = MCULoRA(config).to(data.train.labels.device)
        self.network.fit_normalisation(data.train.features, data.train.available)

    def train(self, encoders: dict[str, torch.Tensor]) -> list[EpochRecord]:
        """Train both stages; the first does not depend on the method and is kept in `encoders`."""
        if encoders:
            self.network.encoders.load_state_dict(encoders)
        else:
            torch.manual_seed(self.seed)  # not where the rank left the generator: it shifts nobody
            for _ in pretrain_encoders(self.network, self.data, self.config, self.generator):
                pass
            weights = self.network.encoders.state_dict()
            encoders.update({key: tensor.clone() for key, tensor in weights.items()})
        torch.manual_seed(self.seed)
        self.generator.manual_seed(self.seed)
        return list(train_network(self.network, self.data, self.config, self.generator))

    def provenance(self, best: EpochRecord) -> dict[str, Any]:
        """What the checkpoint says of itself."""
        corpus = self.inputs.corpus
        return {
            **self.key,
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
