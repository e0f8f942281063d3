"""The sweep: each condition equals passes of its own, at the price of what really differs."""

from dataclasses import replace

import pytest
import torch

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.evaluation import prediction
from mculora.evaluation.metrics import REGRESSION_METRICS
from mculora.evaluation.prediction import (
    fixed_combinations,
    predict_by_specialists,
    predict_conditions,
)
from mculora.evaluation.sweep import align_masks, evaluate_conditions
from mculora.modality import Modality, ModalityCombination
from mculora.model.network import MCULoRA, NetworkConfig
from mculora.model.packing import pack

WIDTHS = (3, 4, 5)
LENGTHS = [4, 1, 7, 1, 3, 4, 10]
VARIANTS = [{}, {"adapters": "every_layer", "specific": "with_base"}, {"adapters": "none"}]


def make_table(lengths: list[int], share: float = 0.8) -> FeatureTable:
    generator = torch.Generator().manual_seed(0)
    num = sum(lengths)
    available = torch.rand(num, 3, generator=generator) < share
    available[~available.any(1)] = True
    return FeatureTable(
        ids=tuple(f"u{n}" for n in range(num)),
        dialogue=torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths)),
        features=tuple(torch.randn(num, w, generator=generator) for w in WIDTHS),
        available=available,
        labels=torch.randn(num, generator=generator),
    )


def make_network(seed: int = 0, **changes) -> MCULoRA:
    torch.manual_seed(seed)
    config = NetworkConfig(WIDTHS, 2, hidden=8, depth=2, heads=2, rank=2)
    network = MCULoRA(replace(config, **changes))
    for name, parameter in network.named_parameters():
        if name.endswith(".up"):
            torch.nn.init.normal_(parameter)
    return network.eval()


def conditions(table: FeatureTable) -> dict[str, torch.Tensor]:
    """The seven, and three rates at which some utterances keep nothing."""
    generator = torch.Generator().manual_seed(1)
    kept = fixed_combinations(table)
    for rate in (0.1, 0.6, 0.9):
        kept[f"rate-{rate}"] = torch.rand(len(table.ids), 3, generator=generator) >= rate
    return kept


def one_by_one(network: MCULoRA, table: FeatureTable, kept: torch.Tensor) -> torch.Tensor:
    """A forward per dialogue."""
    left = table.available & kept
    predictions = torch.full((len(table.ids), network.config.outputs), torch.nan)
    for dialogue in table.dialogue.unique():
        rows = ((table.dialogue == dialogue) & left.any(1)).nonzero()[:, 0]
        if len(rows):
            batch = pack(table.features, rows, dialogue=table.dialogue[rows], present=left[rows])
            predictions[rows] = network(batch).prediction.detach()
    return predictions


def count_encoded(network: MCULoRA) -> dict[str, int]:
    """Counts the rows that each encoder computes from here on."""
    counts = {m.word: 0 for m in Modality}

    def hook(modality):
        def count(_module, inputs, _output):
            counts[modality.word] += len(inputs[0])

        return count

    for modality in Modality:
        network.encoders[modality].project.register_forward_hook(hook(modality))
    return counts


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("lengths", [LENGTHS, [1] * 12, [1], [6]], ids=str)
def test_each_condition_equals_a_forward_of_its_own(lengths, variant):
    table, network = make_table(lengths), make_network(**variant)
    kept = conditions(table)
    predictions = predict_conditions(network, table, kept)
    assert list(predictions) == list(kept)
    for condition, predicted in predictions.items():
        expected = one_by_one(network, table, kept[condition])
        torch.testing.assert_close(predicted, expected, equal_nan=True, atol=1e-5, rtol=1e-5)
        nothing = ~(table.available & kept[condition]).any(1)
        assert torch.equal(torch.isnan(predicted).all(1), nothing)


@pytest.mark.parametrize("at_once", [1, 30, 10**6])
def test_how_many_at_once_changes_nothing(monkeypatch, at_once):
    table, network = make_table(LENGTHS), make_network()
    kept = conditions(table)
    before = predict_conditions(network, table, kept)
    monkeypatch.setattr(prediction, "PREDICTIONS_AT_ONCE", at_once)
    after = predict_conditions(network, table, kept)
    for condition in kept:
        torch.testing.assert_close(
            after[condition], before[condition], equal_nan=True, atol=1e-6, rtol=1e-6
        )


def test_the_seven_combinations_share_one_pass():
    table, network = make_table(LENGTHS), make_network()
    counts = count_encoded(network)
    predict_conditions(network, table, fixed_combinations(table))
    assert list(counts.values()) == table.available.sum(0).tolist()


def test_dialogues_of_one_share_a_pass_under_every_condition():
    table, network = make_table([1] * 20), make_network()
    counts = count_encoded(network)
    predict_conditions(network, table, conditions(table))
    assert list(counts.values()) == table.available.sum(0).tolist()


