from dataclasses import replace

import numpy as np
import pytest
import torch

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.evaluation.projection import project, project_all
from mculora.evaluation.representations import Represented, draw_rows, represent
from mculora.modality import ModalityCombination
from mculora.model.network import MCULoRA, NetworkConfig

AT, V = ModalityCombination.AT, ModalityCombination.V
HIDDEN = 8


def small_table(num=24, per_dialogue=3):
    draw = torch.Generator().manual_seed(0)
    available = torch.ones(num, 3).bool()
    available[0, 1] = False  # no text
    return FeatureTable(
        ids=tuple(f"u{n}" for n in range(num)),
        dialogue=torch.arange(num) // per_dialogue,
        features=tuple(torch.randn(num, width, generator=draw) for width in (5, 6, 7)),
        available=available,
        labels=torch.randn(num, generator=draw),
    )


def small_network(**changes):
    torch.manual_seed(0)
    config = NetworkConfig((5, 6, 7), 1, hidden=HIDDEN, depth=1, rank=2, **changes)
    network = MCULoRA(config).eval()
    for name, tensor in network.named_parameters():
        if not tensor.any():  # the adapters' B begin at zero
            torch.nn.init.normal_(
                tensor, std=0.1, generator=torch.Generator().manual_seed(len(name))
            )
    return network


def invented(common, specific, labels, dialogue):
    ids = tuple(f"u{n}" for n in range(len(labels)))
    return Represented(
        AT, ids, torch.tensor(labels), torch.tensor(dialogue), common.float(), specific.float()
    )


def test_representations_are_those_of_the_offered_and_zero_where_absent():
    table, network = small_table(), small_network()
    seen = represent(network, table, AT, rows=torch.tensor([0, 4, 9]))
    assert seen.ids == ("u4", "u9"), "u0 has no text"
    assert seen.common.shape == seen.specific.shape == (2, 3 * HIDDEN)
    for side in (seen.common, seen.specific):
        assert side[:, : 2 * HIDDEN].any(1).all()
        assert not side[:, 2 * HIDDEN :].any()
    alone = represent(network, table, AT, rows=torch.tensor([9]))
    torch.testing.assert_close(alone.common[0], seen.common[1])


def test_nothing_offered_is_nothing_represented():
    table = small_table()
    blind = replace(table, available=table.available & torch.tensor([True, True, False]))
    rows = torch.tensor([3, 4])
    assert represent(small_network(), blind, V, rows=rows).common.shape == (0, 3 * HIDDEN)
    projected = {p.combination: p for p in project_all(
        small_network(), blind, Task.REGRESSION, seed=0)}  # fmt: skip
    assert projected[V].common is None
    assert projected[V].silhouette is projected[V].label_from_common is None
    assert projected[AT].common.shape == (23, 2)


def test_without_specific_adapters_there_is_nothing_to_see():
    network = small_network(specific="none")
    assert list(project_all(network, small_table(), Task.REGRESSION, seed=0)) == []
    with pytest.raises(InputError, match="specific adapters"):
        represent(network, small_table(), AT, rows=torch.tensor([1]))


def test_the_same_seed_draws_the_same_rows_and_the_same_picture():
    table = small_table()
    assert draw_rows(table, 5, seed=3).tolist() == draw_rows(table, 5, seed=3).tolist()
    assert draw_rows(table, 99, seed=3).tolist() == list(range(24))
    seen = represent(small_network(), table, AT, rows=draw_rows(table, 20, seed=1))
    one, two = (project(seen, Task.REGRESSION, seed=1) for _ in range(2))
    np.testing.assert_array_equal(one.common, two.common)
    np.testing.assert_array_equal(one.specific, two.specific)
    assert one.label_from_common == two.label_from_common


def test_the_numbers_tell_what_is_apart_and_what_carries_the_label():
    draw = torch.Generator().manual_seed(0)
    labels = [float(1 - 2 * (n % 2)) for n in range(40)]
    noise = torch.randn(2, 40, 6, generator=draw)
    carrying = noise[0] + 4 * torch.tensor(labels)[:, None]
    dialogue = [n // 4 for n in range(40)]
    far = project(invented(carrying, noise[1] + 50, labels, dialogue), Task.REGRESSION, seed=0)
    near = project(invented(noise[0], noise[1], labels, dialogue), Task.REGRESSION, seed=0)
    assert far.silhouette > 0.5 > 0.1 > abs(near.silhouette)
    assert far.label_from_common == 1.0
    assert near.label_from_common < 0.8


def test_numbers_without_a_meaning_are_none():
    same = torch.zeros(12, 4)
    labels, dialogue = [1.0] * 12, list(range(12))
    projected = project(invented(same, same, labels, dialogue), Task.REGRESSION, seed=0)
    assert projected.common is projected.silhouette is projected.label_from_common is None
    one_dialogue = project(
        invented(torch.randn(12, 4), torch.randn(12, 4), [0.0, 1.0] * 6, [0] * 12),
        Task.CLASSIFICATION,
        seed=0,
    )
    assert one_dialogue.label_from_specific is None
