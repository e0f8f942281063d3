"""The plain way to train MCULoRA: in cost what the authors' published code does, written anew.

What it does, and what that costs:
- A batch is 32 dialogues in random order, padded to the longest, and every position is computed:
  3.3 times the utterances for MOSEI's lengths, 2.0 for IEMOCAP's.
- One combination is drawn for a whole batch; an absent modality is multiplied by zero and goes
  through its encoder all the same: 1.75 times the modalities that are needed.
- All seven specific adapters and the common one are computed for all positions, and one of the
  seven is used. As published ("layers") they stand at the input, at both maps of every block's MLP
  (with twice the rank) and at fusion and head, and the seven chains go through at full width, each
  with the base output inside. The blocks have neither norm nor output map, as there.
- Encoders are trained along with everything else.
- Evaluation is one full pass per combination, with the divergence that DPFT asks for.

Where the published code wastes more, this is kinder: no eighth adapter for the empty combination,
no divergences in training that nobody reads, fused attention, no search through folders.
"input" is kinder still: adapters at the input only, the encoder as if there were none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from mculora.modality import NUM_COMBINATIONS, NUM_MODALITIES, ModalityCombination
from mculora.model.network import NetworkConfig

Placement = Literal["layers", "input"]
ADAPTER_DROPOUT = 0.1


@dataclass(frozen=True)
class Dialogue:
    """L utterances: (L, D_m) float32 per modality, and (L,) scores."""

    features: tuple[Tensor, ...]
    labels: Tensor


@dataclass(frozen=True)
class PaddedBatch:
    """B dialogues padded to the longest: (B, L, D_m), and (B, L) labels and valid."""

    features: tuple[Tensor, ...]
    labels: Tensor
    valid: Tensor


@dataclass(frozen=True)
class PlainEvaluation:
    """By combination: (N, K) predictions, and the mean divergence of the two streams."""

    predictions: dict[str, Tensor]
    divergence: dict[str, float]


@dataclass(frozen=True)
class Streams:
    """The shared stream (B, L, H) and one per combination."""

    shared: Tensor
    specific: list[Tensor]


class AdaptedLinear(nn.Module):
    """W x with the common adapter on it, and W x + B^c A^c x^c for each of the seven."""

    def __init__(self, width: int, outputs: int, rank: int) -> None:
        super().__init__()
        self.base = nn.Linear(width, outputs)
        count = NUM_COMBINATIONS + 1
        self.down = nn.ParameterList(torch.randn(rank, width) / width**0.5 for _ in range(count))
        self.up = nn.ParameterList(torch.zeros(outputs, rank) for _ in range(count))

    def forward(self, inputs: Tensor, specific: Sequence[Tensor] | None = None) -> Streams:
        """All streams; without `specific` all of them start from the inputs."""
        base = self.base(inputs)
        dropped = functional.dropout(inputs, ADAPTER_DROPOUT, self.training)
        chains = [*(specific or [dropped] * NUM_COMBINATIONS), dropped]
        adapted = [
            base + chain @ down.T @ up.T
            for chain, down, up in zip(chains, self.down, self.up, strict=True)
        ]
        return Streams(adapted[-1], adapted[:-1])


class PassedLinear(nn.Linear):
    """W x; the specific streams go past it."""

    def forward(self, inputs: Tensor, specific: list[Tensor]) -> Streams:  # type: ignore[override]
        """Only the shared stream is mapped."""
        return Streams(super().forward(inputs), specific)


class PlainBlock(nn.Module):
    """Attention, then an MLP with ratio 1; its first residual starts from what was attended."""

    def __init__(self, config: NetworkConfig, placement: Placement) -> None:
        super().__init__()
        hidden = config.hidden
        self.heads = config.heads
        self.query, self.key, self.value = (nn.Linear(hidden, hidden) for _ in range(3))
        self.first = _linear(hidden, hidden, config.rank, placement)
        self.second = _linear(hidden, hidden, config.rank, placement)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, streams: Streams, present: Tensor) -> Streams:
        """Every position asks; only `present` (B, L) ones are attended to."""
        states = streams.shared
        query, key, value = (
            part(states).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        seen = functional.scaled_dot_product_attention(
            query, key, value, attn_mask=present[:, None, None, :]
        )
        seen = seen.transpose(1, 2).flatten(2)
        first = self.first(seen, streams.specific)
        second = self.second(self.dropout(functional.gelu(first.shared)), first.specific)
        return Streams(states + seen + self.dropout(second.shared), second.specific)


class PlainNetwork(nn.Module):
    """Three encoders, fusion and head; all adapters of all combinations in every pass."""

    def __init__(self, config: NetworkConfig, placement: Placement) -> None:
        super().__init__()
        fused, rank = NUM_MODALITIES * config.hidden, max(1, config.rank // 2)
        self.inputs = nn.ModuleList(
            AdaptedLinear(width, config.hidden, rank) for width in config.widths
        )
        self.encoders = nn.ModuleList(
            nn.ModuleList(PlainBlock(config, placement) for _ in range(config.depth))
            for _ in config.widths
        )
        self.fusion = _linear(fused, fused, rank, placement)
        self.head = AdaptedLinear(fused, config.outputs, rank)
        self.dropout = nn.Dropout(config.dropout)

    def encode(self, batch: PaddedBatch, combination: ModalityCombination) -> list[Streams]:
        """All streams of each modality; what is absent is zeros, and computed."""
        encoded = []
        for features, is_present, project, blocks in zip(
            batch.features, combination.presence, self.inputs, self.encoders, strict=True
        ):
            streams = project(features * float(is_present))
            streams = Streams(self.dropout(streams.shared), streams.specific)
            for block in blocks:  # type: ignore[attr-defined]
                streams = block(streams, batch.valid & is_present)
            encoded.append(streams)
        return encoded

    def predict(self, encoded: Sequence[Streams], combination: ModalityCombination) -> Tensor:
        """(B, L, K): the shared prediction, and that of the combination's own stream."""
        shared = torch.cat([streams.shared for streams in encoded], -1)
        parts = zip(*(streams.specific for streams in encoded), strict=True)
        fused = self.fusion(shared, [torch.cat(part, -1) for part in parts])
        hidden = shared + self.dropout(fused.shared.relu())
        heads = self.head(hidden, fused.specific)
        prediction: Tensor = heads.shared + heads.specific[combination]
        return prediction


