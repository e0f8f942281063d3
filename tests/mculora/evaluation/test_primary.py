import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mculora.corpora.manifest import Task
from mculora.evaluation.metrics import PRIMARY, score
from mculora.evaluation.primary import verdicts


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 40), st.sampled_from(Task))
def test_it_is_the_metric(seed, num, task):
    generator = torch.Generator().manual_seed(seed)
    outputs = 1 if task is Task.REGRESSION else 4
    labels = torch.randint(-2, 3, (num,), generator=generator).float() * 0.6
    if task is Task.CLASSIFICATION:
        labels = torch.randint(0, outputs, (num,), generator=generator).float()
    said = torch.randn(2, num, outputs, generator=generator)
    known = torch.rand(num, generator=generator) < 0.8
    said[:, ~known] = torch.nan
    group = torch.randint(-1, 3, (num,), generator=generator)
    found = verdicts(said, labels, known, task).by_group(group.numpy(), 3)
    assert found.shape == (2, 3)
    for seed_number in range(2):
        for number in range(3):
            rows = known & (group == number)
            expected = score(said[seed_number][rows], labels[rows], task)[PRIMARY[task]]
            reached = found[seed_number, number]
            assert np.isnan(reached) if expected is None else reached == pytest.approx(expected)


def test_all_of_them_together():
    said, labels = torch.tensor([[[1.0], [-1.0], [2.0]]]), torch.tensor([1.0, 1.0, 0.0])
    # One of two positives found: F1 of positive 2/3, of the absent negative 0; zero is not counted.
    judged = verdicts(said, labels, torch.ones(3) > 0, Task.REGRESSION)
    assert judged.overall().tolist() == pytest.approx([2 / 3])
