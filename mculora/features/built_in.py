"""What the encoders without a model share: their whole work is done while an utterance is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from mculora.features.encoder import Encoded, Piece, Prepared
from mculora.features.identity import JSON, Level

_VECTOR = "vector"


class BuiltInEncoder:
    """An encoder whose cost is in `prepare`, which runs in many threads; see `Encoder`."""

    level = Level.UTTERANCE
    can_pad = True
    budget = 64  # vectors: nothing is computed of them any more

    def encode(self, pieces: Sequence[Piece]) -> list[Encoded]:
        """See `Encoder.encode`."""
        return [Encoded(piece.inputs[_VECTOR][None]) for piece in pieces]


def in_one_piece(vector: torch.Tensor, facts: Mapping[str, JSON] | None = None) -> Prepared:
    """An utterance that is its vector (D,) already, with what was seen on the way."""
    return Prepared((Piece({_VECTOR: vector}, length=1),), facts or {})
