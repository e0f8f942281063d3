"""GCNet's rule for missing modalities at a given rate, which it took from CPM-Net."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mculora.modality import NUM_MODALITIES

TOLERANCE = 0.005
"""How far the realised rate may be from the nominal one."""
_SMALLEST_DRAW = 32
_MOST_ATTEMPTS = 1000

Presence = NDArray[np.bool_]


def draw_gcnet(num_utterances: int, missing_rate: float, rng: np.random.Generator) -> Presence:
    """Draw presence (N, M) bool for a missing rate, a fraction from 0 to 0.7.

    Each utterance keeps one modality for certain. The others are added with one probability, in
    whole per cent, chosen so that the share of kept modalities comes to 1 - `missing_rate`: once
    without and once with regard to additions that fall on what is kept anyway. A draw counts if its
    share is within `TOLERANCE`. Departure: after 1000 draws that do not count (a rate that whole
    per cents cannot reach, or few utterances) the closest is taken; the rule would not end.
    """
    share = 1 - missing_rate
    if share <= 1 / NUM_MODALITIES + 1e-9:
        return _one_each(num_utterances, rng)
    if share == 1:
        return np.ones((num_utterances, NUM_MODALITIES), dtype=np.bool_)
    num_rows = max(num_utterances, _SMALLEST_DRAW)
    best, smallest_error = _one_each(num_rows, rng), np.inf
    for _ in range(_MOST_ATTEMPTS):
        candidate = _draw_once(num_rows, share, rng)
        error = abs(candidate.mean() - share)
        if error < smallest_error:
            best, smallest_error = candidate, error
        if error < TOLERANCE:
            break
    return best[:num_utterances]


def _draw_once(num_rows: int, share: float, rng: np.random.Generator) -> Presence:
    kept = _one_each(num_rows, rng)
    size = num_rows * NUM_MODALITIES
    wanted = size * share - num_rows
    overlap = int((_additions(num_rows, wanted / size, rng) & kept).sum())
    if overlap >= wanted:  # few rows, by bad luck: nothing to correct by
        return kept
    corrected = wanted / (1 - overlap / wanted)
    return kept | _additions(num_rows, corrected / size, rng)


def _one_each(num_rows: int, rng: np.random.Generator) -> Presence:
    return np.eye(NUM_MODALITIES, dtype=np.bool_)[rng.integers(NUM_MODALITIES, size=num_rows)]


def _additions(num_rows: int, probability: float, rng: np.random.Generator) -> Presence:
    additions: Presence = rng.integers(100, size=(num_rows, NUM_MODALITIES)) < int(
        probability * 100
    )
    return additions
