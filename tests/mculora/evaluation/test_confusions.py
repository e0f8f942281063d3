from dataclasses import replace

import numpy as np
import pytest
import torch
from record_example import make_record

from mculora.corpora.manifest import Task
from mculora.evaluation.confusions import confusions
from mculora.evaluation.metrics import SCORE_CLASSES, classification_metrics


@pytest.mark.parametrize("task", Task)
def test_every_prediction_is_counted_once(task):
    record = make_record(task)
    found = confusions(record, "joint", "v")
    num_classes = 4 if task is Task.CLASSIFICATION else 7
    assert found.counts.shape == (3, 2, num_classes, num_classes)
    assert found.total.sum() == 3 * int(record.known("v").sum())
    assert found.classes == (record.class_names or SCORE_CLASSES)


def test_recall_is_averaged_over_folds_and_seeds():
    said = torch.eye(2)[torch.tensor([[0, 1, 1, 0], [0, 0, 1, 1]])][:, None]
    record = replace(
        make_record(Task.CLASSIFICATION, num=4, seeds=(0, 1)),
        class_names=("sad", "glad"),
        labels=torch.tensor([0.0, 0.0, 0.0, 1.0]),
        left={"atv": torch.ones(4, 3) > 0},
        predictions={"mculora": said},
        common=torch.zeros(2, 7, 4, 2),
    )
    found = confusions(record, "mculora", "atv")
    assert found.total.tolist() == [[3, 3], [1, 1]]
    recall = found.recall()
    # Sad, first seed: 1 of 2 in the first fold, 0 of 1 in the second; second seed: 2 of 2, 0 of 1.
    assert recall["sad"].values == (0.25, 0.5)
    assert recall["glad"].values == (0.0, 1.0)  # in one fold only
    single = replace(record, folds=("f",), fold=torch.zeros(4, dtype=torch.int64))
    alone = confusions(single, "mculora", "atv").recall()
    ua = classification_metrics(said[0, 0], record.labels)["ua"]
    assert np.mean([s.values[0] for s in alone.values()]) == pytest.approx(ua)
