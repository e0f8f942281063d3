"""The loss: what is absent does not count, and L_ort is what its formula says."""

import pytest
import torch
from torch.nn import functional

from mculora.model.network import ModelOutput
from mculora.training.losses import cosine, orthogonality_loss, task_loss


def test_task_loss_of_scores_and_classes():
    labels = torch.tensor([1.0, 0.0])
    assert task_loss(torch.tensor([[2.0], [0.0]]), labels).item() == pytest.approx(0.5)
    logits = torch.randn(2, 4)
    expected = functional.cross_entropy(logits, torch.tensor([1, 0]))
    torch.testing.assert_close(task_loss(logits, labels), expected)


def output(base, common, specific, nums=(1, 1, 1)) -> ModelOutput:
    """Of each modality so many utterances, all alike."""
    nothing = torch.zeros(1, 1)
    triples = [
        tuple(torch.tensor(v).expand(num, 2) for num in nums) for v in (base, common, specific)
    ]
    return ModelOutput(nothing, nothing, nothing, *triples)


@pytest.mark.parametrize(
    ("specific", "separation"),
    [([10.0, 0.0], 2.0), ([0.0, 10.0], 0.0), ([7.0, 7.0], 1.0), ([0.0, 0.0], 0.0)],
)
def test_separation_by_hand(specific, separation):
    parts = orthogonality_loss(output([5.0, 0.0], [8.0, 0.0], specific))
    assert parts.separation.item() == pytest.approx(separation, abs=1e-3)
    assert parts.keep.item() == pytest.approx(0, abs=1e-3)


def test_keep_pulls_the_common_representation_only():
    base = torch.tensor([[1.0, 0.0]], requires_grad=True)
    common = torch.tensor([[0.0, 1.0]], requires_grad=True)
    specific = torch.zeros(1, 2)
    made = ModelOutput(specific, specific, specific, (base,) * 3, (common,) * 3, (specific,) * 3)
    keep = orthogonality_loss(made).keep
    assert keep.item() == pytest.approx(1)
    keep.backward()
    assert base.grad is None or not base.grad.any()
    assert common.grad.abs().sum() > 0


def test_absent_modalities_do_not_count():
    """The mean is over what is present: an absent modality is neither a zero nor a row."""
    made = output([5.0, 0.0], [8.0, 0.0], [10.0, 0.0], nums=(3, 0, 1))
    assert orthogonality_loss(made).separation.item() == pytest.approx(2, abs=1e-3)


def test_without_specific_adapters_nothing_is_separated():
    made = output([5.0, 0.0], [0.0, 8.0], [1.0, 0.0])
    parts = orthogonality_loss(
        ModelOutput(*(made.prediction,) * 3, made.base, made.common, specific=())
    )
    assert parts.separation.item() == 0
    assert parts.keep.item() == pytest.approx(1, abs=1e-3)


def test_cosine_has_a_finite_gradient_at_zero():
    zero = torch.zeros(3, 4, requires_grad=True)
    cosine(zero, torch.randn(3, 4)).sum().backward()
    assert torch.isfinite(zero.grad).all()
