"""Test masks follow the published rule, never empty a row, and cannot be altered unnoticed."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load, save_file

from mculora.corpora.manifest import Corpus, Task
from mculora.corpora.utterance import Utterance
from mculora.errors import InputError
from mculora.modality import ModalityCombination
from mculora.protocol.folds import Fold
from mculora.protocol.gcnet import TOLERANCE, draw_gcnet
from mculora.protocol.masks import (
    RULES,
    TestMasks,
    draw_test_masks,
    rate_condition,
    read_masks,
    write_masks,
)

RATES = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
# Availability of exactly 1, 2, 3 modalities under the published rule, by simulation of it.
AVAILABILITY = {
    0.1: (0.023, 0.256, 0.720),
    0.2: (0.090, 0.423, 0.487),
    0.3: (0.203, 0.495, 0.302),
    0.4: (0.362, 0.479, 0.159),
    0.5: (0.564, 0.374, 0.062),
    0.6: (0.815, 0.175, 0.010),
    0.7: (1.0, 0.0, 0.0),
}


def corpus_of(num_utterances):
    return Corpus(
        "toy",
        Task.REGRESSION,
        class_names=(),
        utterances=tuple(
            Utterance(
                id=f"d{i % 7}_{i}",
                dialogue=f"d{i % 7}",
                speaker="",
                split=None,
                session="",
                start_seconds=float(i),
                end_seconds=i + 1.0,
                transcript="",
                label=0.0,
            )
            for i in range(num_utterances)
        ),
    )


CORPUS = corpus_of(700)
FOLD = Fold("official", train=("d0",), validation=("d1",), test=("d2", "d3", "d4", "d5", "d6"))


def draw(*, corpus=CORPUS, fold=FOLD, missing_rates=RATES, seed=0):
    return draw_test_masks(corpus, fold, missing_rates=missing_rates, seed=seed)


@settings(deadline=None)
@given(num_utterances=st.integers(1, 300), rate=st.floats(0, 0.7), seed=st.integers(0, 2**31 - 1))
def test_no_utterance_is_left_with_nothing(num_utterances, rate, seed):
    present = draw_gcnet(num_utterances, rate, np.random.default_rng(seed))
    assert present.shape == (num_utterances, 3)
    assert present.dtype == np.bool_
    assert present.any(axis=1).all()


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("num_utterances", [100, 4659])
def test_realised_rate_is_the_nominal_one(rate, num_utterances):
    present = draw_gcnet(num_utterances, rate, np.random.default_rng(0))
    assert 1 - present.mean() == pytest.approx(min(rate, 2 / 3), abs=TOLERANCE)


@pytest.mark.parametrize("rate", AVAILABILITY)
def test_availability_follows_the_published_rule(rate):
    draws = [draw_gcnet(4000, rate, np.random.default_rng(seed)) for seed in range(10)]
    counts = np.bincount(np.concatenate(draws).sum(axis=1), minlength=4) / 40_000
    assert counts[1:] == pytest.approx(AVAILABILITY[rate], abs=0.015)


@pytest.mark.parametrize("rate", AVAILABILITY)
def test_modalities_are_treated_alike(rate):
    draws = [draw_gcnet(4000, rate, np.random.default_rng(seed)) for seed in range(10)]
    shares = np.concatenate(draws).mean(axis=0)
    assert shares == pytest.approx([shares.mean()] * 3, abs=0.015)


def test_two_thirds_and_more_is_exactly_one_modality():
    for rate in (2 / 3, 0.67, 0.7):
        assert (draw_gcnet(500, rate, np.random.default_rng(0)).sum(axis=1) == 1).all()


def test_nothing_missing_is_everything():
    assert draw_gcnet(500, 0.0, np.random.default_rng(0)).all()


def test_conditions_are_the_seven_and_the_rates():
    masks = draw()
    assert list(masks.present) == [
        *("atv", "at", "av", "tv", "a", "t", "v"),
        *(rate_condition(rate) for rate in RATES),
    ]
    assert masks.ids == tuple(u.id for u in CORPUS.utterances if u.dialogue in FOLD.test)
    assert masks.rates["rate-0.3"] == 0.3
    assert masks.rates["at"] == pytest.approx(1 / 3)
    for combination in ModalityCombination:
        present = masks.present[combination.word]
        assert present.shape == (500, 3)
        assert present.unique(dim=0).tolist() == [list(combination.presence)]
        assert masks.realised(combination.word) == pytest.approx(masks.rates[combination.word])
    assert masks.realised("rate-0.7") == pytest.approx(2 / 3)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_is_stored_with_what_it_realises(rule, tmp_path):
    masks = draw_test_masks(CORPUS, FOLD, missing_rates=RATES, seed=0, rule=rule)
    again = draw_test_masks(CORPUS, FOLD, missing_rates=RATES, seed=0, rule=rule)
    assert again.digest == masks.digest
    write_masks(tmp_path, [masks])
    (read,) = read_masks(tmp_path)
    assert (read.rule, read.digest) == (rule, masks.digest)
    realised = [read.realised(rate_condition(rate)) for rate in RATES]
    assert realised[0] == 0
    assert realised == sorted(realised)
    others = {
        draw_test_masks(CORPUS, FOLD, missing_rates=RATES, seed=0, rule=r).digest for r in RULES
    }
    assert len(others) == len(RULES)


def test_same_seed_same_masks():
    assert draw().digest == draw().digest
    assert draw().digest != draw(seed=1).digest


def test_one_rate_more_leaves_the_others():
    few, many = draw(missing_rates=[0.5]), draw(missing_rates=[0.2, 0.5])
    assert torch.equal(few.present["rate-0.5"], many.present["rate-0.5"])


def test_folds_do_not_share_draws():
    other = draw(fold=replace(FOLD, name="other"))
    assert not torch.equal(other.present["rate-0.5"], draw().present["rate-0.5"])


def test_masks_survive_the_disk(tmp_path):
    masks = [draw(), draw(fold=replace(FOLD, name="s2", test=("d0",), train=("d6",)))]
    write_masks(tmp_path, masks)
    again = read_masks(tmp_path)
    assert [fold.digest for fold in again] == [fold.digest for fold in masks]
    assert again[1].present["rate-0.4"].dtype == torch.bool
    assert torch.equal(again[1].present["rate-0.4"], masks[1].present["rate-0.4"])
    assert again[0].rates == masks[0].rates


def test_same_masks_same_bytes(tmp_path):
    for name in ("a", "b"):
        write_masks(tmp_path / name, [draw()])
    first, second = ((tmp_path / name / "masks.safetensors").read_bytes() for name in ("a", "b"))
    assert first == second


def test_one_altered_bit_is_refused(tmp_path):
    write_masks(tmp_path, [draw()])
    path = tmp_path / "masks.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match="run `mculora split` again"):
        read_masks(tmp_path)


def test_masks_of_other_utterances_are_refused(tmp_path):
    write_masks(tmp_path, [draw()])
    path = tmp_path / "masks.safetensors"
    path.write_bytes(path.read_bytes().replace(b"d2_2", b"d2_0", 1))
    with pytest.raises(InputError, match="digest"):
        read_masks(tmp_path)


def test_damaged_files_are_refused(tmp_path):
    path = tmp_path / "masks.safetensors"
    write_masks(tmp_path, [draw()])
    tensors = load(path.read_bytes())
    for damage in (
        lambda: path.write_bytes(path.read_bytes()[:-10]),
        lambda: path.write_bytes(b"masks"),
        lambda: save_file(tensors, path),
        path.unlink,
    ):
        damage()
        with pytest.raises(InputError, match="run `mculora split` again") as caught:
            read_masks(tmp_path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("present", "message"),
    [
        (torch.tensor([[True, False, False], [False, False, False]]), "with nothing"),
        (torch.ones(3, 3, dtype=torch.bool), r"\(3, 3\)"),
        (torch.ones(2, 2, dtype=torch.bool), r"\(2, 2\)"),
    ],
)
def test_impossible_masks_are_refused(present, message):
    with pytest.raises(InputError, match=message):
        TestMasks("f", ("a", "b"), present={"a": present}, rates={"a": 0.5}, rule="gcnet", seed=0)


def test_unknown_rule_and_empty_test():
    with pytest.raises(InputError, match="'mmin', expected gcnet or imder or bernoulli"):
        draw_test_masks(CORPUS, FOLD, missing_rates=[0.1], seed=0, rule="mmin")
    with pytest.raises(InputError, match="no test utterance"):
        draw(fold=replace(FOLD, test=("nobody",)))
