"""What is kept of unfinished work: a folder whose name says all that decides the numbers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import mculora
import pipeline
from mculora.features.store.index import INDEX_FILE
from mculora.files import write_text
from mculora.modality import Modality
from mculora.training.fitting import ResumeFile
from mculora.training.methods import Method
from pipeline.device import Computing
from pipeline.inputs import Inputs
from pipeline.layout import Layout
from pipeline.training.jobs import Job, NetworkJob

LIBRARIES = ("torch", "numpy", "scikit-learn")
SECONDS_BETWEEN_STATES = 30.0
"""How often a training under way is kept."""


@dataclass(frozen=True)
class Kept:
    """The files of one undertaking, by job.

    Attributes:
        folder: Where they are.
        every_seconds: How often a training under way is kept.
    """

    folder: Path
    every_seconds: float = SECONDS_BETWEEN_STATES

    def weights(self, job: Job) -> Path:
        """What was trained; it is the last file that a job writes."""
        return self._path(job, ".safetensors")

    def epochs(self, job: Job) -> Path:
        """The judged weights of every epoch, of a job that keeps them."""
        return self._path(job, ".epochs.safetensors")

    def journal(self, job: Job) -> Path:
        """Where these are gathered while the training is under way."""
        return self._path(job, ".journal")

    def is_done(self, job: Job) -> bool:
        """Whether the job need not be done again."""
        keeps_epochs = isinstance(job, NetworkJob) and job.keeps_epochs
        return self.weights(job).exists() and (not keeps_epochs or self.epochs(job).exists())

    def is_begun(self, job: Job) -> bool:
        """Whether the job goes on from an epoch that was kept."""
        return not self.is_done(job) and self.resume_file(job).path.exists()

    def resume_file(self, job: Job) -> ResumeFile:
        """Where the training is kept while it is under way."""
        path = self._path(job, ".resume")
        path.parent.mkdir(parents=True, exist_ok=True)
        return ResumeFile(path, self.every_seconds)

    def write_account(self, job: Job, account: Mapping[str, Any]) -> None:
        """Keep what a training says of itself."""
        write_text(self._path(job, ".json"), json.dumps(account))

    def account(self, job: Job) -> dict[str, Any]:
        """What a finished training says of itself."""
        content: dict[str, Any] = json.loads(self._path(job, ".json").read_text(encoding="utf-8"))
        return content

    def _path(self, job: Job, suffix: str) -> Path:
        return self.folder / f"{job.name}{suffix}"  # a fold's name may have dots


def kept_work(layout: Layout, main: Method, inputs: Inputs, computing: Computing) -> Kept:
    """The folder of work that this code, these inputs and this machine go on with.

    Which methods, seeds and folds are asked for has no part in it: jobs have names.
    """
    stores = [layout.features(m) / INDEX_FILE for m in Modality]  # they name their shards' content
    facts = {
        "main": asdict(main),
        "corpus": inputs.corpus.fingerprint,
        "inputs": [_sha256(path) for path in (*stores, layout.folds)],
        "code": [_sha256(path) for path in _code()],
        "libraries": {name: version(name) for name in LIBRARIES},
        "computing": [computing.device.type, computing.is_deterministic],
        "processor": torch.backends.cpu.get_cpu_capability(),
    }
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return Kept(layout.unfinished / digest[:16], SECONDS_BETWEEN_STATES)


def _code() -> list[Path]:
    """Every source file of both packages."""
    folders = [Path(folder) for package in (mculora, pipeline) for folder in package.__path__]
    return [path for folder in folders for path in sorted(folder.rglob("*.py"))]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
