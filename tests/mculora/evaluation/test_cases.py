from math import log

import pytest
import torch

from mculora.corpora.manifest import Task
from mculora.evaluation.cases import find_cases
from mculora.evaluation.predicted import PredictedTest
from mculora.modality import NUM_COMBINATIONS, ModalityCombination, presence_table

A, T, AT = ModalityCombination.A, ModalityCombination.T, ModalityCombination.AT
WORDS = [c.word for c in ModalityCombination]


def record(common, whole, labels, *, task=Task.REGRESSION, class_names=(), available=None, ids=()):
    """Predictions under `a`, the same for every other combination: (S, N) or (S, N, K)."""
    common, whole = (torch.as_tensor(said, dtype=torch.float32) for said in (common, whole))
    if not class_names:
        common, whole = common[..., None], whole[..., None]
    num_seeds, num, _ = common.shape
    available = torch.ones(num, 3).bool() if available is None else torch.tensor(available).bool()
    spread = [said[:, None].repeat(1, NUM_COMBINATIONS, 1, 1) for said in (common, whole)]
    return PredictedTest(
        ids=tuple(ids) or tuple(f"u{n}" for n in range(num)),
        folds=("official",),
        fold=torch.zeros(num, dtype=torch.int64),
        labels=torch.tensor(labels, dtype=torch.float32),
        task=task,
        class_names=class_names,
        seeds=tuple(range(num_seeds)),
        left={c.word: available & presence_table()[c] for c in ModalityCombination},
        predictions={"mculora": spread[1]},
        common=spread[0],
        weight=torch.full((num_seeds, NUM_COMBINATIONS, num), 0.25),
    )


def own_dialogues(one):
    return {utterance: utterance for utterance in one.ids}


def test_scores_are_judged_by_sign_and_neutral_ones_not_at_all():
    one = record(
        common=[[-1.0, 1.0, 1.0, -1.0, -1.0]],
        whole=[[0.5, -0.5, 2.0, 1.0, -2.0]],
        labels=[2.0, 2.0, 2.0, 0.0, 2.0],
    )
    cases = find_cases(one, own_dialogues(one), num_cases=9)
    assert [case.id for case in cases.corrected] == ["u0"]
    assert [case.id for case in cases.hurt] == ["u1"]
    assert cases.corrected[0].change == pytest.approx(1.5**2 - 3.0**2)
    effect = cases.effects[A]
    assert (effect.num_utterances, effect.corrected, effect.hurt) == (4, 1, 1)
    assert effect.weight == pytest.approx(0.25)


def test_classes_are_judged_by_the_likeliest_one():
    certain = log(9)
    one = record(
        common=[[[certain, 0.0], [0.0, certain], [0.0, certain]]],
        whole=[[[0.0, certain], [certain, 0.0], [0.0, certain]]],
        labels=[1, 1, 1],
        task=Task.CLASSIFICATION,
        class_names=("sad", "glad"),
    )
    cases = find_cases(one, own_dialogues(one), num_cases=9)
    (case,) = cases.corrected
    assert case.id == "u0"
    assert case.told[A].common == pytest.approx((0.9, 0.1))
    assert case.told[A].whole == pytest.approx((0.1, 0.9))
    assert case.change == pytest.approx(-log(9))
    assert [hurt.id for hurt in cases.hurt] == ["u1"]


def test_the_mean_of_the_seeds_decides_and_single_networks_are_counted_beside_it():
    one = record(common=[[-3.0], [1.0], [1.0]], whole=[[1.0], [1.0], [1.0]], labels=[1.0])
    cases = find_cases(one, own_dialogues(one), num_cases=9)
    effect = cases.effects[A]
    assert (effect.corrected, effect.corrected_alone) == (1, pytest.approx(1 / 3))
    assert cases.corrected[0].told[A].common == pytest.approx((-1 / 3,))


def test_the_clearest_come_first_one_of_a_dialogue_and_ties_by_id():
    one = record(
        common=[[-1.0] * 5],
        whole=[[1.0, 2.0, 3.0, 1.0, 1.0]],
        labels=[3.0] * 5,
        ids=("e", "d", "c", "b", "a"),
    )
    dialogues = {"e": "1", "d": "2", "c": "2", "b": "3", "a": "4"}
    picked = find_cases(one, dialogues, num_cases=3).corrected
    assert [case.id for case in picked] == ["c", "a", "b"]
    assert {case.combination for case in picked} == {ModalityCombination.ATV}


def test_a_combination_counts_where_all_of_it_is_offered():
    one = record(common=[[-1.0, -1.0]], whole=[[1.0, 1.0]], labels=[1.0, 1.0],
                 available=[[1, 1, 0], [0, 0, 1]])  # fmt: skip
    cases = find_cases(one, own_dialogues(one), num_cases=9)
    counts = {e.combination.word: e.corrected for e in cases.effects}
    assert counts == {"atv": 0, "at": 1, "av": 0, "tv": 0, "a": 1, "t": 1, "v": 1}
    assert list(cases.corrected[0].told) == [AT, A, T]
    assert cases.effects[ModalityCombination.ATV].weight is None


def test_without_a_specific_prediction_there_is_no_case():
    one = record(common=[[1.0, -1.0]], whole=[[1.0, -1.0]], labels=[1.0, 1.0])
    cases = find_cases(one, own_dialogues(one), num_cases=9)
    assert cases.corrected == cases.hurt == ()
