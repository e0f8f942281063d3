"""Resamples: the same every time, about the sample's own value, as wide as theory has it."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from record_example import dialogues_of, make_record
from scipy.stats import t

from mculora.corpora.manifest import Task
from mculora.evaluation.bootstrap import (
    MEAN,
    POOLED,
    ROBUSTNESS,
    Draws,
    Resampled,
    draw,
    resample,
)
from mculora.evaluation.metrics import PRIMARY, score
from mculora.evaluation.robustness import relative_robustness
from mculora.evaluation.statistics import INTERVALS
from mculora.evaluation.tallies import Clusters, clusters_of
from mculora.modality import ModalityCombination

WORDS = [c.word for c in ModalityCombination]


def resampled(record, method="mculora", *, dialogues=None, num=200, seed=0):
    clusters = clusters_of(record, dialogues or {})
    draws = draw(clusters, len(record.seeds), num_resamples=num, seed=seed)
    return resample(record, method, clusters=clusters, draws=draws)


@pytest.mark.parametrize("task", Task)
def test_the_sample_itself_comes_first(task):
    """Means over the folds, then over the combinations; pooled over both."""
    record = make_record(task)
    found, primary = resampled(record), PRIMARY[task]

    def of_fold(seed, condition, fold):
        rows = record.known(condition) & (record.fold == fold)
        return score(record.of("mculora", condition)[seed, rows], record.labels[rows], task)

    for seed in range(3):
        values = [np.mean([of_fold(seed, c, f)[primary] for f in range(2)]) for c in WORDS]
        assert found.by_seed(primary, "at")[seed] == pytest.approx(values[1])
        assert found.by_seed(primary, MEAN)[seed] == pytest.approx(np.mean(values))
        said = torch.cat([record.of("mculora", c)[seed, record.known(c)] for c in WORDS])
        labels = torch.cat([record.labels[record.known(c)] for c in WORDS])
        assert found.by_seed(primary, POOLED)[seed] == pytest.approx(
            score(said, labels, task)[primary]
        )


def test_robustness_is_over_the_realised_rates():
    record = make_record(num_folds=1)
    found = resampled(record)
    rates = [c for c in record.conditions if c.startswith("rate")]
    realised = [1 - record.left[c][record.known(c)].float().mean().item() for c in rates]
    values = np.array([found.by_seed("corr", c) for c in rates]).T
    expected = relative_robustness(values, np.array(realised))
    assert found.by_seed("corr", ROBUSTNESS) == pytest.approx(expected.tolist())
    assert ROBUSTNESS not in found.metrics["mae"]  # less is better: no share of a score


def test_the_same_draws_every_time():
    record = make_record()
    first, again, other = resampled(record), resampled(record), resampled(record, seed=1)
    assert first.intervals("corr", "t") == again.intervals("corr", "t")
    assert first.intervals("corr", "t") != other.intervals("corr", "t")


def test_a_resample_keeps_the_size_of_each_fold_and_the_weight_of_all_seeds():
    record = make_record(num=22, num_folds=3)
    clusters = clusters_of(record, dialogues_of(record, 3))
    draws = draw(clusters, 3, num_resamples=50)
    assert draws.clusters.shape == (51, len(clusters.fold))
    assert (draws.clusters[0] == 1).all()
    for fold in range(3):
        of_fold = clusters.fold == fold
        assert (draws.clusters[:, of_fold].sum(1) == of_fold.sum()).all()
    assert draws.seeds.sum(1) == pytest.approx(1)
    assert draws.seeds[0] == pytest.approx(1 / 3)


def test_the_interval_over_utterances_is_the_normal_one():
    """The mean absolute error is a mean: its standard error is known."""
    record = make_record(num=400, num_folds=1, seeds=(0,))
    said, known = record.of("mculora", "t")[0, :, 0], record.known("t")
    errors = (said - record.labels)[known].abs().double().numpy()
    interval = resampled(record, num=4000).intervals("mae", "t")["over_utterances"]
    reach = 1.96 * errors.std() / len(errors) ** 0.5
    assert interval.low == pytest.approx(errors.mean() - reach, abs=0.1 * reach)
    assert interval.high == pytest.approx(errors.mean() + reach, abs=0.1 * reach)


def test_dialogues_that_agree_make_it_wider():
    record = make_record(num=200, num_folds=1, seeds=(0,))
    for tensor in (record.labels, *record.left.values()):
        tensor.copy_(tensor[torch.arange(200) // 5 * 5])
    said = record.predictions["mculora"]
    said.copy_(said[:, :, torch.arange(200) // 5 * 5])
    alone, together = (
        resampled(record, dialogues=d, num=1000).intervals("mae", "atv")["over_utterances"]
        for d in ({}, dialogues_of(record, 5))
    )
    ratio = (together.high - together.low) / (alone.high - alone.low)
    assert ratio == pytest.approx(5**0.5, rel=0.15)


@pytest.mark.parametrize("num_seeds", [3, 5, 20])
def test_the_interval_over_seeds_is_nearly_students(num_seeds):
    record = make_record(num=300, num_folds=1, seeds=tuple(range(num_seeds)))
    found = resampled(record, num=4000)
    values = found.by_seed("mae", MEAN)
    interval = found.intervals("mae", MEAN)["over_seeds"]
    expected = 2 * t.ppf(0.975, num_seeds - 1) * np.std(values, ddof=1) / num_seeds**0.5
    # Three seeds have ten resamples: rough.
    assert interval.high - interval.low == pytest.approx(expected, rel=0.25)


def test_both_is_wider_than_each():
    found = resampled(make_record(), num=1000)
    width = {n: i.high - i.low for n, i in found.intervals("mae", MEAN).items()}
    assert tuple(width) == INTERVALS
    assert width["over_both"] > max(width["over_utterances"], width["over_seeds"])


def test_intervals_cover_what_they_are_of():
    """Each utterance and each seed has an effect of its own; what would other ones have had?"""
    num, num_seeds, times = 30, 5, 100
    clusters = Clusters(np.arange(num), np.zeros(num, dtype=np.int64))
    covered = dict.fromkeys(INTERVALS, 0)
    for test in range(times):
        rng = np.random.default_rng(test)
        of_seed, of_utterance = rng.normal(0, 0.3, num_seeds), rng.normal(0, 1, num)
        scores = of_seed[:, None] + of_utterance + rng.normal(0, 0.5, (num_seeds, num))
        draws = draw(clusters, num_seeds, num_resamples=300, seed=test)
        values = {"mae": {MEAN: draws.clusters @ scores.T / num}}
        found = Resampled(draws, values, is_difference=True)  # about zero
        truth = {"over_utterances": of_seed.mean(), "over_seeds": of_utterance.mean()}
        for name, interval in found.intervals("mae", MEAN).items():
            covered[name] += interval.low <= truth.get(name, 0) <= interval.high
    assert all(count >= 0.87 * times for count in covered.values()), covered


def test_a_paired_difference_is_narrower_than_its_parts():
    """Two methods that err alike differ for certain, however uncertain each of them is."""
    record = make_record(num=200)
    ours = record.predictions["mculora"]
    theirs = ours + 0.1 * (ours - record.labels[:, None])  # each error a tenth larger
    record = replace(record, predictions={"mculora": ours, "joint": theirs})
    clusters = clusters_of(record, {})
    draws = draw(clusters, 3, num_resamples=500)
    a, b = (resample(record, m, clusters=clusters, draws=draws) for m in record.predictions)
    difference = b.minus(a).intervals("mae", MEAN)["over_both"]
    alone = a.intervals("mae", MEAN)["over_both"]
    assert difference.low > 0
    assert difference.high - difference.low < 0.3 * (alone.high - alone.low)
    assert a.minus(a).only("mae").intervals("mae", MEAN)["over_both"].high == 0


def test_what_cannot_be_resampled_has_no_interval():
    one_seed = resampled(make_record(seeds=(0,)))
    assert tuple(one_seed.intervals("mae", MEAN)) == ("over_utterances",)
    record = make_record(num_folds=1)
    one_dialogue = resampled(record, dialogues=dict.fromkeys(record.ids, "d"))
    assert tuple(one_dialogue.intervals("mae", MEAN)) == ("over_seeds",)


def test_what_is_undefined_has_no_interval_and_stays_out_of_means():
    """A release without videos: `v` alone leaves nothing; and a single utterance."""
    record = make_record()
    record.left["v"][:] = False
    record.predictions["mculora"][:, 6] = torch.nan
    found = resampled(record)
    assert found.by_seed("corr", "v") == [None] * 3
    assert found.intervals("corr", "v") == {}
    assert np.isfinite(found.metrics["corr"][MEAN]).all()
    assert found.intervals("corr", MEAN)["over_both"].low > 0
    single = resampled(make_record(num=1, num_folds=1))
    assert single.by_seed("corr", MEAN) == [None] * 3
    assert single.intervals("corr", MEAN) == single.intervals("corr", ROBUSTNESS) == {}


def test_stretched_seeds_do_not_lead_out_of_a_metrics_range():
    seeds = np.array([[0.5, 0.5], [2.0, -1.0], [-1.0, 2.0], [2.0, -1.0], [-1.0, 2.0]])
    draws = Draws(np.ones((5, 1)), seeds, 0)
    found = Resampled(draws, {"acc7": {"atv": np.tile([0.9, 1.0], (5, 1))}})
    interval = found.intervals("acc7", "atv")["over_seeds"]
    assert (interval.low, interval.high) == (pytest.approx(0.8, abs=0.01), 1.0)
    difference = found.minus(Resampled(draws, {"acc7": {"atv": np.ones((5, 2))}}))
    assert difference.intervals("acc7", "atv")["over_seeds"].low == pytest.approx(-0.2, abs=0.01)
