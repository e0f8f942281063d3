"""What one process does: a job after the other, on inputs that it reads once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from mculora.evaluation.calibration import calibrate
from mculora.files import whole_file
from mculora.modality import Modality
from mculora.model.checkpoint import save_checkpoint
from mculora.model.network import MCULoRA, NetworkConfig
from mculora.training.data import TrainingData
from mculora.training.encoder_pretraining import pretrain_encoder
from mculora.training.epoch_weights import EpochJournal
from mculora.training.trainer import EpochRecord, train_network, validation_scores
from pipeline.device import Computing, prepare_process
from pipeline.inputs import Inputs, read_inputs
from pipeline.layout import Layout
from pipeline.training.account import account_of
from pipeline.training.jobs import EncoderJob, Job, NetworkJob
from pipeline.training.kept import Kept
from pipeline.training.live import SECONDS_BETWEEN_TABLES


@dataclass(frozen=True)
class Workplace:
    """What a process needs to know beside its job.

    Attributes:
        layout: Where the inputs are.
        kept: Where results go.
        computing: On what.
    """

    layout: Layout
    kept: Kept
    computing: Computing


class Worker:
    """Trains; what it draws depends on a job's seed, never on the jobs before."""

    def __init__(self, workplace: Workplace) -> None:
        self.layout, self.kept = workplace.layout, workplace.kept
        self.device = workplace.computing.device
        prepare_process(workplace.computing)
        self.told_at = time.monotonic()
        self.data = lru_cache(maxsize=1)(self._data)

    def run(self, job: Job) -> Job:
        """Do a job and write its result."""
        if isinstance(job, EncoderJob):
            self._train_encoder(job)
        else:
            self._train_network(job)
        self.kept.resume_file(job).path.unlink(missing_ok=True)
        self.kept.journal(job).unlink(missing_ok=True)
        return job

    @cached_property
    def inputs(self) -> Inputs:
        """Everything, of which a job takes its fold's dialogues to train and to validate."""
        return read_inputs(self.layout)

    def _data(self, fold_name: str) -> TrainingData:
        """The two splits of a fold that decide everything; jobs come fold by fold."""
        (fold,) = (fold for fold in self.inputs.folds if fold.name == fold_name)
        parts = (self.inputs.table(part).to(self.device) for part in (fold.train, fold.validation))
        return TrainingData(self.inputs.corpus.task, *parts)

    def _train_encoder(self, job: EncoderJob) -> None:
        data, training = self.data(job.fold), job.method.training
        network = self._network(job.method.network, data, job.seed)
        resume = self.kept.resume_file(job)
        for _ in pretrain_encoder(
            network, job.modality, data, config=training, seed=job.seed, resume=resume
        ):
            pass
        with whole_file(self.kept.weights(job)) as temporary:
            save_file(network.encoders[job.modality].cpu().state_dict(), temporary)

    def _train_network(self, job: NetworkJob) -> None:
        data, method = self.data(job.fold), job.trained
        network = self._network(method.network, data, job.seed)
        if method.training.encoder_epochs:
            self._take_encoders(network, job)
        records: list[EpochRecord] = []
        journal = EpochJournal(self.kept.journal(job), network) if job.keeps_epochs else None
        if _can_learn(job, network, data):
            for record in train_network(
                network,
                data,
                method.training,
                seed=job.seed,
                resume=self.kept.resume_file(job),
                journal=journal,
            ):
                records.append(record)
                self._tell(job, records)
        if journal:
            journal.pack(self.kept.epochs(job))
        self.kept.write_account(job, account_of(job, records))
        provenance = self._provenance(job, records)
        judged = method.training.judged
        provenance["calibration"] = calibrate(network, data.validation, data.task, judged)
        save_checkpoint(self.kept.weights(job), network, provenance)

    def _tell(self, job: NetworkJob, records: Sequence[EpochRecord]) -> None:
        """Say how far a training is, now and then: nothing but the live table reads it."""
        if time.monotonic() - self.told_at >= SECONDS_BETWEEN_TABLES:
            self.kept.write_account(job, account_of(job, records))
            self.told_at = time.monotonic()

    def _network(self, config: NetworkConfig, data: TrainingData, seed: int) -> MCULoRA:
        """A network at its start."""
        torch.manual_seed(seed)
        network = MCULoRA(config).to(self.device)
        network.fit_normalisation(data.train.features, data.train.available)
        return network

    def _take_encoders(self, network: MCULoRA, job: NetworkJob) -> None:
        """Load what stage one made of the encoders."""
        for modality in Modality:
            path = self.kept.weights(EncoderJob(job.fold, job.seed, modality, job.method))
            network.encoders[modality].load_state_dict(load_file(path))

    def _provenance(self, job: NetworkJob, records: Sequence[EpochRecord]) -> dict[str, Any]:
        """What the checkpoint says of itself."""
        corpus = self.inputs.corpus
        best = [record for record in records if record.is_selected][-1:]
        return {
            "method": job.trained.name,
            "seed": job.seed,
            "fold": job.fold,
            "corpus": corpus.name,
            "corpus_fingerprint": corpus.fingerprint,
            "task": corpus.task.value,
            "class_names": list(corpus.class_names),
            "features": self.inputs.feature_identities,
            "epoch": best[0].epoch if best else None,
            "validation_mean": best[0].validation_mean if best else None,
            "validation": dict(best[0].validation) if best else {},
        }


def _can_learn(job: NetworkJob, network: MCULoRA, data: TrainingData) -> bool:
    """Whether a specialist has anything to learn from and to be judged by.

    Otherwise it stays as it is: where nobody offers a modality, its own specialist cannot learn.
    """
    if job.combination is None:
        return True
    shown = data.train.available & torch.tensor(job.combination.presence)
    return bool(shown.any()) and bool(validation_scores(network, data, (job.combination,)))
