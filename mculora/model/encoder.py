"""The unimodal encoder Enc_m: transformer blocks over the utterances of a dialogue (METHOD 1)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    """A pre-norm transformer block with MLP ratio 1; utterances have no position."""

    def __init__(self, hidden: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(hidden)
        self.query_key_value = nn.Linear(hidden, 3 * hidden)
        self.attention_out = nn.Linear(hidden, hidden)
        self.mlp_norm = nn.LayerNorm(hidden)
        self.mlp = nn.Sequential(nn.Linear(hidden, hidden), nn.GELU(), nn.Linear(hidden, hidden))
        self.dropout = nn.Dropout(dropout)

    def forward(self, states: Tensor, valid: Tensor) -> Tensor:
        """Map (B, L, H) to (B, L, H); only `valid` (B, L) utterances are attended to."""
        num, length, hidden = states.shape
        joint = self.query_key_value(self.attention_norm(states))
        joint = joint.view(num, length, 3, self.heads, hidden // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = joint.unbind(0)  # each (B, heads, L, H / heads)
        seen = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=valid[:, None, None, :]
        )
        seen = seen.transpose(1, 2).reshape(num, length, hidden)
        states = states + self.dropout(self.attention_out(seen))
        mixed: Tensor = states + self.dropout(self.mlp(self.mlp_norm(states)))
        return mixed


class UnimodalEncoder(nn.Module):
    """Enc_m: a linear map D -> H and `depth` blocks over the dialogue.

    Args:
        width: D, feature width.
        hidden: H, a multiple of `heads`.
        depth: Number of blocks.
        heads: Attention heads.
        dropout: Probability, in [0, 1).
    """

    def __init__(self, width: int, hidden: int, *, depth: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.hidden = hidden
        self.project = nn.Linear(width, hidden)
        self.blocks = nn.ModuleList(
            Block(hidden, heads=heads, dropout=dropout) for _ in range(depth)
        )
        self.norm = nn.LayerNorm(hidden)

    def forward(self, inputs: Tensor, present: Tensor) -> Tensor:
        """Encode the utterances where the modality is present; the others are exactly zero.

        Only present utterances are computed: they are moved to the front of their dialogue, and
        the rest is cut off. Nothing depends on an utterance's place, so this changes no result.

        Args:
            inputs: (B, L, D).
            present: (B, L) bool.

        Returns:
            R^m, (B, L, H).
        """
        states = inputs.new_zeros(*present.shape, self.hidden)
        counts = present.sum(1)
        dialogues = counts.nonzero()[:, 0]
        if not len(dialogues):
            return states
        longest = int(counts.max())
        order = torch.argsort((~present[dialogues]).byte(), dim=1, stable=True)[:, :longest]
        valid = torch.gather(present[dialogues], 1, order)
        taken = inputs[dialogues[:, None], order]
        packed = self.project(taken.masked_fill(~valid[..., None], 0.0))
        for block in self.blocks:
            packed = block(packed, valid)
        packed = self.norm(packed)
        rows, columns = valid.nonzero(as_tuple=True)
        states[dialogues[rows], order[rows, columns]] = packed[rows, columns]
        return states