def test_only_what_differs_is_encoded_again():
    """Whole dialogues once; where a part is left, that part once more per condition."""
    table, network = make_table(LENGTHS), make_network()
    kept = conditions(table)
    expected = {m.word: 0 for m in Modality}
    for modality in Modality:
        for dialogue in table.dialogue.unique():
            rows = (table.dialogue == dialogue) & table.available[:, modality]
            seen = [int((rows & shown[:, modality]).sum()) for shown in kept.values()]
            whole = int(rows.sum())
            expected[modality.word] += whole + sum(count for count in seen if count < whole)
    counts = count_encoded(network)
    predict_conditions(network, table, kept)
    assert counts == expected


def test_no_encoder_runs_whose_modality_is_not_asked_for():
    table, network = make_table(LENGTHS), make_network()
    counts = count_encoded(network)
    predict_conditions(network, table, {"t": fixed_combinations(table)["t"]})
    assert counts == {"audio": 0, "text": int(table.available[:, 1].sum()), "visual": 0}


def test_the_network_is_left_as_it_was_found():
    table, network = make_table(LENGTHS), make_network()
    expected = predict_conditions(network, table, fixed_combinations(table))
    network.train()
    network.encoders.eval()
    modes = [module.training for module in network.modules()]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    found = predict_conditions(network, table, fixed_combinations(table))
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)
    for word, predicted in found.items():
        assert torch.equal(predicted.nan_to_num(), expected[word].nan_to_num())


def test_all_that_is_computed_stays_on_the_device_of_the_network():
    """A device without values: it refuses whatever is still on the CPU."""
    meta = torch.device("meta")
    table = make_table(LENGTHS)
    for variant in VARIANTS:
        network = make_network(**variant).to(meta)
        predictions = predict_conditions(network, table.to(meta), conditions(table))
        assert {predicted.device for predicted in predictions.values()} == {meta}


def test_specialists_predict_what_is_left_to_them():
    """The network of `at` predicts what is left with audio and text, and sees no picture."""
    table = make_table(LENGTHS)
    networks = {c: make_network(seed=c, adapters="none") for c in ModalityCombination}
    kept = conditions(table)
    predictions = predict_by_specialists(networks, table, kept)
    assert list(predictions) == list(kept)
    for condition, predicted in predictions.items():
        left = table.available & kept[condition]
        expected = torch.full_like(predicted, torch.nan)
        for combination, network in networks.items():
            presence = torch.tensor(combination.presence)
            own = (left == presence).all(1)
            expected[own] = one_by_one(network, table, left & presence)[own]
        torch.testing.assert_close(predicted, expected, equal_nan=True, atol=1e-5, rtol=1e-5)


def test_specialists_compute_for_their_own_utterances_only():
    table = make_table(LENGTHS, share=1.0)
    networks = {c: make_network(seed=c, adapters="none") for c in ModalityCombination}
    counts = {c: count_encoded(network) for c, network in networks.items()}
    predict_by_specialists(networks, table, fixed_combinations(table))
    for combination, count in counts.items():
        expected = [sum(LENGTHS) * flag for flag in combination.presence]
        assert list(count.values()) == expected


def test_a_lacking_specialist_is_named():
    table = make_table(LENGTHS)
    networks = {ModalityCombination.ATV: make_network()}
    with pytest.raises(InputError, match="one for `at`"):
        predict_by_specialists(networks, table, fixed_combinations(table))


def test_scores_say_how_many_and_how_much_was_missing():
    table, network = make_table(LENGTHS), make_network(outputs=1)
    kept = fixed_combinations(table)
    predictions = predict_conditions(network, table, kept)
    scores = evaluate_conditions(predictions, table, kept, Task.REGRESSION)
    assert list(scores) == list(kept)
    assert scores["t"].num_utterances == int(table.available[:, 1].sum())
    assert scores["t"].realised_rate == pytest.approx(2 / 3)
    assert scores["atv"].realised_rate == pytest.approx(1 - table.available.float().mean().item())


def test_masks_follow_their_ids():
    table = make_table(LENGTHS)
    ids = tuple(reversed(table.ids))
    present = torch.rand(len(ids), 3) < 0.5
    aligned = align_masks(ids, {"rate-0.5": present}, table)
    assert torch.equal(aligned["rate-0.5"], present.flip(0))
    with pytest.raises(InputError, match="mculora split"):
        align_masks(ids[1:], {"rate-0.5": present[1:]}, table)


def test_a_condition_that_leaves_nothing_has_no_metric():
    """A release without videos: `v` alone cannot be tested, all else is as if it were not asked."""
    table, network = make_table(LENGTHS), make_network(outputs=1)
    available = table.available & torch.tensor([True, True, False])
    available[~available.any(1), 0] = True
    blind = replace(table, available=available)
    kept = fixed_combinations(table)
    predictions = predict_conditions(network, blind, kept)
    scores = evaluate_conditions(predictions, blind, kept, Task.REGRESSION)
    assert scores["v"].num_utterances == 0
    assert scores["v"].realised_rate is None
    assert scores["v"].metrics == dict.fromkeys(REGRESSION_METRICS)
    for word, same in {"atv": "at", "av": "a", "tv": "t"}.items():
        assert scores[word].metrics == pytest.approx(scores[same].metrics)
        assert scores[word].num_utterances == scores[same].num_utterances > 0
        assert None not in scores[word].metrics.values()
