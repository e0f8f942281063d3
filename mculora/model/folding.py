"""A trained network with its adapters folded into what reads them, so that a combination is cheap.

Representations are read by linear maps alone: fusion, classifier and the first layer of the weight.
A map W of base + B A x is W base + (W B) (A x), and W B is formed once. So what utterances share is
mapped once for all combinations, and a combination of its own costs products of rank R.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mculora.errors import InputError
from mculora.modality import NUM_MODALITIES, Modality, ModalityCombination
from mculora.model.adapters import LowRankAdapter
from mculora.model.fusion import FusedLinear
from mculora.model.network import LARGEST_DEVIATION, MCULoRA
from mculora.model.packing import Grid, grid_of


@dataclass(frozen=True)
class FoldedStates:
    """What n utterances of one modality, or of several one after another, add to a prediction.

    Attributes:
        fused: (n, F), R^f as fusion and classifier map it, F = M H + K.
        base: (n, O), R^m as everything maps it that reads R^s, O = F or F + H; None where R^s is
            without the base.
        low_rank: (n, U, S R), what the specific adapters of U combinations make of what they read
            at S places.
    """

    fused: Tensor
    base: Tensor | None
    low_rank: Tensor

    @classmethod
    def joined(cls, parts: Sequence[FoldedStates]) -> FoldedStates:
        """Put the utterances of several modalities one after another."""
        bases = [part.base for part in parts if part.base is not None]
        return cls(
            fused=torch.cat([part.fused for part in parts]),
            base=torch.cat(bases) if bases else None,
            low_rank=torch.cat([part.low_rank for part in parts]),
        )


@dataclass(frozen=True)
class PredictionParts:
    """What a prediction of n utterances is made of: `common + weight * specific`.

    Attributes:
        common: Y^com, (n, K).
        specific: Y^s, (n, K); None without specific adapters.
        weight: w in (0, 1), (n, 1); ones without a weight MLP, zeros without specific adapters.
    """

    common: Tensor
    specific: Tensor | None
    weight: Tensor

    @property
    def whole(self) -> Tensor:
        """Y, (n, K)."""
        if self.specific is None:
            return self.common
        return self.common + self.weight * self.specific


class FoldedNetwork(nn.Module):
    """The evaluation form of a network for some modality combinations; to keep one, see `fold`.

    It has the encoders of the modalities and the specific adapters of the combinations that it
    serves, and no others. The encoders are the network's own, their mode included; all else is
    made from the network as it is now and learns nothing.

    Args:
        network: What is folded.
        combinations: At least one.

    Attributes:
        combinations: What it serves, in order.
        modalities: What these contain, in column order.
    """

    bias: Tensor
    classifier: Tensor

    @torch.no_grad()
    def __init__(self, network: MCULoRA, combinations: Sequence[ModalityCombination]) -> None:
        super().__init__()
        config = network.config
        self.has_specific = config.has_specific
        self.has_weight = config.has_specific and config.weight_mlp
        self.combinations = tuple(c for c in ModalityCombination if c in combinations)
        owners = {m: [c for c in self.combinations if c.contains(m)] for m in Modality}
        self.modalities = tuple(m for m in Modality if owners[m])
        num_slots = max(len(own) for own in owners.values())
        readers = {m: _readers(network, m) for m in self.modalities}
        self.parts = nn.ModuleDict()
        for m in self.modalities:
            self.parts[m.word] = _FoldedModality(
                network, m, readers=readers[m], owners=owners[m], num_slots=num_slots
            )
        self.width = NUM_MODALITIES * config.hidden
        biases = [reader.bias.detach() for reader in _reading(network)]
        self.register_buffer("bias", torch.cat(biases))
        classifier = [network.predictor.classifier.weight_of(m) for m in Modality]
        self.register_buffer("classifier", torch.cat(classifier, 1).T)  # (M H, K)
        if self.has_weight:
            self.weigh = network.weight.second
        for c in self.combinations if self.has_specific else ():
            ups = {m: _up(site.of(c) for site in network.sites(m)) for m in c.modalities}
            mapped = [(readers[m] @ ups[m]).T for m in c.modalities]
            self.register_buffer(f"{c.word}_up", torch.cat(mapped))  # (|c| S R, O)
            slots = [owners[m].index(c) for m in c.modalities]
            self.register_buffer(f"{c.word}_slots", torch.tensor(slots, device=self.bias.device))

    def states(self, modality: Modality, inputs: Tensor, grid: Grid) -> FoldedStates:
        """Encode the utterances that have a modality, for all combinations.

        Args:
            modality: One of `modalities`.
            inputs: (n, D_m), features as the corpus has them.
            grid: Which dialogue each belongs to.
        """
        states: FoldedStates = self.parts[modality.word](inputs, grid)
        return states

    def predict(
        self, combination: ModalityCombination, states: FoldedStates, rows: Tensor
    ) -> Tensor:
        """Predict n utterances of one combination, (n, K); arguments as `predict_parts` has."""
        return self.predict_parts(combination, states, rows).whole

    def predict_parts(
        self, combination: ModalityCombination, states: FoldedStates, rows: Tensor
    ) -> PredictionParts:
        """Predict n utterances of one combination and say what the prediction is made of.

        Args:
            combination: One of `combinations`.
            states: Of all its modalities.
            rows: (n, |c|) int64, where each utterance's modalities stand in `states`.
        """
        num_fused = states.fused.shape[1]
        fused = _sum_of(states.fused, rows) + self.bias[:num_fused]
        common = self._head(fused)
        if not self.has_specific:
            return PredictionParts(common, None, torch.zeros_like(common[:, :1]))
        num_slots = states.low_rank.shape[1]
        cells = rows * num_slots + self.get_buffer(f"{combination.word}_slots")
        low_rank = functional.embedding(cells, states.low_rank.flatten(0, 1)).flatten(1)
        up = self.get_buffer(f"{combination.word}_up")
        separate = torch.addmm(self.bias, low_rank, up)
        if states.base is not None:
            separate += _sum_of(states.base, rows)
        own = self._head(separate[:, :num_fused])
        if not self.has_weight:
            return PredictionParts(common, own, torch.ones_like(common[:, :1]))
        weight = self.weigh(separate[:, num_fused:].relu()).sigmoid()
        return PredictionParts(common, own, weight)

    @torch.no_grad()
    def forward(self, features: Sequence[Tensor], dialogue: Tensor) -> Tensor:
        """Predict utterances of the one combination that is served.

        Args:
            features: (n, D_m) per modality of the combination, in column order.
            dialogue: (n,) int64 on the CPU, each one's dialogue; equal numbers stand together.

        Returns:
            (n, K).

        Raises:
            InputError: Several combinations are served.
        """
        if len(self.combinations) > 1:
            found = " ".join(c.word for c in self.combinations)
            raise InputError("folded network", found=found, expected="one modality combination")
        grid, num = grid_of(dialogue, features[0].device), len(dialogue)
        parts = [self.states(m, f, grid) for m, f in zip(self.modalities, features, strict=True)]
        rows = torch.arange(num * len(parts), device=features[0].device).view(len(parts), num).T
        return self.predict(self.combinations[0], FoldedStates.joined(parts), rows.contiguous())

    def _head(self, mapped: Tensor) -> Tensor:
        """Classify what fusion and classifier have made of a representation; overwrites it."""
        fused, direct = mapped[:, : self.width], mapped[:, self.width :]
        return torch.addmm(direct, fused.relu_(), self.classifier)


class _FoldedModality(nn.Module):
    """One modality's encoder, what its adapters read, and the maps that read what comes out."""

    mean: Tensor
    deviation: Tensor
    readers: Tensor
    common_up: Tensor

    def __init__(
        self,
        network: MCULoRA,
        modality: Modality,
        *,
        readers: Tensor,
        owners: Sequence[ModalityCombination],
        num_slots: int,
    ) -> None:
        super().__init__()
        config = network.config
        self.has_base = config.has_specific and config.specific == "with_base"
        self.num_fused = NUM_MODALITIES * config.hidden + config.outputs
        self.num_slots = num_slots if config.has_specific else 0
        self.rank = config.rank
        self.encoder = network.encoders[modality]
        self.register_buffer("mean", network.get_buffer(f"{modality.word}_mean").clone())
        self.register_buffer("deviation", network.get_buffer(f"{modality.word}_deviation").clone())
        fused_readers = readers[: self.num_fused]
        self.register_buffer("readers", (readers if self.has_base else fused_readers).T)
        sites = network.sites(modality) if config.has_adapters else []
        self.num_sites = len(sites)
        for place, site in enumerate(sites):
            adapters = [site.common, *(site.of(c) for c in owners if config.has_specific)]
            down = torch.cat([adapter.down for adapter in adapters]) * site.scale
            lacking = (1 + self.num_slots) * config.rank - len(down)
            self.register_buffer(f"down_{place}", functional.pad(down, (0, 0, 0, lacking)).T)
        if sites:
            up = _up(site.common for site in sites)
            self.register_buffer("common_up", (fused_readers @ up).T)  # (S R, F)

    def forward(self, inputs: Tensor, grid: Grid) -> FoldedStates:
        scaled = ((inputs - self.mean) / self.deviation).clamp(
            -LARGEST_DEVIATION, LARGEST_DEVIATION
        )
        encoded = self.encoder(scaled, grid)
        mapped = encoded.states @ self.readers
        if not self.num_sites:
            return FoldedStates(mapped, None, mapped.new_empty(len(mapped), 0, 0))
        read = (scaled, *encoded.read)
        lows = [read[s] @ self.get_buffer(f"down_{s}") for s in range(self.num_sites)]
        by_adapter = [low.unflatten(1, (1 + self.num_slots, self.rank)) for low in lows]
        low_rank = torch.cat(by_adapter, 2)  # (n, 1 + U, S R)
        common, specific = low_rank[:, 0], low_rank[:, 1:]
        if self.has_base:
            fused = torch.addmm(mapped[:, : self.num_fused], common, self.common_up)
            return FoldedStates(fused, mapped, specific)
        return FoldedStates(mapped.addmm_(common, self.common_up), None, specific)


