"""Sums per cluster give the metrics of scikit-learn, whole or resampled."""

import numpy as np
import pytest
from record_example import dialogues_of, make_record

from mculora.corpora.manifest import Task
from mculora.evaluation.metrics import score
from mculora.evaluation.tallies import clusters_of, metrics_of, tally


@pytest.mark.parametrize("task", Task)
@pytest.mark.parametrize("length", [1, 5])
def test_every_metric_is_that_of_scikit_learn(task, length):
    """Under each condition, for utterances repeated as often as their dialogue was drawn."""
    record = make_record(task, num_folds=1)
    clusters = clusters_of(record, dialogues_of(record, length))
    drawn = np.random.default_rng(1).integers(4, size=len(clusters.fold))
    tallies = tally(record, "joint", clusters)
    found = metrics_of(np.einsum("g,gsqt->sqt", drawn, tallies), task)
    for place, condition in enumerate(record.conditions):
        repeated = np.repeat(np.arange(len(record.ids)), drawn[clusters.of])
        rows = repeated[record.known(condition).numpy()[repeated]]
        for seed, said in enumerate(record.of("joint", condition)):
            expected = score(said[rows], record.labels[rows], task)
            assert expected.keys() == found.keys()
            for metric, value in expected.items():
                assert found[metric][seed, place] == pytest.approx(value, abs=1e-9), metric


@pytest.mark.parametrize("task", Task)
def test_what_scikit_learn_leaves_undefined_is_nan(task):
    record = make_record(task, num=12)
    clusters = clusters_of(record, {})
    nothing = metrics_of(np.zeros_like(tally(record, "joint", clusters)[0]), task)
    assert all(np.isnan(values).all() for values in nothing.values())


def test_neutral_labels_define_no_sign():
    record = make_record()
    record.labels[:] = 0
    clusters = clusters_of(record, {})
    found = metrics_of(tally(record, "joint", clusters).sum(0), Task.REGRESSION)
    undefined = {metric for metric, values in found.items() if np.isnan(values).all()}
    assert undefined == {
        *("acc2_nonzero", "weighted_f1_nonzero", "corr", "mae_nonzero", "corr_nonzero"),
    }


def test_a_constant_prediction_correlates_with_nothing():
    record = make_record()
    record.predictions["joint"][:, 2] = 0.1
    clusters = clusters_of(record, {})
    found = metrics_of(tally(record, "joint", clusters).sum(0), Task.REGRESSION)
    assert (found["corr"][:, 2] == 0).all()
    assert (found["corr"][:, 1] != 0).all()


def test_dialogues_are_clusters_within_their_fold():
    record = make_record(num=6, num_folds=2)
    dialogues = {"u0": "x", "u1": "y", "u2": "y", "u3": "y", "u4": "z"}
    clusters = clusters_of(record, dialogues)
    assert clusters.of.tolist() == [0, 1, 1, 2, 3, 4]  # the last one's dialogue is not known
    assert clusters.fold.tolist() == [0, 0, 1, 1, 1]
    assert clusters.have_several
    assert not clusters_of(record, {}).have_several
