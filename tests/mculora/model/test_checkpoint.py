"""A checkpoint comes back as it was, or is refused with a reason."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mculora.errors import InputError
from mculora.model.checkpoint import load_checkpoint, read_provenance, save_checkpoint

VARIANTS = [
    {},
    {"adapters": "none"},
    {"adapters": "every_layer", "specific": "with_base"},
    {"specific": "none"},
    {"weight_mlp": False, "outputs": 1},
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_round_trip(make_network, features, present, tmp_path, variant):
    network = make_network(**variant)
    path = tmp_path / "new" / "network.safetensors"
    save_checkpoint(path, network, {"seed": 3, "features": {"audio": "abc"}})
    loaded = load_checkpoint(path)
    assert loaded.provenance == {"seed": 3, "features": {"audio": "abc"}}
    assert loaded.network.config == network.config
    expected = network.predict(features, present)
    found = loaded.network.predict(features, present)
    torch.testing.assert_close(found, expected, equal_nan=True, atol=0, rtol=0)


def test_a_loaded_network_can_learn_on(make_network, features, present, tmp_path):
    path = tmp_path / "network.safetensors"
    save_checkpoint(path, make_network().requires_grad_(False), {})
    network = load_checkpoint(path).network
    assert not network.training
    network.predict(features, present).nansum().backward()
    used = [p.grad for name, p in network.named_parameters() if name.endswith(".up")]
    assert all(gradient is not None for gradient in used)


def test_provenance_is_read_without_weights(make_network, tmp_path):
    path = tmp_path / "network.safetensors"
    save_checkpoint(path, make_network(), {"validation_mean": 0.5})
    assert read_provenance(path) == {"validation_mean": 0.5}


@pytest.mark.parametrize("read", [load_checkpoint, read_provenance])
def test_a_file_of_another_program_is_refused(tmp_path, read):
    path = tmp_path / "network.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(InputError, match="no checkpoint of this program"):
        read(path)


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
