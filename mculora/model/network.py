"""The MCULoRA network: encoders, adapters, fusion and the auxiliary prediction (METHOD 1 to 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from mculora.errors import InputError
from mculora.modality import NUM_MODALITIES, Modality
from mculora.model.adapters import AdapterOutput, ModalityAdapters, joined
from mculora.model.encoder import EncoderOutput, UnimodalEncoder
from mculora.model.fusion import Part, Predictor, WeightMLP
from mculora.model.packing import PackedBatch, PresentUtterances, pack

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
        adapters: Where adapters read: the encoder's input (Figure 2), or also what the linear maps
            of every block read, each place with matrices of its own and all of them summed; `none`
            is the plain joint network that is the baseline.
        specific: R^{m,c} is the pure low-rank term, or the base R^m is added to it; `none` leaves
            the common adapter alone.
        weight_mlp: Whether w is predicted; otherwise w = 1.
    """

    widths: tuple[int, ...]
    outputs: int
    hidden: int = 256
    depth: int = 4
    heads: int = 2
    dropout: float = 0.5
    rank: int = 8
    adapter_alpha: float = 8.0
    adapters: Literal["none", "input", "every_layer"] = "input"
    specific: Literal["none", "lowrank", "with_base"] = "lowrank"
    weight_mlp: bool = True

    def __post_init__(self) -> None:
        if len(self.widths) != NUM_MODALITIES or min(self.widths) < 1:
            raise InputError("widths", found=str(self.widths), expected="three positive numbers")
        if self.hidden % self.heads:
            raise InputError(
                "model.hidden", found=str(self.hidden), expected=f"a multiple of {self.heads} heads"
            )

    @property
    def has_adapters(self) -> bool:
        """Whether there are adapters at all."""
        return self.adapters != "none"

    @property
    def has_specific(self) -> bool:
        """Whether combinations have adapters of their own."""
        return self.has_adapters and self.specific != "none"


