"""A training that is broken off after any epoch goes on to the same records and the same bits."""

from dataclasses import replace
from itertools import islice

import pytest
import torch
from training_example import TRAINING, build, same, weights

from mculora.modality import Modality
from mculora.training.combination_sampling import DPFTForm
from mculora.training.encoder_pretraining import pretrain_encoder
from mculora.training.fitting import ResumeFile
from mculora.training.selection import BestWeights
from mculora.training.trainer import train_network

EPOCHS = 6
VARIANTS = {
    "as usual": ({}, {}),
    "averaged": ({}, {"average_decay": 0.9}),
    "smoothed": ({}, {"smoothing_epochs": 3}),
    "learning encoders": ({"adapters": "every_layer"}, {"freeze_encoders": False}),
    "no adapters, conflict measured": (
        {"adapters": "none"},
        {"dpft": DPFTForm.OFF, "measure_conflict": True},
    ),
    "stopped early": ({}, {"patience": 1, "learning_rate": 0.1}),
}


@pytest.mark.parametrize("name", VARIANTS)
def test_stage_two_goes_on_from_every_epoch(data, tmp_path, name):
    network_changes, changes = VARIANTS[name]
    config = replace(TRAINING, epochs=EPOCHS, **changes)
    whole = build(data, **network_changes)
    records = list(train_network(whole, data, config, seed=3))
    for num_before in range(len(records) + 1):
        resume = ResumeFile(tmp_path / f"{num_before}.resume", every_seconds=0)
        broken_off = build(data, **network_changes)
        training = train_network(broken_off, data, config, seed=3, resume=resume)
        assert list(islice(training, num_before)) == records[:num_before]
        training.close()
        torch.rand(7)  # another process has other random numbers
        gone_on = build(data, **network_changes)
        assert list(train_network(gone_on, data, config, seed=3, resume=resume)) == records
        assert same(weights(gone_on), weights(whole))


def test_stage_one_goes_on_from_every_epoch(data, tmp_path):
    whole = build(data)
    config = replace(TRAINING, encoder_epochs=EPOCHS)

    def pretrain(network, resume=None):
        return pretrain_encoder(network, Modality.AUDIO, data, config=config, seed=3, resume=resume)

    records = list(pretrain(whole))
    for num_before in range(len(records) + 1):
        resume = ResumeFile(tmp_path / f"{num_before}.resume", every_seconds=0)
        training = pretrain(build(data), resume)
        assert list(islice(training, num_before)) == records[:num_before]
        training.close()
        gone_on = build(data)
        assert list(pretrain(gone_on, resume)) == records
        assert same(weights(gone_on), weights(whole))


def test_a_training_can_be_broken_off_again_and_again(data, tmp_path):
    whole = build(data)
    records = list(train_network(whole, data, TRAINING, seed=0))
    resume = ResumeFile(tmp_path / "resume", every_seconds=0)
    for num_before in range(1, len(records)):
        training = train_network(build(data), data, TRAINING, seed=0, resume=resume)
        list(islice(training, num_before))
        training.close()
    last = build(data)
    assert list(train_network(last, data, TRAINING, seed=0, resume=resume)) == records
    assert same(weights(last), weights(whole))


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04", b"\x80\x04K\x01.", b"\0" * 5000])
def test_a_damaged_resume_file_means_to_begin_anew(data, tmp_path, content):
    records = list(train_network(build(data), data, TRAINING, seed=0))
    resume = ResumeFile(tmp_path / "resume")
    if content is not None:
        resume.path.write_bytes(content)
    assert resume.read() is None
    assert list(train_network(build(data), data, TRAINING, seed=0, resume=resume)) == records


def test_a_cut_resume_file_means_to_begin_anew(data, tmp_path):
    resume = ResumeFile(tmp_path / "resume", every_seconds=0)
    records = list(train_network(build(data), data, TRAINING, seed=0, resume=resume))
    content = resume.path.read_bytes()
    for length in range(0, len(content), len(content) // 20):
        resume.path.write_bytes(content[:length])
        assert resume.read() is None
    assert list(train_network(build(data), data, TRAINING, seed=0, resume=resume)) == records


def test_it_is_written_no_more_often_than_asked(data, tmp_path):
    resume = ResumeFile(tmp_path / "resume", every_seconds=3600)
    list(train_network(build(data), data, TRAINING, seed=0, resume=resume))
    assert not resume.path.exists()


def test_the_best_weights_are_the_first_of_the_highest_score():
    layer = torch.nn.Linear(1, 1)
    best = BestWeights(layer, patience=2)
    answers = []
    for place, score in enumerate([0.1, 0.3, 0.3, 0.2]):
        assert not best.is_exhausted
        torch.nn.init.constant_(layer.weight, place)
        answers.append(best.offer(score))
    assert answers == [True, True, False, False]
    assert best.is_exhausted
    best.restore()
    assert layer.weight.item() == 1
