from dataclasses import replace

import pytest
from training_example import TRAINING, build, pretrain, same, weights

from mculora.evaluation.metrics import PRIMARY, score
from mculora.evaluation.prediction import fixed_combinations, predict_conditions
from mculora.modality import ModalityCombination
from mculora.training.epoch_weights import EpochJournal, load_epoch, read_epochs
from mculora.training.hindsight import scores_by_epoch
from mculora.training.trainer import train_network


@pytest.mark.parametrize("freeze_encoders", [True, False])
def test_every_epoch_scores_as_a_network_with_its_weights_does(data, tmp_path, freeze_encoders):
    config = replace(TRAINING, epochs=3, freeze_encoders=freeze_encoders)
    network = build(data)
    pretrain(network, data, config)
    journal = EpochJournal(tmp_path / "journal", network)
    records = list(train_network(network, data, config, seed=0, journal=journal))
    journal.pack(tmp_path / "epochs")
    epochs, table = read_epochs(tmp_path / "epochs"), data.validation
    before = weights(network.encoders)
    found = scores_by_epoch(network, epochs, table, data.task)
    assert len(found) == len(records) == 3
    for record, scores in zip(records, found, strict=True):
        assert scores == pytest.approx(record.validation)
        load_epoch(network, epochs, record.epoch)
        predictions = predict_conditions(network, table, fixed_combinations(table))
        for word, predicted in predictions.items():
            known = predicted.isfinite().all(1)
            expected = score(predicted[known], table.labels[known], data.task)
            assert scores[word] == pytest.approx(expected[PRIMARY[data.task]])
    assert same(weights(network.encoders), before) or not freeze_encoders


def test_frozen_encoders_are_asked_once(data, tmp_path):
    config = replace(TRAINING, epochs=3)
    network = build(data)
    pretrain(network, data, config)
    journal = EpochJournal(tmp_path / "journal", network)
    list(train_network(network, data, config, seed=0, journal=journal))
    journal.pack(tmp_path / "epochs")
    asked = []
    hook = network.encoders[0].register_forward_hook(lambda *_: asked.append(1))
    own = (ModalityCombination.A,)
    found = scores_by_epoch(
        network, read_epochs(tmp_path / "epochs"), data.validation, data.task, own
    )
    hook.remove()
    assert len(asked) == 1
    assert [set(scores) for scores in found] == [{"a"}] * 3
