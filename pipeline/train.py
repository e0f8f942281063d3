"""Stage `train`: features and folds -> checkpoints and their history; never a test utterance."""

from __future__ import annotations

import csv
import io
from typing import Any

from mculora.files import write_text
from mculora.modality import Modality, ModalityCombination
from pipeline.console import progress, say, stage
from pipeline.device import pick_device
from pipeline.inputs import input_paths, read_inputs
from pipeline.layout import Layout
from pipeline.params import read_params
from pipeline.recipe import methods
from pipeline.seed_run import SeedJob, run_jobs

HISTORY_COLUMNS = [
    *("method", "seed", "fold", "epoch", "train_loss", "task_loss", "orthogonality_loss"),
    *("validation_mean", "is_selected"),
    *(f"validation_{c.word}" for c in ModalityCombination),
    *(f"probability_{m.word}" for m in Modality),
    *(f"share_{c.word}" for c in ModalityCombination),
    *(f"separability_{c.word}" for c in ModalityCombination),
]


def run(*, device: str) -> None:
    """Train every method with every seed on every fold."""
    params = read_params()
    layout = Layout(params.dataset)
    num_folds = len(read_inputs(layout).folds)
    where = str(pick_device(device))
    jobs = [
        SeedJob(params, fold, seed, where) for fold in range(num_folds) for seed in params.seeds
    ]
    rows: list[dict[str, Any]] = []
    with stage("train", reads=input_paths(layout), writes=layout.models) as facts:
        for result in progress(run_jobs(jobs), label="seeds and folds", total=len(jobs)):
            rows += result.rows
            for line in result.lines:
                say(f"  {line}")
        write_text(layout.history, _table(rows))
        facts += [f"{len(methods(params))} methods", f"{params.num_seeds} seeds"]


def _table(rows: list[dict[str, Any]]) -> str:
    """The rows as CSV, floats with 6 decimals, empty where a method has no such number."""
    text = io.StringIO()
    writer = csv.DictWriter(text, HISTORY_COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        rounded = {k: f"{v:.6f}" if isinstance(v, float) else v for k, v in row.items()}
        writer.writerow(rounded)
    return text.getvalue()
