"""How far specific and common representations are apart: bounded, per combination, by hand."""

import math

import pytest
import torch

from mculora.modality import ModalityCombination
from mculora.model.network import ModelOutput
from mculora.model.packing import pack
from mculora.training.separability import Separability, jensen_shannon

WORDS = ["atv", "at", "v", "at"]


def test_divergence_is_symmetric_bounded_and_zero_for_equals():
    first, second = torch.randn(20, 8) * 5, torch.randn(20, 8) * 5
    forward, backward = jensen_shannon(first, second), jensen_shannon(second, first)
    torch.testing.assert_close(forward, backward)
    assert (forward > 0).all()
    assert (forward <= math.log(2) + 1e-6).all()
    torch.testing.assert_close(jensen_shannon(first, first), torch.zeros(20), atol=1e-6, rtol=0)
    far = jensen_shannon(torch.tensor([[100.0, 0.0]]), torch.tensor([[0.0, 100.0]]))
    assert far.item() == pytest.approx(math.log(2), abs=1e-5)


def test_divergence_by_hand():
    p, q = torch.tensor([[0.25, 0.75]]), torch.tensor([[0.5, 0.5]])
    middle = (p + q) / 2
    expected = ((p * (p / middle).log()).sum() + (q * (q / middle).log()).sum()) / 2
    found = jensen_shannon(p.log(), q.log())
    assert found.item() == pytest.approx(expected.item(), abs=1e-6)


def a_batch():
    """Four utterances of one dialogue, each with a combination of its own choice."""
    present = torch.tensor([ModalityCombination[word.upper()].presence for word in WORDS])
    features = tuple(torch.zeros(4, 2) for _ in range(3))
    return pack(features, torch.arange(4), dialogue=torch.zeros(4).long(), present=present)


def an_output(batch, seed):
    """Random representations of what is present."""
    generator = torch.Generator().manual_seed(seed)
    parts = [
        tuple(torch.randn(len(shown), 5, generator=generator) for shown in batch.modalities)
        for _ in range(2)
    ]
    nothing = torch.zeros(4, 1)
    return ModelOutput(nothing, nothing, nothing, parts[0], *parts)


def test_the_mean_is_over_utterances_and_their_modalities():
    batch, separability = a_batch(), Separability(torch.device("cpu"))
    outputs = [an_output(batch, seed) for seed in range(3)]
    for output in outputs:
        separability.add(output, batch)
    found = separability.mean(torch.full((7,), 9.0))
    of_at = []
    for output in outputs:
        for shown, specific, common in zip(
            batch.modalities, output.specific, output.common, strict=True
        ):
            own = shown.combination == ModalityCombination.AT
            of_at.append(jensen_shannon(specific, common)[own])
    of_at = torch.cat(of_at)
    assert len(of_at) == 3 * 2 * 2
    assert found[ModalityCombination.AT].item() == pytest.approx(of_at.mean().item(), abs=1e-6)
    trained = {ModalityCombination[word.upper()] for word in WORDS}
    for combination in ModalityCombination:
        assert (found[combination].item() != 9.0) == (combination in trained)
