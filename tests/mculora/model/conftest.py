"""A small network and a small random batch."""

from dataclasses import replace

import pytest
import torch

from mculora.modality import Modality, ModalityCombination
from mculora.model.network import MCULoRA, NetworkConfig
from mculora.model.packing import PackedBatch, pack

WIDTHS = (5, 7, 6)
CONFIG = NetworkConfig(
    widths=WIDTHS, outputs=2, hidden=16, depth=2, heads=2, dropout=0.5, rank=2, adapter_alpha=2.0
)


@pytest.fixture
def make_network():
    def make(**changes) -> MCULoRA:
        torch.manual_seed(1)
        network = MCULoRA(replace(CONFIG, **changes)).eval()
        for name, parameter in network.named_parameters():
            if name.endswith(".up"):  # as after some training: zero adapters would hide mistakes
                torch.nn.init.normal_(parameter, std=0.3)
        for modality in Modality:
            torch.nn.init.normal_(network.get_buffer(f"{modality.word}_mean"), std=0.3)
            torch.nn.init.uniform_(network.get_buffer(f"{modality.word}_deviation"), 0.5, 2.0)
        return network

    return make


@pytest.fixture
def features() -> tuple[torch.Tensor, ...]:
    """Three dialogues of at most five utterances."""
    generator = torch.Generator().manual_seed(2)
    return tuple(torch.randn(3, 5, width, generator=generator) for width in WIDTHS)


@pytest.fixture
def present() -> torch.Tensor:
    """All seven combinations, and padding behind the first two dialogues."""
    words = [["atv", "at", "a"], ["v", "tv", "av", "t"], ["atv", "t", "v", "at", "a"]]
    flags = torch.zeros(3, 5, len(Modality), dtype=torch.bool)
    for row, dialogue in enumerate(words):
        for column, word in enumerate(dialogue):
            flags[row, column] = torch.tensor(ModalityCombination[word.upper()].presence)
    return flags


@pytest.fixture
def make_batch(features):
    """Pack these dialogues: the utterances at which something is present."""

    def make(present: torch.Tensor) -> PackedBatch:
        shown = present.flatten(0, 1)
        rows = shown.any(1).nonzero()[:, 0]
        flat = [f.flatten(0, 1) for f in features]
        return pack(flat, rows, dialogue=rows // present.shape[1], present=shown[rows])

    return make
