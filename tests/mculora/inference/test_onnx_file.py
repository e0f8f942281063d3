"""The ONNX file predicts what the network predicts, for every variant and any size."""

import sys

import pytest
import torch

from mculora.errors import InputError, MCULoRAError
from mculora.inference.onnx_file import check_onnx, write_onnx
from mculora.model.network import MCULoRA, NetworkConfig

CONFIG = {"widths": (5, 7, 6), "hidden": 8, "depth": 1, "rank": 2}
VARIANTS = [
    {"adapters": "none", "outputs": 1},
    {"adapters": "input", "specific": "lowrank", "outputs": 4},
    {"adapters": "input", "specific": "none", "outputs": 1},
    {"adapters": "every_layer", "specific": "with_base", "outputs": 1, "weight_mlp": False},
]


def network_of(**variant):
    torch.manual_seed(0)
    network = MCULoRA(NetworkConfig(**{**CONFIG, "outputs": 1, **variant})).eval()
    for name, parameter in network.named_parameters():
        if name.endswith(".up"):  # zero adapters would hide mistakes
            torch.nn.init.normal_(parameter, std=0.3)
    return network


@pytest.mark.parametrize("variant", VARIANTS, ids=lambda v: " ".join(map(str, v.values())))
def test_the_file_says_what_the_network_says(variant, tmp_path):
    network = network_of(**variant)
    write_onnx(tmp_path / "fusion.onnx", network)
    assert check_onnx(tmp_path / "fusion.onnx", network) <= 1e-5
    (only,) = tmp_path.iterdir()
    assert b".py" not in only.read_bytes(), "paths of this machine"


def test_the_file_of_another_network_is_refused(tmp_path):
    network = network_of()
    write_onnx(tmp_path / "fusion.onnx", network)
    torch.nn.init.normal_(network.predictor.classifier.bias)
    with pytest.raises(MCULoRAError, match=r"differs from the network by .* \(atv, 1 x 1\)"):
        check_onnx(tmp_path / "fusion.onnx", network)


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_without_the_packages_one_line_says_which(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"no package {package}.*pip install 'mculora\[onnx\]'"):
        write_onnx(tmp_path / "fusion.onnx", network_of())
