"""Predictions for programs: JSON with everything, CSV with a line per utterance."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mculora.inference.bundle import Bundle
from mculora.inference.timeline import Moment, Timeline, mattered_most
from mculora.modality import Modality
from pipeline.predicting.sources import Skipped

_ACCOUNT = ("corpus", "task", "class_names", "method", "seed", "fold", "validation_mean")


def to_json(
    timelines: Sequence[Timeline],
    skipped: Sequence[Skipped],
    bundle: Bundle,
    *,
    speech_recognition: str | None,
) -> str:
    """All predictions, what was skipped and what predicted them."""
    content = {
        "model": {key: bundle.provenance.get(key) for key in _ACCOUNT},
        "speech_recognition": speech_recognition,
        "recordings": [timeline.to_json() for timeline in timelines],
        "skipped": [{"file": one.name, "reason": one.reason} for one in skipped],
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(timelines: Sequence[Timeline], bundle: Bundle) -> str:
    """A line per utterance; what is not there is an empty cell."""
    names = list(bundle.class_names) or ["score"]
    rows = [_row(moment, names) for timeline in timelines for moment in timeline.moments]
    text = io.StringIO()
    writer = csv.DictWriter(text, _columns(names), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _columns(names: Sequence[str]) -> list[str]:
    return [
        *("file", "start", "end", "transcript", "label", *names),
        *(("low", "high") if names == ["score"] else ()),
        *("used", "mattered_most"),
        *(f"not_used_{m.word}" for m in Modality),
        *(f"without_{m.word}_{name}" for m in Modality for name in names),
    ]


def _row(moment: Moment, names: Sequence[str]) -> Mapping[str, Any]:
    prediction, mattered = moment.prediction, mattered_most(moment.prediction)
    row: dict[str, Any] = {
        "file": moment.file,
        "start": _rounded(moment.start_seconds),
        "end": _rounded(moment.end_seconds),
        "transcript": moment.transcript,
        "used": " ".join(m.word for m in prediction.used),
        "mattered_most": "" if mattered is None else mattered.word,
    }
    if prediction.used:
        row["label"] = prediction.label
        row |= dict(zip(names, map(_rounded, prediction.values.tolist()), strict=True))
    if prediction.interval:
        row |= {key: _rounded(getattr(prediction.interval, key)) for key in ("low", "high")}
    for modality, reason in prediction.absent.items():
        row[f"not_used_{modality.word}"] = reason
    for modality, values in prediction.without.items():
        for name, value in zip(names, values.tolist(), strict=True):
            row[f"without_{modality.word}_{name}"] = _rounded(value)
    return row


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 4)
