"""Which combination is shown: drawn and steered by DPFT, or fixed."""

import pytest
import torch

from mculora.modality import Modality, ModalityCombination, combination_index
from mculora.training.combination_sampling import CombinationSampler, DPFTForm, FixedCombination


def sampler(form=DPFTForm.ONE_SIDED, step=0.003) -> CombinationSampler:
    return CombinationSampler(form, step=step, lowest=0.4, highest=0.6)


def test_at_the_start_all_seven_are_equally_likely():
    torch.testing.assert_close(sampler().combination_probability(), torch.full((7,), 1 / 7))


def test_probability_is_the_product_conditioned_on_not_being_empty():
    steered = sampler()
    steered.presence_probability = torch.tensor([0.6, 0.5, 0.4])
    q = steered.combination_probability()
    something = 1 - 0.4 * 0.5 * 0.6
    assert q[ModalityCombination.AT].item() == pytest.approx(0.6 * 0.5 * 0.6 / something)
    assert q[ModalityCombination.V].item() == pytest.approx(0.4 * 0.5 * 0.4 / something)
    assert q.sum().item() == pytest.approx(1)


def test_draws_follow_the_probabilities():
    steered = sampler()
    steered.presence_probability = torch.tensor([0.6, 0.5, 0.4])
    available = torch.ones(30_000, 3, dtype=torch.bool)
    drawn = combination_index(steered.draw(available, torch.Generator().manual_seed(0)))
    shares = torch.bincount(drawn, minlength=7) / len(drawn)
    torch.testing.assert_close(shares, steered.combination_probability(), atol=0.01, rtol=0)


def test_draws_stay_within_what_is_available_and_are_never_empty():
    available = torch.rand(2000, 3, generator=torch.Generator().manual_seed(1)) < 0.5
    available[~available.any(1)] = True
    present = sampler().draw(available, torch.Generator().manual_seed(0))
    assert not (present & ~available).any()
    assert present.any(1).all()


def test_utterances_are_drawn_independently_of_their_neighbours():
    """A batch is mixed: no combination is forced on all of it."""
    available = torch.ones(64, 3, dtype=torch.bool)
    drawn = combination_index(sampler().draw(available, torch.Generator().manual_seed(0)))
    assert len(drawn.unique()) == 7


def test_one_sided_steps_by_hand():
    steered = sampler()
    current = torch.tensor([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])  # ranks: atv at av tv a t v
    steered.update(torch.zeros(7), current)
    steps = [2.0**-k * 0.003 for k in range(7)]
    for modality in Modality:
        expected = 0.5
        for step, combination in zip(steps, ModalityCombination, strict=True):
            expected += step if combination.contains(modality) else -step
        assert steered.presence_probability[modality].item() == pytest.approx(expected, abs=1e-6)


def test_symmetric_steps_lower_the_upper_half_of_the_ranks():
    steered = sampler(DPFTForm.SYMMETRIC)
    current = torch.tensor([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    steered.update(torch.zeros(7), current)
    # a: +1 (atv) +.5 (at) +.25 (av) | tv counts 0 | -.25 (a) | lacking in t, v: +.5 +1
    expected = 0.5 + 0.003 * (1 + 0.5 + 0.25 - 0.25 + 0.5 + 1)
    assert steered.presence_probability[Modality.AUDIO].item() == pytest.approx(expected, abs=1e-6)


def test_probabilities_stay_in_their_range():
    steered = sampler(step=0.5)
    for epoch in range(5):
        steered.update(
            torch.zeros(7), torch.rand(7, generator=torch.Generator().manual_seed(epoch))
        )
        assert steered.presence_probability.min() >= 0.4 - 1e-6
        assert steered.presence_probability.max() <= 0.6 + 1e-6


def test_off_never_moves():
    steered = sampler(DPFTForm.OFF)
    steered.update(torch.zeros(7), torch.rand(7))
    assert steered.presence_probability.tolist() == [0.5, 0.5, 0.5]


@pytest.mark.parametrize("combination", ModalityCombination)
def test_a_fixed_combination_shows_what_there_is_of_it(combination):
    available = torch.rand(200, 3, generator=torch.Generator().manual_seed(1)) < 0.7
    fixed = FixedCombination(combination)
    shown = fixed.draw(available, torch.Generator())
    assert torch.equal(shown, available & torch.tensor(combination.presence))
    share = fixed.combination_probability()
    assert share[combination] == 1 and share.sum() == 1
    fixed.update(torch.zeros(7), torch.rand(7))
    assert torch.equal(fixed.combination_probability(), share)
