from types import SimpleNamespace

import pytest
import torch

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.model.network import MCULoRA, NetworkConfig
from pipeline.evaluating.representation_tables import read_points, read_separations
from pipeline.evaluating.representing import BestNetwork
from pipeline.layout import Layout


def table(prefix):
    return FeatureTable(
        ids=tuple(f"{prefix}{n}" for n in range(8)),
        dialogue=torch.arange(8) // 2,
        features=tuple(torch.randn(8, 4) for _ in range(3)),
        available=torch.ones(8, 3).bool(),
        labels=torch.tensor([1.0, -1.0] * 4),
    )


def checkpoint(validation, **changes):
    network = MCULoRA(NetworkConfig((4, 4, 4), 1, hidden=8, depth=1, rank=2, **changes)).eval()
    return SimpleNamespace(network=network, provenance={"validation_mean": validation})


@pytest.mark.parametrize("scores, best", [([0.5, 0.7, 0.7], "1-"), ([None, 0.1, None], "1-")])
def test_validation_decides_whose_representations_are_written(tmp_path, scores, best):
    layout, seen = Layout("sample", tmp_path), BestNetwork()
    for place, score in enumerate(scores):
        seen.see(checkpoint(score), table(f"{place}-"))
    seen.write(layout, Task.REGRESSION, seed=0)
    assert {point.id[:2] for point in read_points(layout.representations)} == {best}
    assert [one.utterances for one in read_separations(layout.separation)] == [8] * 7


def test_without_specific_adapters_the_tables_are_empty(tmp_path):
    layout, seen = Layout("sample", tmp_path), BestNetwork()
    seen.see(checkpoint(0.5, specific="none"), table(""))
    seen.write(layout, Task.REGRESSION, seed=0)
    assert read_points(layout.representations) == read_separations(layout.separation) == []
