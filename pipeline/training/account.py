"""What trainings say of themselves: rows of history.csv and conflict.csv, and a line to read."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mculora.modality import Modality, ModalityCombination
from mculora.training.trainer import EpochRecord
from pipeline.training.jobs import NetworkJob

_KEYS = ("method", "seed", "fold", "epoch")
HISTORY_COLUMNS = [
    *(*_KEYS, "train_loss", "task_loss", "orthogonality_loss"),
    *("validation_mean", "is_selected"),
    *(f"validation_{c.word}" for c in ModalityCombination),
    *(f"probability_{m.word}" for m in Modality),
    *(f"share_{c.word}" for c in ModalityCombination),
    *(f"separability_{c.word}" for c in ModalityCombination),
]
CONFLICT_COLUMNS = [*_KEYS, "first", "second", "cosine"]


def account_of(job: NetworkJob, records: Sequence[EpochRecord]) -> dict[str, list[dict[str, Any]]]:
    """The rows of both tables, as plain JSON values."""
    key = {"method": job.trained.name, "seed": job.seed, "fold": job.fold}
    conflict = [
        {**key, "epoch": r.epoch, "first": first, "second": second, "cosine": cosine}
        for r in records
        for (first, second), cosine in r.conflict.items()
    ]
    return {"history": [{**key, **_history_row(r)} for r in records], "conflict": conflict}


def line_of(job: NetworkJob, account: Mapping[str, Any]) -> str:
    """How a training went."""
    name = f"{job.trained.name}, seed {job.seed}, fold {job.fold}"
    best = selected_row(account)
    if best is None:
        return f"{name}: nothing to learn from"
    score, epochs = best["validation_mean"], len(account["history"])
    return f"{name}: validation {score:.4f} at epoch {best['epoch']} of {epochs}"


def selected_row(account: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The epoch that was kept, if there was any."""
    selected = [row for row in account["history"] if row["is_selected"]]
    return selected[-1] if selected else None


def table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV, floats with 6 decimals, empty where there is no such number."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6f}" if isinstance(v, float) else v for k, v in row.items()})
    return text.getvalue()


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
