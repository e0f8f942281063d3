"""Dropout: the right share, the mean kept, the same draw from the same seed."""

import pytest
import torch

from mculora.model.dropout import Dropout

PROBABILITIES = [0.1, 0.25, 0.5, 0.9]


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_the_share_and_the_scale(probability):
    torch.manual_seed(0)
    values = torch.ones(503, 401)
    dropped = Dropout(probability)(values)
    share = (dropped == 0).double().mean().item()
    spread = (probability * (1 - probability) / values.numel()) ** 0.5
    assert share == pytest.approx(probability, abs=5 * spread)
    kept = dropped[dropped != 0]
    assert kept.unique().numel() == 1
    assert kept[0].item() == pytest.approx(1 / (1 - probability), rel=1e-3)


def test_each_value_is_drawn_on_its_own():
    """Four draws come from one number; neighbours must not agree more often than chance has it."""
    torch.manual_seed(0)
    dropped = Dropout(0.5)(torch.ones(2**18)) == 0
    for distance in (1, 2, 3, 4, 5):
        agree = (dropped[distance:] == dropped[:-distance]).double().mean().item()
        assert agree == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize("shape", [(0, 3), (1,), (3,), (7, 5), (4, 4)])
def test_any_shape_keeps_its_shape(shape):
    assert Dropout(0.5)(torch.ones(shape)).shape == shape


def test_the_same_seed_draws_the_same():
    draws = []
    for _ in range(2):
        torch.manual_seed(7)
        draws.append(Dropout(0.5)(torch.ones(100, 100)))
    assert torch.equal(*draws)
    assert not torch.equal(draws[0], Dropout(0.5)(torch.ones(100, 100)))


def test_evaluation_and_probability_zero_change_nothing():
    values = torch.randn(5, 4)
    random = torch.get_rng_state()
    assert Dropout(0.5).eval()(values) is values
    assert Dropout(0.0)(values) is values
    assert torch.equal(torch.get_rng_state(), random)


def test_gradients_pass_where_values_do():
    values = torch.ones(50, 50, requires_grad=True)
    dropped = Dropout(0.3)(values)
    dropped.sum().backward()
    assert torch.equal(values.grad, dropped.detach())


def test_what_is_dropped_is_zero_even_if_it_is_huge():
    torch.manual_seed(0)
    dropped = Dropout(0.5)(torch.full((100, 100), 1e30))
    assert torch.isfinite(dropped).all()
    assert bool((dropped == 0).any())
