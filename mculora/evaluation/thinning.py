"""Test utterances with some of their moments lost: features are the mean over those that are left.

Modalities can be lost by a mask over the table; moments cannot, since what is left of a sequence
gives another vector. So each missing rate is a table of its own, of the same utterances.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mculora.batch import FeatureTable
from mculora.modality import Modality
from mculora.protocol.frames import draw_moments
from mculora.protocol.masks import named_generator

FRAMES = "frames-"
"""How the names of these conditions start; the nominal missing rate follows."""


@dataclass(frozen=True, eq=False)
class Thinned:
    """The test utterances at one missing rate of moments.

    Attributes:
        table: The same utterances; `available` where a moment is left.
        realised: The fraction of all moments that is lost.
        digest: SHA-256 (hex) of all that was kept.
    """

    table: FeatureTable
    realised: float
    digest: str


def thinned(
    table: FeatureTable,
    sequences: Mapping[Modality, Mapping[str, Tensor]],
    rates: Sequence[float],
    *,
    seed: int,
) -> dict[str, Thinned]:
    """Lose moments of every sequence, utterance by utterance.

    What is lost depends on seed, utterance and rate alone: not on the fold, nor on other rates.

    Args:
        table: The test utterances, on any device.
        sequences: By modality whose features have a course in time: (T, D_m) by utterance id.
        rates: Nominal missing rates.
        seed: Of the draws.

    Returns:
        By condition, `frames-0.3` and so on.
    """
    makings = {rate: _Making(table, tuple(sequences)) for rate in rates}
    for row, utterance in enumerate(table.ids):
        here = [m for m in sequences if table.available[row, m]]
        if not here:
            continue
        states = [sequences[m][utterance] for m in here]
        lengths = [len(state) for state in states]
        is_all = len(here) == int(table.available[row].sum())
        for rate, making in makings.items():
            rng = named_generator(seed, utterance, f"{FRAMES}{rate}")
            kept = draw_moments(lengths, rate, rng, is_all=is_all)
            for modality, state, moments in zip(here, states, kept, strict=True):
                making.take(row, modality, state[torch.from_numpy(moments)], len(state))
            making.digest.update(utterance.encode() + b"\0" + np.concatenate(kept).tobytes())
    return {f"{FRAMES}{rate}": making.result(table) for rate, making in makings.items()}


class _Making:
    """A table whose rows are replaced one by one."""

    def __init__(self, table: FeatureTable, modalities: Sequence[Modality]) -> None:
        self.features = {m: table.features[m].cpu().clone() for m in modalities}
        self.available = table.available.clone()
        self.digest = hashlib.sha256()
        self.num, self.num_kept = 0, 0

    def take(self, row: int, modality: Modality, left: Tensor, num: int) -> None:
        """Put the mean of what is left of `num` moments, (T, D), into a row."""
        self.num, self.num_kept = self.num + num, self.num_kept + len(left)
        self.available[row, modality] = bool(len(left))
        self.features[modality][row] = left.mean(0) if len(left) else 0.0

    def result(self, table: FeatureTable) -> Thinned:
        """The table that came of it."""
        features = tuple(
            self.features[m].to(table.features[m].device)
            if m in self.features
            else table.features[m]
            for m in Modality
        )
        made = replace(table, features=features, available=self.available)
        return Thinned(made, 1 - self.num_kept / max(1, self.num), self.digest.hexdigest())
