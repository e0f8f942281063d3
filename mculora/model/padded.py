"""The network as one function of padded tensors without a branch, for runtimes that have no Python.

Everything is computed in every cell, and what is absent is made zero: the packed form
(`mculora.model.network`) computes less and is what training and predicting use; the outputs agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mculora.modality import Modality, ModalityCombination
from mculora.model.adapters import LowRankAdapter
from mculora.model.encoder import Block, UnimodalEncoder
from mculora.model.fusion import FusedLinear
from mculora.model.network import LARGEST_DEVIATION, MCULoRA

_UNSEEN = -1e30
"""Added to the score of a key that is not seen; finite, so that a row without keys is no NaN."""


class PaddedNetwork(nn.Module):
    """The evaluation form of a network for dialogues padded to one length.

    Args:
        network: Whose encoders and fusion these are; its adapters are copied side by side.
    """

    def __init__(self, network: MCULoRA) -> None:
        super().__init__()
        config = network.config
        self.has_specific = config.has_specific
        self.parts = nn.ModuleList(_PaddedModality(network, m) for m in Modality)
        self.fusion, self.classifier = network.predictor.fusion, network.predictor.classifier
        self.weight = network.weight if config.has_specific and config.weight_mlp else None
        self.eval()

    def forward(self, audio: Tensor, text: Tensor, visual: Tensor, present: Tensor) -> Tensor:
        """Predict B dialogues of at most L utterances.

        Args:
            audio: (B, L, D_a) features as the corpus has them; absent ones change nothing.
            text: (B, L, D_t).
            visual: (B, L, D_v).
            present: (B, L, M) bool, all False in the padding.

        Returns:
            (B, L, K): scores or logits; NaN where nothing is present.
        """
        outputs = [
            part(features, present)
            for part, features in zip(self.parts, (audio, text, visual), strict=True)
        ]
        prediction = self._head([output.fused for output in outputs])
        if self.has_specific:
            own = [output.separate for output in outputs]
            specific = self._head(own)
            if self.weight is not None:
                read = _over(self.weight.first, own).relu()
                specific = self.weight.second(read).sigmoid() * specific
            prediction = prediction + specific
        return prediction.masked_fill(~present.any(-1, keepdim=True), torch.nan)

    def _head(self, parts: list[Tensor]) -> Tensor:
        """Fuse and classify one representation, (B, L, H) per modality, to (B, L, K)."""
        fused = _over(self.fusion, parts).relu()
        through = fused @ torch.cat([self.classifier.weight_of(m) for m in Modality], 1).T
        return _over(self.classifier, parts) + through


@dataclass(frozen=True)
class _Representations:
    """One modality's parts of R^f and R^s, (B, L, H) each; `separate` only with specific ones."""

    fused: Tensor
    separate: Tensor


class _PaddedModality(nn.Module):
    """One modality's encoder and adapters on padded dialogues."""

    mean: Tensor
    deviation: Tensor
    owned: Tensor

    @torch.no_grad()
    def __init__(self, network: MCULoRA, modality: Modality) -> None:
        super().__init__()
        config = network.config
        encoder = network.encoders[modality]
        assert isinstance(encoder, UnimodalEncoder)
        self.encoder, self.column, self.rank = encoder, int(modality), config.rank
        self.register_buffer("mean", network.get_buffer(f"{modality.word}_mean").clone())
        self.register_buffer("deviation", network.get_buffer(f"{modality.word}_deviation").clone())
        owners = [c for c in ModalityCombination if c.contains(modality)]
        owned = torch.tensor([c.presence for c in owners]).repeat_interleave(config.rank, 0)
        self.register_buffer("owned", owned)  # (4 R, M), the combination of each specific state
        sites = network.sites(modality) if config.has_adapters else []
        self.num_sites, self.has_specific = len(sites), config.has_specific
        self.has_base = config.specific == "with_base"
        for place, site in enumerate(sites):
            self._copy(f"common_{place}", [site.common], site.scale)
            if config.has_specific:
                self._copy(f"specific_{place}", [site.of(c) for c in owners], site.scale)

    def _copy(self, name: str, adapters: list[LowRankAdapter], scale: float) -> None:
        """Keep adapters side by side: (D, r) and (r, H)."""
        down = torch.cat([adapter.down for adapter in adapters]) * scale
        self.register_buffer(f"{name}_down", down.T.contiguous())
        self.register_buffer(f"{name}_up", torch.cat([a.up for a in adapters], 1).T.contiguous())

    def forward(self, features: Tensor, present: Tensor) -> _Representations:
        """Represent (B, L, D) features, zero where they are absent."""
        shown = present[..., self.column, None]  # (B, L, 1)
        scaled = (torch.where(shown, features, 0.0) - self.mean) / self.deviation
        read, states = self._encode(scaled.clamp(-LARGEST_DEVIATION, LARGEST_DEVIATION), shown)
        base = torch.where(shown, states, 0.0)
        is_own = (present[..., None, :] == self.owned).all(-1)  # (B, L, 4 R)
        fused = base + self._adapt("common", read, shown)
        if not self.has_specific:
            return _Representations(fused, fused)
        separate = self._adapt("specific", read, is_own)
        return _Representations(fused, separate + base if self.has_base else separate)

    def _adapt(self, name: str, read: list[Tensor], is_used: Tensor) -> Tensor:
        """What adapters of a name add over all places, from those states that are used."""
        total = torch.zeros_like(read[0][..., :1])
        for place in range(self.num_sites):
            low_rank = read[place] @ self.get_buffer(f"{name}_{place}_down")
            used = torch.where(is_used, low_rank, 0.0)
            total = total + used @ self.get_buffer(f"{name}_{place}_up")
        return total

    def _encode(self, inputs: Tensor, shown: Tensor) -> tuple[list[Tensor], Tensor]:
        """What adapters may read, the input and then each block's, and what comes out."""
        states = self.encoder.project(inputs)
        unseen = torch.where(shown, 0.0, _UNSEEN).transpose(1, 2)[:, None]  # (B, 1, 1, L)
        read = [inputs]
        for block in self.encoder.blocks:
            assert isinstance(block, Block)
            read.append(block.attention_norm(states))
            states = states + block.attention_out(_attend(block, read[-1], unseen))
            states = states + block.mlp(block.mlp_norm(states))
        return read, self.encoder.norm(states)


def _attend(block: Block, read: Tensor, unseen: Tensor) -> Tensor:
    """Attention of each utterance (B, L, H) over those of its dialogue that are seen."""
    joint = torch.unflatten(block.query_key_value(read), -1, (3, block.heads, -1))
    query, key, value = joint.permute(2, 0, 3, 1, 4).unbind(0)  # (B, heads, L, H / heads)
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + unseen
    seen: Tensor = (scores.softmax(-1) @ value).transpose(1, 2).flatten(-2)
    return seen


def _over(linear: FusedLinear, parts: list[Tensor]) -> Tensor:
    """Map the concatenation of the parts (B, L, H) to (B, L, O)."""
    weight = torch.cat([linear.weight_of(m) for m in Modality], 1)
    return torch.cat(parts, -1) @ weight.T + linear.bias
