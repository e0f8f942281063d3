"""Pairs of experiments: what is ahead, for how certain, and what cannot be compared."""

from dataclasses import replace

import pytest
import torch
from record_example import dialogues_of, make_record

from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.evaluation.bootstrap import MEAN
from mculora.evaluation.paired import Side, compare_pairs
from mculora.evaluation.tallies import clusters_of

RECORD = make_record(seeds=(0, 1, 2))


def compared(ours, theirs, metric="mae", methods=("mculora", "joint")):
    a, b = (Side(n, r, m) for n, r, m in zip("AB", (ours, theirs), methods, strict=True))
    return compare_pairs(a, b, metric, clusters=clusters_of(ours, dialogues_of(ours)))


def test_the_better_one_is_ahead_also_where_less_is_better():
    found = compared(RECORD, RECORD)
    assert list(found)[:9] == ["atv", "at", "av", "tv", "a", "t", "v", MEAN, "rate-0.0"]
    mean = found[MEAN]
    assert mean.difference == pytest.approx(mean.a - mean.b)
    assert mean.difference < 0
    assert (mean.num_ahead, mean.num_seeds) == (3, 3)
    assert mean.intervals["over_both"].high < 0
    assert compared(RECORD, RECORD, "corr")[MEAN].num_ahead == 3


def test_a_method_does_not_differ_from_itself():
    for pair in compared(RECORD, RECORD, methods=("joint", "joint")).values():
        assert (pair.difference, pair.num_ahead) == (0, 0)
        assert {(i.low, i.high) for i in pair.intervals.values()} == {(0, 0)}


def test_turning_the_pair_turns_the_sign():
    there = compared(RECORD, RECORD)["at"]
    back = compared(RECORD, RECORD, methods=("joint", "mculora"))["at"]
    assert back.difference == -there.difference
    low, high = there.intervals["over_both"].low, there.intervals["over_both"].high
    assert back.intervals["over_both"].low == pytest.approx(-high)
    assert back.intervals["over_both"].high == pytest.approx(-low)


def test_seeds_that_only_one_has_stay_out():
    other = replace(RECORD, seeds=(1, 2, 7))
    found = compared(RECORD, other, methods=("joint", "joint"))[MEAN]
    said = RECORD.predictions["joint"]
    same = replace(RECORD, seeds=(1, 2, 7), predictions={"joint": torch.cat([said[1:], said[:1]])})
    assert found.num_seeds == 2
    assert found.difference != 0
    assert compared(RECORD, same, methods=("joint", "joint"))[MEAN].difference == 0


def test_one_shared_seed_has_an_interval_over_utterances_only():
    other = replace(RECORD, seeds=(2, 7, 8))
    assert list(compared(RECORD, other)[MEAN].intervals) == ["over_utterances"]


def test_rates_that_only_one_has_stay_out():
    left = dict(RECORD.left)
    left["rate-0.5"] = left.pop("rate-0.7")
    found = compared(RECORD, replace(RECORD, left=left))
    assert "rate-0.3" in found
    assert not {"rate-0.5", "rate-0.7"} & found.keys()


def test_an_undefined_combination_is_said_to_be():
    left = {**RECORD.left, "v": torch.zeros(60, 3) > 0}
    blind = replace(RECORD, left=left)
    found = compared(blind, blind)
    assert (found["v"].a, found["v"].difference, found["v"].intervals) == (None, None, {})
    assert found[MEAN].difference < 0


def flipped(condition):
    return {**RECORD.left, condition: ~RECORD.left[condition]}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ids": ("x", *RECORD.ids[1:])}, r"different utterances \(u0 and 1 more in one only\)"),
        ({"ids": RECORD.ids[::-1]}, "different order of the utterances"),
        ({"fold": 1 - RECORD.fold}, "different folds"),
        ({"labels": RECORD.labels + 1}, "different labels of u0 and 59 more"),
        ({"left": flipped("at")}, "different masks or absent modalities under at"),
        ({"left": flipped("rate-0.3")}, "different masks or absent modalities under rate-0.3"),
        ({"seeds": (7, 8, 9)}, r"seeds \(0, 1, 2\) and \(7, 8, 9\)"),
    ],
)
def test_what_did_not_meet_the_same_test_is_refused(change, said):
    with pytest.raises(InputError, match=f"A and B: found {said}"):
        compared(RECORD, replace(RECORD, **change))


def test_other_tasks_methods_and_metrics_are_refused():
    classes = make_record(Task.CLASSIFICATION)
    with pytest.raises(InputError, match="different tasks, regression and classification"):
        compared(RECORD, classes)
    with pytest.raises(InputError, match="different classes, ang, hap, sad, neu and a, b, c, d"):
        compared(classes, replace(classes, class_names=("a", "b", "c", "d")))
    with pytest.raises(InputError, match="B: method: found dropout, expected mculora, joint"):
        compared(RECORD, RECORD, methods=("mculora", "dropout"))
    with pytest.raises(InputError, match="metric: found 'wa', expected one of weighted_f1_nonzero"):
        compared(RECORD, RECORD, "wa")
