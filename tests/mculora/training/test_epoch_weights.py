"""Every epoch's judged weights; the chosen one among them is what training ends with."""

from dataclasses import replace

import pytest
import torch
from training_example import TRAINING, build, pretrain, same, weights

from mculora.errors import InputError
from mculora.training.epoch_weights import EpochJournal, load_epoch, num_epochs_of, read_epochs
from mculora.training.fitting import ResumeFile
from mculora.training.trainer import train_network


def train(data, path, *, config=TRAINING, resume=None, stop_after=None):
    """A network, its records, and its journal."""
    network = build(data)
    pretrain(network, data, config)
    journal = EpochJournal(path, network)
    records = []
    for record in train_network(network, data, config, seed=0, resume=resume, journal=journal):
        records.append(record)
        if len(records) == stop_after:
            break
    return network, records, journal


def test_the_chosen_epoch_is_among_them(data, tmp_path):
    config = replace(TRAINING, average_decay=0.5)
    network, records, journal = train(data, tmp_path / "journal", config=config)
    journal.pack(tmp_path / "epochs")
    epochs = read_epochs(tmp_path / "epochs")
    assert num_epochs_of(epochs) == len(records) == journal.num_epochs
    assert not any(name.startswith("encoders") for name in epochs)  # frozen: all epochs have them
    best = [r.epoch for r in records if r.is_selected][-1]
    other = build(data)
    other.load_state_dict(weights(network))
    load_epoch(other, epochs, (best + 1) % len(records))
    assert not same(weights(other), weights(network))
    load_epoch(other, epochs, best)
    assert same(weights(other), weights(network))


def test_keeping_changes_nothing_and_encoders_that_learn_are_kept(data, tmp_path):
    config = replace(TRAINING, freeze_encoders=False)
    network, _, journal = train(data, tmp_path / "journal", config=config)
    assert any(name.startswith("encoders") for name in journal.parameters)
    without = build(data)
    pretrain(without, data, config)
    list(train_network(without, data, config, seed=0))
    assert same(weights(without), weights(network))


@pytest.mark.parametrize("is_kept_whole", [True, False])
def test_a_broken_off_training_ends_with_the_same_file(data, tmp_path, is_kept_whole):
    _, _, journal = train(data, tmp_path / "undisturbed")
    journal.pack(tmp_path / "expected")
    resume = ResumeFile(tmp_path / "resume", every_seconds=0)
    train(data, tmp_path / "journal", resume=resume, stop_after=4)
    content = (tmp_path / "journal").read_bytes()
    if is_kept_whole:  # it was further on than the state, and in the middle of an epoch
        (tmp_path / "journal").write_bytes(content + content[: len(content) // 3])
    else:  # it lost what the state builds upon
        (tmp_path / "journal").write_bytes(content[: len(content) // 2])
    _, records, journal = train(data, tmp_path / "journal", resume=resume)
    journal.pack(tmp_path / "found")
    assert len(records) == journal.num_epochs
    assert (tmp_path / "found").read_bytes() == (tmp_path / "expected").read_bytes()


def test_what_learnt_nothing_has_no_epoch(data, tmp_path):
    EpochJournal(tmp_path / "journal", build(data)).pack(tmp_path / "epochs")
    assert num_epochs_of(read_epochs(tmp_path / "epochs")) == 0


def test_something_else_is_one_line(data, tmp_path):
    with pytest.raises(InputError, match="found nothing"):
        read_epochs(tmp_path / "none")
    (tmp_path / "damaged").write_bytes(b"no weights")
    with pytest.raises(InputError, match="damaged file"):
        read_epochs(tmp_path / "damaged")
    with pytest.raises(InputError, match="weights other"):
        load_epoch(build(data), {"other": torch.zeros(2, 3)}, 0)