def fold(
    network: MCULoRA, combinations: Iterable[ModalityCombination] = ModalityCombination
) -> FoldedNetwork:
    """Fold a network's adapters into a copy that stands alone, in evaluation mode.

    For one combination this is what to serve: it costs what a plain network of its modalities does.

    Args:
        network: Stays as it is.
        combinations: What is to be served, at least one.
    """
    folded = FoldedNetwork(network, tuple(combinations))
    return deepcopy(folded).eval().requires_grad_(False)


def _reading(network: MCULoRA) -> list[FusedLinear]:
    """All maps that read representations: fusion, classifier, the first layer of the weight."""
    maps = [network.predictor.fusion, network.predictor.classifier]
    if network.config.has_specific and network.config.weight_mlp:
        maps.append(network.weight.first)
    return maps


def _readers(network: MCULoRA, modality: Modality) -> Tensor:
    """These maps for one modality, one above the other: (O, H)."""
    return torch.cat([reader.weight_of(modality) for reader in _reading(network)])


def _up(adapters: Iterable[LowRankAdapter]) -> Tensor:
    """The ups of some adapters side by side: (H, S R)."""
    return torch.cat(tuple(adapter.up for adapter in adapters), 1)


def _sum_of(table: Tensor, rows: Tensor) -> Tensor:
    """Sum rows of a (N, W) table: (n, k) row numbers to (n, W)."""
    total: Tensor = functional.embedding_bag(rows, table, mode="sum")
    return total
