"""The unimodal encoder Enc_m: transformer blocks over the utterances of a dialogue (METHOD 1)."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from mculora.model.dropout import Dropout
from mculora.model.packing import Grid


@dataclass(frozen=True)
class EncoderOutput:
    """What an encoder makes of n utterances.

    Attributes:
        states: R^m, (n, H).
        read: What the linear maps of each block read, `depth` times (n, H).
    """

    states: Tensor
    read: tuple[Tensor, ...]


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
        self.dropout = Dropout(dropout)

    def forward(self, states: Tensor, read: Tensor, grid: Grid) -> Tensor:
        """Map (n, H) to (n, H), utterances attending to those of their own dialogue.

        Args:
            states: (n, H).
            read: (n, H), the normalised states: `attention_norm(states)`.
            grid: Which dialogue each belongs to.
        """
        states = states + self.dropout(self.attention_out(self._attend(read, grid)))
        mixed: Tensor = states + self.dropout(self.mlp(self.mlp_norm(states)))
        return mixed

    def _attend(self, read: Tensor, grid: Grid) -> Tensor:
        """Attention over each dialogue; only here are dialogues padded."""
        hidden = read.shape[1]
        if grid.is_trivial:  # who is alone sees itself: queries and keys decide nothing
            weight, bias = self.query_key_value.weight, self.query_key_value.bias
            return functional.linear(read, weight[2 * hidden :], bias[2 * hidden :])
        num, longest = grid.valid.shape
        joint = self.query_key_value(read)
        padded = joint.new_zeros(num * longest, 3 * hidden).index_copy(0, grid.place, joint)
        split = padded.view(num, longest, 3, self.heads, hidden // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, L, H / heads)
        seen = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=grid.valid[:, None, None, :]
        )
        return seen.transpose(1, 2).reshape(num * longest, hidden)[grid.place]


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

    def forward(self, inputs: Tensor, grid: Grid) -> EncoderOutput:
        """Encode the utterances where the modality is present; there are no others.

        Args:
            inputs: (n, D), normalised features.
            grid: Which dialogue each belongs to.
        """
        states = self.project(inputs)
        read = []
        for block in self.blocks:
            assert isinstance(block, Block)
            read.append(block.attention_norm(states))
            states = block(states, read[-1], grid) if len(inputs) else states
        return EncoderOutput(self.norm(states), tuple(read))
