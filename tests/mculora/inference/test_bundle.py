"""A bundle comes back from its folder as it was, and whatever is wrong with one is one line."""

import json
from dataclasses import replace

import pytest
import torch
from untrained_bundles import untrained_bundle

from mculora.errors import InputError
from mculora.features.face_settings import FaceSettings
from mculora.inference.bundle import FACTS, WEIGHTS, is_bundle, load_bundle, save_bundle
from mculora.modality import Modality, ModalityCombination


@pytest.fixture
def bundle():
    return replace(untrained_bundle("calm", "glad"), params={"rank": 2})


@pytest.fixture
def folder(bundle, tmp_path):
    save_bundle(tmp_path / "model", bundle)
    return tmp_path / "model"


def test_it_comes_back_as_it_was(bundle, folder):
    found = load_bundle(folder)
    assert is_bundle(folder)
    assert found.encoders == bundle.encoders
    assert (found.task, found.class_names, found.corpus) == (
        "classification",
        ("calm", "glad"),
        "sample",
    )
    assert found.provenance == bundle.provenance and found.params == {"rank": 2}
    for name, tensor in bundle.network.state_dict().items():
        assert torch.equal(found.network.state_dict()[name], tensor)
    assert found.temperature(ModalityCombination.AT) == 1.5


def test_every_setting_of_encoders_travels(bundle, tmp_path):
    spec = replace(
        bundle.encoders[Modality.VISUAL],
        layers=(-2, -1),
        faces=FaceSettings(num_frames=3, detector="yunet", align=True),
    )
    save_bundle(tmp_path, replace(bundle, encoders={Modality.VISUAL: spec}))
    assert load_bundle(tmp_path).encoders == {Modality.VISUAL: spec}


def test_an_encoder_inside_is_found_wherever_the_folder_is(bundle, tmp_path):
    (tmp_path / "first/encoders/mine").mkdir(parents=True)
    spec = replace(bundle.encoders[Modality.TEXT], encoder="encoders/mine")
    save_bundle(tmp_path / "first", replace(bundle, encoders={Modality.TEXT: spec}))
    (tmp_path / "first").rename(tmp_path / "second")
    found = load_bundle(tmp_path / "second").encoders[Modality.TEXT]
    assert found.encoder == str(tmp_path / "second/encoders/mine")


def test_without_calibration(bundle):
    provenance = {k: v for k, v in bundle.provenance.items() if k != "calibration"}
    plain = replace(bundle, provenance=provenance)
    assert plain.temperature(ModalityCombination.T) == 1.0
    assert plain.half_width(ModalityCombination.T) is None


def test_no_bundle_at_all(tmp_path):
    with pytest.raises(InputError, match=r"no bundle\.json beside a model\.safetensors"):
        load_bundle(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 99}, "format 99"),
        ({"encoders": {"audio": {"modality": "smell"}}}, "'smell'"),
        ({"encoders": [1]}, "facts that do not fit"),
        ({"class_names": ["calm", "sad"]}, "the facts of another network"),
    ],
)
def test_facts_that_are_not_this_networks(folder, change, told):
    facts = json.loads((folder / FACTS).read_text(encoding="utf-8"))
    (folder / FACTS).write_text(json.dumps({**facts, **change}), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_bundle(folder)
    assert told in str(caught.value) and len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("content", ["", "[]", "{", "null"])
def test_facts_that_are_no_facts(folder, content):
    (folder / FACTS).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"bundle\.json"):
        load_bundle(folder)


def test_damaged_weights(folder):
    (folder / WEIGHTS).write_bytes(b"x" * 100)
    with pytest.raises(InputError, match="no checkpoint"):
        load_bundle(folder)


def test_a_network_whose_names_do_not_fit_its_outputs(bundle, tmp_path):
    provenance = {**bundle.provenance, "class_names": ["calm"]}
    save_bundle(tmp_path, replace(bundle, provenance=provenance))
    with pytest.raises(InputError, match="class names: found 1, expected 2"):
        load_bundle(tmp_path)
