"""The network with its adapters merged: features -> what each utterance is, and why.

The modalities meet only in the fusion, so an utterance's prediction without one of its modalities
needs nothing encoded again: each encoder runs once, and every combination reads what comes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from mculora.inference.bundle import Bundle
from mculora.inference.prediction import Interval
from mculora.modality import ABSENT, Modality, ModalityCombination, combination_index
from mculora.model.folding import FoldedStates, fold
from mculora.model.packing import grid_of


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
        own = combination_index(present)
        nothing = torch.full((self._bundle.network.config.outputs,), torch.nan)
        outputs = [FusedOutput(nothing) for _ in range(len(present))]
        if not bool(present.any()):
            return outputs
        places, states = self._encode(features, present, dialogue)
        for combination in ModalityCombination:
            whole = own == combination
            lacking = {
                m: own == ModalityCombination.from_presence(_with(combination, m))
                for m in Modality
                if not combination.contains(m)
            }
            rows = torch.stack([whole, *lacking.values()]).any(0).nonzero()[:, 0]
            if not len(rows):
                continue
            at = places[rows][:, list(combination.modalities)].to(self._device)
            values = self._values(combination, self._folded.predict(combination, states, at))
            for row, value in zip(rows.tolist(), values, strict=True):
                _note(outputs[row], value, [m for m, where in lacking.items() if where[row]])
        self._add_intervals(outputs, own)
        return outputs

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

    def _add_intervals(self, outputs: Sequence[FusedOutput], own: Tensor) -> None:
        for output, index in zip(outputs, own.tolist(), strict=True):
            if index == ABSENT or self._bundle.class_names:
                continue
            half = self._bundle.half_width(ModalityCombination(index))
            if half is not None:
                score = float(output.values[0])
                output.interval = Interval(score - half, score + half)


def _with(combination: ModalityCombination, modality: Modality) -> tuple[bool, ...]:
    """Presence of a combination and one modality more."""
    return tuple(combination.contains(m) or m is modality for m in Modality)


def _note(output: FusedOutput, value: Tensor, left_out: Sequence[Modality]) -> None:
    """Keep a value as the utterance's own, or as what it were without a modality."""
    if left_out:
        output.without[left_out[0]] = value
    else:
        output.values = value
