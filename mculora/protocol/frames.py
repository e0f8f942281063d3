"""Missing moments: of features that have a course in time, each moment is lost by its own coin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def draw_moments(
    lengths: Sequence[int], missing_rate: float, rng: np.random.Generator, *, is_all: bool
) -> list[NDArray[np.bool_]]:
    """Draw which moments of an utterance's sequences are kept, as LNLN's element-level rule does.

    Each moment is lost with probability `missing_rate`, which is the same for every modality.

    Args:
        lengths: T of each sequence, at least 1.
        missing_rate: From 0 to 1.
        rng: The source of chance.
        is_all: Whether the utterance has nothing beside these sequences. Then one moment, each as
            likely, is kept where all would be lost.

    Returns:
        (T,) bool for each sequence; of one that keeps nothing, the modality is absent.
    """
    ends = np.cumsum(lengths)
    kept = rng.random(ends[-1]) >= missing_rate
    survivor = rng.integers(ends[-1])
    if is_all and not kept.any():
        kept[survivor] = True
    return np.split(kept, ends[:-1])
