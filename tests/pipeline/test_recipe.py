"""From params.yaml to methods: each with what its name says, none twice."""

from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from mculora.training.data import TrainingConfig
from pipeline.params import parse_params
from pipeline.recipe import comparison, training_config

COMMITTED = Path(__file__).parents[2] / "params.yaml"


@pytest.fixture
def compared():
    """The comparison that params.yaml asks for with some of its keys changed."""

    def compare(model=None, train=None, **values):
        content = yaml.safe_load(COMMITTED.read_text(encoding="utf-8")) | values
        content["model"] |= model or {}
        content["train"] |= train or {}
        return comparison(parse_params(content), widths=(3, 4, 5), outputs=1)

    return compare


def names(compared):
    return [method.name for method in compared.methods]


def test_the_order_is_main_baselines_ablations_ranks(compared):
    train = {"baselines": ["specialists", "joint"], "ablations": ["dpft"], "ranks": [4, 2]}
    told = names(compared(train=train, rank=8))
    assert told == ["mculora", "specialists", "joint", "without_dpft", "rank_2", "rank_4"]


def test_nothing_is_compared_where_the_lists_are_empty(compared):
    assert names(compared(train={"baselines": [], "ablations": [], "ranks": []})) == ["mculora"]


def test_the_main_rank_is_not_trained_twice(compared):
    assert "rank_4" not in names(compared(rank=4))


@pytest.mark.parametrize(
    ("model", "train", "name"),
    [
        ({"weight_mlp": False}, {}, "without_weight_mlp"),
        ({}, {"dpft": "off"}, "without_dpft"),
        ({}, {"separation_weight": 0.0, "keep_weight": 0.0}, "without_orthogonality"),
    ],
)
def test_what_is_without_what_the_main_one_lacks_is_not_trained_twice(compared, model, train, name):
    usual, lacking = compared(), compared(model=model, train=train)
    assert name in names(usual) and not usual.same_as_main
    assert name not in names(lacking) and lacking.same_as_main == (name,)


def test_parameters_arrive_where_they_belong(compared):
    model = {"adapters": "every_layer", "specific": "with_base", "freeze_encoders": False}
    main = compared(model=model, train={"average_decay": 0.9, "dpft_range": [0.7, 0.3]}).methods[0]
    assert main.network.adapters == "every_layer" and main.network.specific == "with_base"
    assert main.training.average_decay == 0.9 and not main.training.freeze_encoders
    assert (main.training.dpft_lowest, main.training.dpft_highest) == (0.3, 0.7)


def test_every_setting_of_training_comes_from_the_parameters():
    """What has a default in the library and is no parameter would be a number nobody can see."""
    content = yaml.safe_load(COMMITTED.read_text(encoding="utf-8"))
    changed = {
        key: value + 1 if type(value) is int else value / 2 + 0.01
        for key, value in content["train"].items()
        if type(value) in (int, float)
    }
    content["train"] |= changed | {"dpft": "symmetric", "dpft_range": [0.1, 0.9]}
    content["model"]["freeze_encoders"] = not content["model"]["freeze_encoders"]
    config, default = training_config(parse_params(content)), TrainingConfig()
    of_methods = {"shown", "judged", "measure_conflict"}  # they say what a method is
    same = {f.name for f in fields(config) if getattr(config, f.name) == getattr(default, f.name)}
    assert same == of_methods
