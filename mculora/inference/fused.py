"""The network with its adapters merged: features -> what each utterance is, and why.

The modalities meet only in the fusion, so an utterance's prediction without one of its modalities
needs nothing encoded again: each encoder runs once, and every combination reads what comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from threadpoolctl import ThreadpoolController
from torch import Tensor

from mculora.inference.bundle import Bundle
from mculora.inference.prediction import Interval
from mculora.modality import ABSENT, Modality, ModalityCombination, combination_index
from mculora.model.folding import FoldedStates, fold
from mculora.model.packing import grid_of

SMALL = 32
"""So many utterances, or fewer, are predicted in one thread."""


@dataclass
class FusedOutput:
    """What the network says of one utterance.

    Attributes:
        values: (K,) on the CPU: the score or the calibrated probabilities; NaN for nothing present.
        interval: Of a score.
        without: The values had one of the present modalities been left out.
    """

    values: Tensor
    interval: Interval | None = None
    without: dict[Modality, Tensor] = field(default_factory=dict)


class Fused:
    """A bundle's network, merged for all seven combinations at once.

    Each combination's merged matrices are made here, once; see `mculora.model.folding`.

    Args:
        bundle: Whose network.
        device: Where it computes.
    """

    def __init__(self, bundle: Bundle, device: torch.device) -> None:
        self._bundle, self._device = bundle, device
        self._folded = fold(bundle.network).to(device)
        self._threads = ThreadpoolController()  # knows torch's, which is imported

    @torch.inference_mode()
    def predict(
        self, features: Sequence[Tensor], present: Tensor, dialogue: Tensor
    ) -> list[FusedOutput]:
        """Predict n utterances of some dialogues.

        Args:
            features: (n, D_m) per modality; absent ones change nothing.
            present: (n, M) bool on the CPU.
            dialogue: (n,) int64 on the CPU, each one's dialogue; equal numbers stand together.
        """
        nothing = torch.full((self._bundle.network.config.outputs,), torch.nan)
        outputs = [FusedOutput(nothing) for _ in range(len(present))]
        wanted = _wanted(combination_index(present).tolist())
        if not wanted:
            return outputs
        with self._in_few_threads(len(present)):
            places, states = self._encode(features, present, dialogue)
            for combination, shares in wanted.items():
                rows = torch.tensor([share.row for share in shares])
                at = places[rows][:, list(combination.modalities)].to(self._device)
                values = self._values(combination, self._folded.predict(combination, states, at))
                half = self._bundle.half_width(combination)
                for share, value in zip(shares, values.unbind(), strict=True):
                    _note(outputs[share.row], share, value, half)
        return outputs

    def _in_few_threads(self, num_utterances: int) -> AbstractContextManager[object]:
        """Compute small products in one thread: several wait for each other, above all if busy."""
        if num_utterances > SMALL or self._device.type != "cpu":
            return nullcontext()
        limit: AbstractContextManager[object] = self._threads.limit(limits=1, user_api="openmp")
        return limit

    def _encode(
        self, features: Sequence[Tensor], present: Tensor, dialogue: Tensor
    ) -> tuple[Tensor, FoldedStates]:
        """Run each encoder once; where (n, M) each utterance stands in the states."""
        places = torch.full(present.shape, ABSENT)
        parts, num = [], 0
        for modality in Modality:
            rows = present[:, modality].nonzero()[:, 0]
            places[rows, modality] = torch.arange(len(rows)) + num
            num += len(rows)
            inputs = features[modality][rows.to(features[modality].device)].to(self._device)
            grid = grid_of(dialogue[rows], self._device)
            if len(rows):
                parts.append(self._folded.states(modality, inputs, grid))
        return places, FoldedStates.joined(parts)

    def _values(self, combination: ModalityCombination, outputs: Tensor) -> Tensor:
        """Scores, or calibrated probabilities, of one combination's outputs (n, K)."""
        if not self._bundle.class_names:
            return outputs.cpu()
        return (outputs / self._bundle.temperature(combination)).softmax(-1).cpu()


class _Share(NamedTuple):
    """What a combination's prediction of an utterance is: its own, or the one without a modality.

    Attributes:
        row: Which utterance.
        left_out: The modality that is present and not read.
    """

    row: int
    left_out: Modality | None


def _wanted(combinations: Sequence[int]) -> dict[ModalityCombination, list[_Share]]:
    """What is to be predicted under each combination, from each utterance's own."""
    wanted: dict[ModalityCombination, list[_Share]] = {}
    for row, index in enumerate(combinations):
        if index == ABSENT:
            continue
        own = ModalityCombination(index)
        wanted.setdefault(own, []).append(_Share(row, None))
        for modality, rest in _RESTS[own].items():
            wanted.setdefault(rest, []).append(_Share(row, modality))
    return wanted


def _rests(combination: ModalityCombination) -> dict[Modality, ModalityCombination]:
    """What is left of a combination without each of its modalities, if anything is."""
    flags = {m: tuple(combination.contains(o) and o is not m for o in Modality) for m in Modality}
    return {
        m: ModalityCombination.from_presence(flags[m])
        for m in combination.modalities
        if any(flags[m])
    }


_RESTS = {c: _rests(c) for c in ModalityCombination}


def _note(output: FusedOutput, share: _Share, value: Tensor, half_width: float | None) -> None:
    """Keep a value as the utterance's own, or as what it were without a modality."""
    if share.left_out is not None:
        output.without[share.left_out] = value
        return
    output.values = value
    if half_width is not None and len(value) == 1:
        score = float(value[0])
        output.interval = Interval(score - half_width, score + half_width)
