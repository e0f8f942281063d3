"""A checkpoint comes back as it was, or is refused with a reason."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mculora.errors import InputError
from mculora.model.checkpoint import load_checkpoint, save_checkpoint


def test_round_trip(make_network, features, present, tmp_path):
    network = make_network()
    path = tmp_path / "new" / "network.safetensors"
    save_checkpoint(path, network, {"seed": 3, "features": {"audio": "abc"}})
    loaded = load_checkpoint(path)
    assert loaded.provenance == {"seed": 3, "features": {"audio": "abc"}}
    assert loaded.network.config == network.config
    expected = network(features, present).prediction
    assert torch.equal(loaded.network(features, present).prediction, expected)


def test_same_network_same_bytes(make_network, tmp_path):
    for name in ("a", "b"):
        save_checkpoint(tmp_path / name, make_network(), {"seed": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\x80\x04."])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "network.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="no checkpoint of this program"):
        load_checkpoint(path)


def test_a_missing_file_names_the_command(tmp_path):
    with pytest.raises(InputError, match="mculora train"):
        load_checkpoint(tmp_path / "none")


def test_weights_of_another_architecture_are_refused(make_network, tmp_path):
    path = tmp_path / "network.safetensors"
    save_checkpoint(path, make_network(), {})
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["mculora"])
    facts["config"]["rank"] = 5
    save_file(load_file(path), path, metadata={"mculora": json.dumps(facts)})
    with pytest.raises(InputError, match="another architecture"):
        load_checkpoint(path)
