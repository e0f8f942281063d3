from dataclasses import replace

import pytest
import torch
from two_classes import alternating, two_class_record

from mculora.corpora.utterance import Utterance
from mculora.evaluation.groups import LEAST_UTTERANCES, by_groups
from mculora.modality import ModalityCombination

WORDS = [c.word for c in ModalityCombination]


def utterance(number, **told):
    facts = {"speaker": "", "session": "", "gender": "", **told}
    return Utterance(
        id=f"u{number}",
        dialogue="d",
        split=None,
        start_seconds=float(number),
        end_seconds=number + 1.0,
        transcript="",
        label=0.0,
        **facts,
    )


def record(is_right, num_seeds=2):
    """Two classes; which utterances are predicted rightly, whatever is left and whoever says it."""
    labels = alternating(len(is_right))
    said = torch.where(torch.tensor(is_right), labels, 1 - labels)
    logits = torch.nn.functional.one_hot(said, 2).float()
    return two_class_record({"mculora": logits.repeat(num_seeds, 7, 1, 1)})


def test_groups_are_scored_and_their_gap_is_no_chance():
    num = 40
    is_right = [True] * num + [n < 10 for n in range(num)]
    people = [utterance(n, gender="female" if n < num else "male") for n in range(2 * num)]
    found = by_groups(record(is_right), people)
    assert list(found) == ["gender"]  # nothing else is told
    female, male = found["gender"].groups
    assert (female.name, female.num_utterances, female.full.mean) == ("female", 40, 1.0)
    assert (male.name, male.full.mean, male.mean.mean) == ("male", 0.25, pytest.approx(0.25))
    gap = found["gender"].gap
    assert (gap.highest, gap.lowest, gap.difference) == ("female", "male", 0.75)
    assert 0 < gap.by_chance < 0.4
    assert gap.p_value == pytest.approx(1 / 1001)


def test_a_gap_of_chance_is_called_so():
    draw = torch.Generator().manual_seed(0)
    is_right = (torch.rand(200, generator=draw) < 0.7).tolist()
    people = [utterance(n, speaker=f"s{n % 8}") for n in range(200)]
    gap = by_groups(record(is_right), people)["speaker"].gap
    assert gap.difference > 0
    assert gap.p_value > 0.05


def test_small_groups_are_counted_only():
    least = LEAST_UTTERANCES
    sessions = ["one"] * least + ["two"] * (least - 1) + [""] * 3
    people = [utterance(n, session=name) for n, name in enumerate(sessions)]
    found = by_groups(record([True] * len(people)), people)["session"]
    assert [g.name for g in found.groups] == ["one"]
    assert (found.num_small, found.num_untold, found.gap) == (1, 3, None)


def test_what_has_nothing_left_counts_for_no_group():
    people = [utterance(n, speaker="a") for n in range(LEAST_UTTERANCES)]
    whole = record([True] * len(people))
    blind = {**whole.left, "atv": whole.left["atv"].clone()}
    blind["atv"][0] = False
    found = by_groups(replace(whole, left=blind), people)["speaker"]
    assert (found.groups, found.num_small) == ((), 1)


def test_a_corpus_that_tells_nothing_has_no_groups():
    people = [utterance(n) for n in range(30)]
    assert by_groups(record([True] * 30), people) == {}
