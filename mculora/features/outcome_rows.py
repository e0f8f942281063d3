"""What became of a group of utterances as one row of plain values, to travel between machines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from mculora.features.outcome import Absence, Extracted

Columns = dict[str, list[Any]]


def to_columns(extracted: Sequence[Extracted]) -> Columns:
    """A group as one row: vectors in one stretch of bytes, the rest beside them."""
    vectors = [one.outcome for one in extracted if isinstance(one.outcome, torch.Tensor)]
    reasons = [o.reason if isinstance(o := one.outcome, Absence) else "" for one in extracted]
    shapes = [
        list(o.shape) if isinstance(o := one.outcome, torch.Tensor) else [] for one in extracted
    ]
    flat = torch.cat([v.flatten() for v in vectors]) if vectors else torch.empty(0)
    return {
        "ids": [[one.utterance_id for one in extracted]],
        "reasons": [reasons],
        "shapes": [json.dumps(shapes)],
        "facts": [json.dumps([dict(one.facts) for one in extracted])],
        "features": [flat.numpy().astype("<f4").tobytes()],
    }


def from_row(row: Mapping[str, Any]) -> Iterator[Extracted]:
    """Read what `to_columns` gave."""
    flat = torch.from_numpy(np.frombuffer(row["features"], "<f4").copy())
    start = 0
    facts, shapes = json.loads(row["facts"]), json.loads(row["shapes"])
    for utterance_id, reason, seen, shape in zip(
        row["ids"], row["reasons"], facts, shapes, strict=True
    ):
        if not shape:
            yield Extracted(str(utterance_id), Absence(str(reason), seen), seen)
            continue
        end = start + int(np.prod(shape))
        yield Extracted(str(utterance_id), flat[start:end].reshape(shape), seen)
        start = end
