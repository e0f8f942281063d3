"""The floor of training: multiply-adds that no way can do without, and how fast they can be.

`Work` counts them, `FORMULAS` says how, and `measured_rate` is the speed at which this machine
multiplies large square matrices.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field

import torch
from torch import Tensor
from training_corpora import PAPER, num_steps
from turns import seconds

from mculora.batch import FeatureTable
from mculora.modality import NUM_COMBINATIONS, NUM_MODALITIES, Modality, presence_table
from mculora.model.network import NetworkConfig
from mculora.training.data import TrainingData


@dataclass
class Work:
    """Necessary multiply-adds by part: forward, and backward if it is learned.

    What is not necessary is not counted: absent modalities, padding, adapters of other
    combinations, the gradient of the features, anything element by element.
    """

    forward: dict[str, float] = field(default_factory=dict)
    backward: dict[str, float] = field(default_factory=dict)

    def add(self, part: str, macs: float, *, weights: float = 1, inputs: float = 1) -> None:
        """Count a product, and its backward: once for the weights, once for the inputs."""
        self.forward[part] = self.forward.get(part, 0.0) + macs
        self.backward[part] = self.backward.get(part, 0.0) + macs * (weights + inputs)

    @property
    def total(self) -> float:
        """Both directions."""
        return sum(self.forward.values()) + sum(self.backward.values())


@dataclass(frozen=True)
class Shown:
    """What is computed: per utterance its dialogue (N,) and what is present (N, M)."""

    dialogue: Tensor
    present: Tensor

    def num(self, modality: Modality) -> int:
        """How many utterances show the modality."""
        return int(self.present[:, modality].sum())

    def together(self, modality: Modality) -> Tensor:
        """How many of each dialogue show it, where there are several that attend to each other."""
        counts = torch.bincount(self.dialogue[self.present[:, modality]])
        return counts[counts > 1]


def encoder_work(work: Work, config: NetworkConfig, shown: Shown, *, learned: bool) -> None:
    """Input map, blocks and attention of each encoder, for the utterances that it is shown."""
    square, back = config.hidden**2, int(learned)
    for modality in Modality:
        num, width = shown.num(modality), config.widths[modality]
        work.add("input maps", num * width * config.hidden, weights=back, inputs=0)
        together = shown.together(modality)
        maps = {  # who is alone in a dialogue attends to itself, whatever query and key say
            "q and k": 2 * int(together.sum()) * square,
            "v and output": 2 * num * square,
            "MLP": 2 * num * square,
            "attention": 2 * int((together**2).sum()) * config.hidden,
        }
        for part, macs in maps.items():
            work.add(part, config.depth * macs, weights=back, inputs=back)


FORMULAS = {
    "input maps": "D H per vector",
    "q and k": "2 depth H² per vector that is not alone in its dialogue",
    "v and output": "2 depth H² per vector",
    "MLP": "2 depth H² per vector",
    "attention": "2 depth H per pair",
    "adapters": "2 R (D + H) per vector",
    "fusion and head, shared": "3 H² per vector, 3 H K per utterance",
    "fusion and head, specific": "3 H R per vector, 12 x 3 H² R per step for W B, 3 H K",
    "weight": "H R per vector, 12 H² R per step",
}
"""What stands behind each number: a vector is an utterance's modality that is present."""


def step_work(config: NetworkConfig, shown: Shown, *, steps: int, learned: bool) -> Work:
    """An epoch of so many steps; `learned` is whether the encoders are.

    W (B z) = (W B) z: a map of a rank-R representation costs W B once per step and R columns per
    utterance. Where that is less than W itself, it is what is necessary.
    """
    work, rank, hidden = Work(), config.rank, config.hidden
    fused, num = NUM_MODALITIES * hidden, len(shown.present)
    encoder_work(work, config, shown, learned=learned)
    both = 2  # the common adapter and the utterance's own
    for modality in Modality:
        present, width = shown.num(modality), config.widths[modality]
        own = NUM_COMBINATIONS // 2 + 1  # combinations that contain the modality
        work.add("adapters", both * present * rank * width, inputs=0)
        work.add("adapters", both * present * rank * hidden)

        def least(outputs: int, adapters: int, present: int = present) -> float:
            merged = steps * adapters * outputs * hidden * rank + present * rank * outputs
            return min(merged, present * hidden * outputs)

        full = present * hidden * fused
        back = 1.0 if learned else least(fused, 1) / full  # else only the common adapter asks
        work.add("fusion and head, shared", full, inputs=back)
        work.add("fusion and head, specific", least(fused, own))
        if config.weight_mlp:
            work.add("weight", least(hidden, own))
    work.add("fusion and head, shared", num * fused * config.outputs)
    work.add("fusion and head, specific", num * fused * config.outputs)
    return work


def evaluation_work(config: NetworkConfig, shown: Shown) -> Work:
    """All seven combinations: encoders, input maps of adapters and fusion blocks serve them all."""
    work, rank, hidden = Work(), config.rank, config.hidden
    fused, num = NUM_MODALITIES * hidden, len(shown.present)
    encoder_work(work, config, shown, learned=False)
    for modality in Modality:
        present, own = shown.num(modality), NUM_COMBINATIONS // 2 + 1
        down = present * (1 + own) * rank * config.widths[modality]
        work.add("adapters", down + present * rank * hidden, weights=0, inputs=0)
        work.add("fusion and head, shared", present * hidden * fused, weights=0, inputs=0)
        outputs = fused + (hidden if config.weight_mlp else 0)
        merged = own * rank * outputs * (hidden + present)
        work.add("fusion and head, specific", merged, weights=0, inputs=0)
    heads = 2 * NUM_COMBINATIONS * num * fused * config.outputs
    work.add("fusion and head, shared", heads, weights=0, inputs=0)
    return work


def shown_in_training(table: FeatureTable) -> Shown:
    """Every utterance with a combination drawn at random."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(NUM_COMBINATIONS, (len(table.ids),), generator=generator)
    return Shown(table.dialogue, presence_table()[drawn])


def floors(data: TrainingData, config: NetworkConfig = PAPER) -> dict[str, Work]:
    """What an epoch needs with encoders trained, with encoders frozen, and to evaluate."""
    shown, steps = shown_in_training(data.train), num_steps(data)
    validation = Shown(data.validation.dialogue, data.validation.available)
    return {
        "trained": step_work(config, shown, steps=steps, learned=True),
        "frozen": step_work(config, shown, steps=steps, learned=False),
        "evaluation": evaluation_work(config, validation),
    }


def measured_rate() -> float:
    """Multiply-adds per second of the fastest of some large square products in float32."""
    rates = []
    for size in (1024, 2048, 3072) * 3:
        matrix = torch.randn(size, size)
        rates.append(size**3 / seconds(functools.partial(torch.mm, matrix, matrix)))
    return max(rates)