@dataclass(frozen=True)
class ModelOutput:
    """What the network says of n utterances; n_m of them have modality m.

    Attributes:
        prediction: Y, (n, K): scores or logits.
        common_prediction: Y^com, (n, K).
        weight: w in (0, 1), (n, 1); zeros without specific adapters.
        base: R^m per modality, (n_m, H).
        common: R^{m,com} per modality, (n_m, H); empty without adapters.
        specific: R^{m,c} per modality, (n_m, H); empty without specific adapters.
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
        for modality, width in zip(Modality, config.widths, strict=True):
            self.register_buffer(f"{modality.word}_mean", torch.zeros(width))
            self.register_buffer(f"{modality.word}_deviation", torch.ones(width))
        self.encoders = nn.ModuleList(
            UnimodalEncoder(
                w, config.hidden, depth=config.depth, heads=config.heads, dropout=config.dropout
            )
            for w in config.widths
        )
        if config.has_adapters:
            self.adapters = nn.ModuleList(_adapter_sites(config, m) for m in Modality)
        if config.has_specific and config.weight_mlp:
            self.weight = WeightMLP(config.hidden)
        self.predictor = Predictor(config.hidden, config.outputs, dropout=config.dropout)

    @torch.no_grad()
    def fit_normalisation(self, features: tuple[Tensor, ...], available: Tensor) -> None:
        """Take mean and deviation of each feature dimension from the training utterances.

        Args:
            features: (N, D_m) per modality.
            available: (N, M) bool; absent vectors do not count.
        """
        for modality in Modality:
            vectors = features[modality][available[:, modality].to(features[modality].device)]
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

    def encode(self, modality: Modality, inputs: Tensor, shown: PresentUtterances) -> EncoderOutput:
        """R^m of the utterances that have the modality, from normalised `inputs` (n_m, D_m)."""
        encoded: EncoderOutput = self.encoders[modality](inputs, shown.grid)
        return encoded

    def adapt(
        self, modality: Modality, inputs: Tensor, encoded: EncoderOutput, shown: PresentUtterances
    ) -> AdapterOutput:
        """What the modality's adapters add, over all places where they read."""
        read = (inputs, *encoded.read)
        outputs = [
            site(read[place], shown.combination, shown.used)
            for place, site in enumerate(self.sites(modality))
        ]
        common, specific = (
            joined([o.common for o in outputs]),
            joined([o.specific for o in outputs]),
        )
        return AdapterOutput(common, specific)

    def sites(self, modality: Modality) -> list[ModalityAdapters]:
        """The adapters of a modality, by the place where they read: the input, then each block."""
        sites = self.adapters[modality]
        assert isinstance(sites, nn.ModuleList)
        return [site for site in sites if isinstance(site, ModalityAdapters)]

    def forward(self, batch: PackedBatch) -> ModelOutput:
        """Predict from what is present; nothing that is absent is computed."""
        inputs = [self.normalise(m, batch.modalities[m].inputs) for m in Modality]
        encoded = [self.encode(m, inputs[m], batch.modalities[m]) for m in Modality]
        base = tuple(e.states for e in encoded)
        if not self.config.has_adapters:
            return self._without_specific(base, base, (), batch)
        adapted = [self.adapt(m, inputs[m], encoded[m], batch.modalities[m]) for m in Modality]
        common = tuple(a.common.dense() for a in adapted)
        fused = [b + c for b, c in zip(base, common, strict=True)]  # R^f
        if not self.config.has_specific:
            return self._without_specific(fused, base, common, batch)
        specific = tuple(a.specific.dense() for a in adapted)
        separate: list[Part] = [a.specific for a in adapted]  # R^s
        if self.config.specific == "with_base":
            specific = tuple(s + b for s, b in zip(specific, base, strict=True))
            separate = list(specific)
        common_prediction = self.predictor(fused, batch)
        if self.config.weight_mlp:
            weight = self.weight(separate, batch)
        else:
            weight = torch.ones_like(common_prediction[:, :1])
        prediction = common_prediction + weight * self.predictor(separate, batch)
        return ModelOutput(prediction, common_prediction, weight, base, common, specific)

    def predict(self, features: Sequence[Tensor], present: Tensor) -> Tensor:
        """Predict dialogues that are given as padded tensors.

        Args:
            features: (B, L, D_m) per modality; absent vectors change nothing.
            present: (B, L, M) bool, all False in the padding.

        Returns:
            (B, L, K); NaN in the padding.
        """
        shown = present.cpu().flatten(0, 1)
        rows = shown.any(1).nonzero()[:, 0]
        flat = [f.flatten(0, 1) for f in features]
        batch = pack(flat, rows, dialogue=rows // present.shape[1], present=shown[rows])
        predicted: Tensor = self(batch).prediction
        padded = predicted.new_full((len(shown), self.config.outputs), torch.nan)
        padded[rows.to(predicted.device)] = predicted
        return padded.view(*present.shape[:2], -1)

    def _without_specific(
        self,
        fused: Sequence[Tensor],
        base: tuple[Tensor, ...],
        common: tuple[Tensor, ...],
        batch: PackedBatch,
    ) -> ModelOutput:
        """The output where the common prediction is the only one."""
        prediction = self.predictor(fused, batch)
        weight = torch.zeros_like(prediction[:, :1])
        return ModelOutput(prediction, prediction, weight, base, common, ())


def _adapter_sites(config: NetworkConfig, modality: Modality) -> nn.ModuleList:
    """The adapters of one modality, for each place where they read."""
    widths = [config.widths[modality]]
    if config.adapters == "every_layer":
        widths += [config.hidden] * config.depth
    return nn.ModuleList(
        ModalityAdapters(
            modality,
            width,
            config.hidden,
            rank=config.rank,
            alpha=config.adapter_alpha,
            has_specific=config.has_specific,
        )
        for width in widths
    )
