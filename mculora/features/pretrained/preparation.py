"""What lies between utterances and a network: pieces before it, vectors after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import torch

from mculora.features.encoder import Encoded, Piece, Prepared
from mculora.features.identity import JSON
from mculora.features.observation import Observation
from mculora.features.outcome import Absence


class Preparation(Protocol):
    """How one modality goes into a network of one kind and comes out of it.

    Attributes:
        settings: What of it changes the numbers.
        can_pad: See `Encoder`.
        budget: See `Encoder`; for a network of a certain width on a certain device.
    """

    settings: Mapping[str, JSON]
    can_pad: bool
    budget: int

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """See `Encoder.prepare`."""
        ...

    def collate(self, pieces: Sequence[Piece], device: torch.device) -> dict[str, torch.Tensor]:
        """Make the network's input of a batch, on the device."""
        ...

    def pool(self, states: torch.Tensor, pieces: Sequence[Piece]) -> list[Encoded]:
        """Make of a batch's states (B, T, D) what stands for each piece."""
        ...
