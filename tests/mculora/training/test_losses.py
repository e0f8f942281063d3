"""The loss: padding never counts, and L_ort is what its formula says."""

import pytest
import torch
from torch.nn import functional

from mculora.model.network import ModelOutput
from mculora.training.losses import cosine, orthogonality_loss, task_loss


def test_task_loss_of_scores_and_classes_ignores_padding():
    valid = torch.tensor([[True, True, False]])
    labels = torch.tensor([[1.0, 0.0, 9.0]])
    scores = torch.tensor([[[2.0], [0.0], [5.0]]])
    assert task_loss(scores, labels, valid).item() == pytest.approx(0.5)
    logits = torch.randn(1, 3, 4)
    expected = functional.cross_entropy(logits[0, :2], torch.tensor([1, 0]))
    torch.testing.assert_close(task_loss(logits, labels, valid), expected)


def output(base, common, specific) -> ModelOutput:
    nothing = torch.zeros(1, 1, 1)
    triple = [
        tuple(torch.tensor(v).view(1, 1, 2) for _ in range(3)) for v in (base, common, specific)
    ]
    return ModelOutput(nothing, nothing, nothing, *triple)


@pytest.mark.parametrize(
    ("specific", "separation"),
    [([10.0, 0.0], 2.0), ([0.0, 10.0], 0.0), ([7.0, 7.0], 1.0), ([0.0, 0.0], 0.0)],
)
def test_separation_by_hand(specific, separation):
    present = torch.ones(1, 1, 3, dtype=torch.bool)
    parts = orthogonality_loss(output([5.0, 0.0], [8.0, 0.0], specific), present)
    assert parts.separation.item() == pytest.approx(separation, abs=1e-3)
    assert parts.keep.item() == pytest.approx(0, abs=1e-3)


def test_keep_pulls_the_common_representation_only():
    base = torch.tensor([[[1.0, 0.0]]], requires_grad=True)
    common = torch.tensor([[[0.0, 1.0]]], requires_grad=True)
    specific = torch.zeros(1, 1, 2)
    made = ModelOutput(specific, specific, specific, (base,) * 3, (common,) * 3, (specific,) * 3)
    keep = orthogonality_loss(made, torch.ones(1, 1, 3, dtype=torch.bool)).keep
    assert keep.item() == pytest.approx(1)
    keep.backward()
    assert base.grad is None or not base.grad.any()
    assert common.grad.abs().sum() > 0


def test_absent_modalities_do_not_count():
    present = torch.tensor([[[True, False, False]]])
    made = output([5.0, 0.0], [8.0, 0.0], [10.0, 0.0])
    assert orthogonality_loss(made, present).separation.item() == pytest.approx(2, abs=1e-3)


def test_cosine_has_a_finite_gradient_at_zero():
    zero = torch.zeros(3, 4, requires_grad=True)
    cosine(zero, torch.randn(3, 4)).sum().backward()
    assert torch.isfinite(zero.grad).all()