def _linear(width: int, outputs: int, rank: int, placement: Placement) -> nn.Module:
    if placement == "layers":
        return AdaptedLinear(width, outputs, rank)
    return PassedLinear(width, outputs)


def pad(dialogues: Sequence[Dialogue]) -> PaddedBatch:
    """Pad to the longest dialogue of the batch."""
    labels = pad_sequence([d.labels for d in dialogues], batch_first=True)
    lengths = torch.tensor([len(d.labels) for d in dialogues])
    columns = zip(*(d.features for d in dialogues), strict=True)
    return PaddedBatch(
        features=tuple(pad_sequence(list(column), batch_first=True) for column in columns),
        labels=labels,
        valid=torch.arange(labels.shape[1]) < lengths[:, None],
    )


def train_epoch(
    network: PlainNetwork,
    optimizer: torch.optim.Optimizer,
    dialogues: Sequence[Dialogue],
    *,
    batch_dialogues: int,
) -> float:
    """One pass in random order, one combination per batch; the mean loss."""
    network.train()
    order = torch.randperm(len(dialogues)).tolist()
    losses = []
    for start in range(0, len(order), batch_dialogues):
        batch = pad([dialogues[i] for i in order[start : start + batch_dialogues]])
        combination = ModalityCombination(int(torch.randint(NUM_COMBINATIONS, ())))
        prediction = network.predict(network.encode(batch, combination), combination)
        loss = ((prediction[..., 0] - batch.labels)[batch.valid] ** 2).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    return sum(losses) / len(losses)


@torch.no_grad()
def evaluate(
    network: PlainNetwork, dialogues: Sequence[Dialogue], *, batch_dialogues: int
) -> PlainEvaluation:
    """One pass over all dialogues for each of the seven combinations."""
    network.eval()
    evaluation = PlainEvaluation({}, {})
    for combination in ModalityCombination:
        predictions, divergences = [], []
        for start in range(0, len(dialogues), batch_dialogues):
            batch = pad(dialogues[start : start + batch_dialogues])
            encoded = network.encode(batch, combination)
            predictions.append(network.predict(encoded, combination)[batch.valid])
            divergences += [
                divergence(encoded[m].shared, encoded[m].specific[combination])
                for m in combination.modalities
            ]
        evaluation.predictions[combination.word] = torch.cat(predictions)
        evaluation.divergence[combination.word] = float(torch.stack(divergences).mean())
    return evaluation


def divergence(first: Tensor, second: Tensor) -> Tensor:
    """Mean Jensen-Shannon divergence of the softmaxes over all positions, padding included."""
    p, q = first.softmax(-1), second.softmax(-1)
    middle = ((p + q) / 2).log()
    both = [functional.kl_div(middle, part, reduction="none").sum(-1).mean() for part in (p, q)]
    return torch.stack(both).mean()
