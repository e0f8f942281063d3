"""Padded: the same predictions as the packed network, from tensors alone."""

from itertools import product

import pytest
import torch

from mculora.modality import Modality, ModalityCombination
from mculora.model.padded import PaddedNetwork

VARIANTS = [
    {"adapters": "none"},
    *(
        {"adapters": adapters, "specific": specific, "weight_mlp": weight_mlp}
        for adapters, specific, weight_mlp in product(
            ["input", "every_layer"], ["none", "lowrank", "with_base"], [True, False]
        )
    ),
]
each_variant = pytest.mark.parametrize(
    "variant", VARIANTS, ids=lambda v: " ".join(map(str, v.values()))
)


@torch.no_grad()
def check_same(network, features, present):
    found = PaddedNetwork(network)(*features, present)
    torch.testing.assert_close(
        found, network.predict(features, present), atol=1e-5, rtol=1e-5, equal_nan=True
    )


@each_variant
def test_mixed_presences_and_padding(make_network, features, present, variant):
    check_same(make_network(**variant), features, present)


@each_variant
def test_each_combination(make_network, features, variant):
    network = make_network(**variant)
    for combination in ModalityCombination:
        check_same(network, features, torch.tensor(combination.presence).expand(3, 5, 3))


def test_one_utterance(make_network, features, present):
    check_same(make_network(), [f[:1, :1] for f in features], present[:1, :1])


def test_a_dialogue_where_nothing_is_present(make_network, features, present):
    present = present.clone()
    present[1] = False
    check_same(make_network(), features, present)


@torch.no_grad()
def test_what_is_absent_changes_nothing(make_network, features, present):
    padded = PaddedNetwork(make_network())
    spoilt = [
        f.where(present[..., m, None], torch.nan) for m, f in zip(Modality, features, strict=True)
    ]
    torch.testing.assert_close(
        padded(*spoilt, present), padded(*features, present), atol=0, rtol=0, equal_nan=True
    )
