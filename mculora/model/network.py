"""The MCULoRA network: encoders, adapters, fusion and the auxiliary prediction (METHOD 1 to 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from mculora.errors import InputError
from mculora.modality import NUM_MODALITIES, Modality, combination_index
from mculora.model.adapters import AdapterOutput, ModalityAdapters
from mculora.model.encoder import UnimodalEncoder

SMALLEST_DEVIATION = 1e-4
"""Feature dimensions that vary less than this over the training utterances are not scaled up."""

LARGEST_DEVIATION = 5.0
"""How far, in deviations, a scaled feature may lie from the mean."""


@dataclass(frozen=True)
class NetworkConfig:
    """The dimensions and variants of the network.

    Attributes:
        widths: D_m in column order.
        outputs: K; 1 for a score.
        hidden: H.
        depth: Blocks per encoder.
        heads: Attention heads.
        dropout: In [0, 1).
        rank: R.
        adapter_alpha: Adapters are scaled by `adapter_alpha / rank`.
        specific: R^{m,c} is the pure low-rank term, or the base R^m is added to it.
        weight_mlp: Whether w is predicted; otherwise w = 1.
        adapters: False for the plain joint network that is the baseline.
    """

    widths: tuple[int, ...]
    outputs: int
    hidden: int = 256
    depth: int = 4
    heads: int = 2
    dropout: float = 0.5
    rank: int = 8
    adapter_alpha: float = 8.0
    specific: Literal["lowrank", "with_base"] = "lowrank"
    weight_mlp: bool = True
    adapters: bool = True

    def __post_init__(self) -> None:
        if len(self.widths) != NUM_MODALITIES or min(self.widths) < 1:
            raise InputError("widths", found=str(self.widths), expected="three positive numbers")
        if self.hidden % self.heads:
            raise InputError(
                "model.hidden", found=str(self.hidden), expected=f"a multiple of {self.heads} heads"
            )


@dataclass(frozen=True)
class ModelOutput:
    """What the network says of B dialogues of L utterances.

    Attributes:
        prediction: Y, (B, L, K): scores or logits; meaningless in the padding.
        common_prediction: Y^com, (B, L, K).
        weight: w in (0, 1), (B, L, 1); zeros without adapters.
        base: R^m per modality, (B, L, H), zero where absent.
        common: R^{m,com} per modality; empty without adapters.
        specific: R^{m,c} per modality; empty without adapters.
    """

    prediction: Tensor
    common_prediction: Tensor
    weight: Tensor
    base: tuple[Tensor, ...]
    common: tuple[Tensor, ...]
    specific: tuple[Tensor, ...]


class MCULoRA(nn.Module):
    """One network for all seven modality combinations (arXiv 2507.11202, Figure 2)."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        self.config = config
        hidden, fused = config.hidden, NUM_MODALITIES * config.hidden
        for modality, width in zip(Modality, config.widths, strict=True):
            self.register_buffer(f"{modality.word}_mean", torch.zeros(width))
            self.register_buffer(f"{modality.word}_deviation", torch.ones(width))
        self.encoders = nn.ModuleList(
            UnimodalEncoder(
                w, hidden, depth=config.depth, heads=config.heads, dropout=config.dropout
            )
            for w in config.widths
        )
        if config.adapters:
            self.adapters = nn.ModuleList(
                ModalityAdapters(m, w, hidden, rank=config.rank, alpha=config.adapter_alpha)
                for m, w in zip(Modality, config.widths, strict=True)
            )
        if config.adapters and config.weight_mlp:
            self.weight = nn.Sequential(
                nn.Linear(fused, hidden), nn.ReLU(), nn.Linear(hidden, 1), nn.Sigmoid()
            )
        self.fusion = nn.Linear(fused, fused)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(fused, config.outputs)

    @torch.no_grad()
    def fit_normalisation(self, features: tuple[Tensor, ...], available: Tensor) -> None:
        """Take mean and deviation of each feature dimension from the training utterances.

        Args:
            features: (N, D_m) per modality.
            available: (N, M) bool; absent vectors do not count.
        """
        for modality in Modality:
            vectors = features[modality][available[:, modality]]
            if len(vectors) < 2:
                continue
            deviation = vectors.std(0)
            deviation[deviation < SMALLEST_DEVIATION] = 1.0
            self.get_buffer(f"{modality.word}_mean").copy_(vectors.mean(0))
            self.get_buffer(f"{modality.word}_deviation").copy_(deviation)

    def normalise(self, modality: Modality, features: Tensor) -> Tensor:
        """Scale features (…, D_m) to zero mean and unit deviation over the training utterances.

        What lies further than `LARGEST_DEVIATION` from the mean is moved there: a recording unlike
        the training corpus must not drown everything else.
        """
        mean = self.get_buffer(f"{modality.word}_mean")
        scaled = (features - mean) / self.get_buffer(f"{modality.word}_deviation")
        return scaled.clamp(-LARGEST_DEVIATION, LARGEST_DEVIATION)

    def encode(self, features: tuple[Tensor, ...], present: Tensor) -> tuple[Tensor, ...]:
        """R^m for every modality: (B, L, H) each, zero where `present` (B, L, M) is False."""
        return tuple(
            self.encoders[m](self.normalise(m, features[m]), present[..., m]) for m in Modality
        )

    def forward(
        self,
        features: tuple[Tensor, ...],
        present: Tensor,
        base: tuple[Tensor, ...] | None = None,
    ) -> ModelOutput:
        """Predict from what is present.

        Args:
            features: (B, L, D_m) per modality; absent vectors change nothing.
            present: (B, L, M) bool, all False in the padding.
            base: R^m if it is known already: under a fixed combination the encoders never see
                more than their own modality, so one pass of theirs serves all seven.
        """
        if base is None:
            base = self.encode(features, present)
        else:
            base = tuple(base[m] * present[..., m, None] for m in Modality)
        if not self.config.adapters:
            prediction = self._predict(torch.cat(base, -1))
            weight = torch.zeros_like(prediction[..., :1])
            return ModelOutput(prediction, prediction, weight, base, (), ())
        adapted = [self._adapt(m, features[m], present) for m in Modality]
        common = tuple(a.common for a in adapted)
        specific = tuple(a.specific for a in adapted)
        if self.config.specific == "with_base":
            specific = tuple(s + b for s, b in zip(specific, base, strict=True))
        fused = torch.cat([b + c for b, c in zip(base, common, strict=True)], -1)  # R^f
        separate = torch.cat(specific, -1)  # R^s
        common_prediction = self._predict(fused)
        if self.config.weight_mlp:
            weight = self.weight(separate)
        else:
            weight = torch.ones_like(common_prediction[..., :1])
        prediction = common_prediction + weight * self._predict(separate)
        return ModelOutput(prediction, common_prediction, weight, base, common, specific)

    def _adapt(self, modality: Modality, features: Tensor, present: Tensor) -> AdapterOutput:
        """Both adapters' outputs as (B, L, H), zero where the modality is absent."""
        where = present[..., modality]
        inputs = self.normalise(modality, features[where])
        output = self.adapters[modality](inputs, combination_index(present)[where])
        common = inputs.new_zeros(*where.shape, self.config.hidden)
        specific = torch.zeros_like(common)
        common[where], specific[where] = output.common, output.specific
        return AdapterOutput(common, specific)

    def _predict(self, fused: Tensor) -> Tensor:
        """cls(h(x)) with h(x) = x + Dropout(ReLU(W x)), (…, 3 H) -> (…, K)."""
        prediction: Tensor = self.classifier(fused + self.dropout(self.fusion(fused).relu()))
        return prediction
