"""Models that are damaged, hostile or of another kind: refused in one line, and nothing runs."""

import json
import os
import shutil
from dataclasses import replace

import pytest
import tiny_models
import torch
import transformers
from safetensors.torch import load_file, save_file

from mculora.errors import InputError
from mculora.features.encoder import EncoderSpec, Piece
from mculora.features.extraction import encode_one
from mculora.features.loading import load_encoder
from mculora.features.observation import Observation
from mculora.modality import Modality


@pytest.fixture
def folder(tiny, tmp_path):
    """A model of one's own to spoil."""
    copy = tmp_path / "bert"
    shutil.copytree(tiny("bert"), copy)
    return copy


def spec_of(folder, modality=Modality.TEXT):
    return EncoderSpec(modality, str(folder), dtype="float32")


def refused(spec):
    with pytest.raises(InputError) as caught:
        load_encoder(spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def set_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def weights_to_bin(folder):
    safe = folder / "model.safetensors"
    torch.save(load_file(safe), folder / "pytorch_model.bin")
    safe.unlink()


@pytest.mark.parametrize("size", [0, 7, 3000])
@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin"])
def test_weights_that_were_cut_off(folder, name, size, capfd):
    if name.endswith(".bin"):
        weights_to_bin(folder)
    os.truncate(folder / name, size)
    capfd.readouterr()
    assert str(folder) in refused(spec_of(folder))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"]
)
def test_files_of_rubbish(folder, name):
    (folder / name).write_bytes(bytes(range(256)) * 4)
    assert f"{folder}: found files that do not load" in refused(spec_of(folder))


@pytest.mark.parametrize("name", ["preprocessor_config.json", "config.json"])
def test_a_damaged_processor(tiny, tmp_path, name):
    for model, modality in (("wav2vec2-base", Modality.AUDIO), ("vit", Modality.VISUAL)):
        copy = tmp_path / model
        shutil.copytree(tiny(model), copy)
        (copy / name).write_text("{")
        assert "found files that do not load" in refused(spec_of(copy, modality))


@pytest.mark.parametrize(
    ("model", "name", "modality", "said"),
    [
        ("bert", "config.json", Modality.TEXT, "config.json"),
        ("bert", "model.safetensors", Modality.TEXT, "model.safetensors or pytorch_model.bin"),
        ("bert", "tokenizer.json", Modality.TEXT, "tokenizer"),
        ("vit", "preprocessor_config.json", Modality.VISUAL, "preprocessor_config.json"),
        ("wav2vec2-base", "preprocessor_config.json", Modality.AUDIO, "preprocessor_config.json"),
    ],
)
def test_a_file_that_is_not_there(tiny, tmp_path, model, name, modality, said):
    """What a model normalises by is not guessed, and a tokenizer is not made up."""
    copy = tmp_path / model
    shutil.copytree(tiny(model), copy)
    (copy / name).unlink()
    assert f"found a folder that does not load (no {said} in it)" in refused(
        spec_of(copy, modality)
    )


def test_an_empty_folder(tmp_path):
    assert "no config.json in it" in refused(spec_of(tmp_path))


class Trap:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


@pytest.mark.parametrize("is_zipped", [True, False])
def test_a_bin_that_runs_code_is_refused(folder, tmp_path, is_zipped):
    trap = tmp_path / "executed"
    (folder / "model.safetensors").unlink()
    torch.save(
        {"embeddings.word_embeddings.weight": Trap(trap)},
        folder / "pytorch_model.bin",
        _use_new_zipfile_serialization=is_zipped,
    )
    line = refused(spec_of(folder))
    assert "found a pytorch_model.bin that holds more than weights, or is damaged" in line
    assert "weights_only" not in line
    assert not trap.exists()


def test_a_bin_of_weights_alone_is_the_same_model(tiny, folder):
    words = Observation(transcript="what a wonderful day")
    weights_to_bin(folder)
    one, other = (
        encode_one(load_encoder(spec_of(path)), words).outcome for path in (tiny("bert"), folder)
    )
    assert torch.equal(one, other)


def test_safetensors_are_preferred(folder, tmp_path):
    trap = tmp_path / "executed"
    torch.save({"x": Trap(trap)}, folder / "pytorch_model.bin")
    load_encoder(spec_of(folder))
    assert not trap.exists()


def test_nothing_is_filled_up_with_random_numbers(tiny, folder):
    set_config(folder, num_hidden_layers=5)
    line = refused(spec_of(folder))
    assert "found no weights for 32 of its parts (first encoder.layer.3." in line
    set_config(folder, num_hidden_layers=3, intermediate_size=40)
    assert "found weights of other sizes for 9 of its parts" in refused(spec_of(folder))


@pytest.mark.parametrize("changes", [{"num_attention_heads": 5}, {"num_hidden_layers": "three"}])
def test_configurations_of_no_network(folder, changes):
    set_config(folder, **changes)
    assert "found files that do not load" in refused(spec_of(folder))


def test_names_of_old_checkpoints(tiny, folder):
    """BERT's first checkpoints call the parts of a normalisation gamma and beta."""
    path = folder / "model.safetensors"
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    weights = {}
    for name, value in load_file(path).items():
        for new, former in old.items():
            name = name.replace(new, former)
        weights[f"bert.{name}"] = value
    save_file(weights, path, metadata={"format": "pt"})
    words = Observation(transcript="what a wonderful day")
    one, other = (
        encode_one(load_encoder(spec_of(path)), words).outcome for path in (tiny("bert"), folder)
    )
    assert torch.equal(one, other)


def test_a_model_that_ships_code_is_refused(folder):
    trap = folder / "executed"
    (folder / "own.py").write_text(f"open({str(trap)!r}, 'w')\n")
    maps = {"AutoConfig": "own.C", "AutoModel": "own.M"}
    set_config(folder, model_type="own", auto_map=maps)
    line = refused(spec_of(folder))
    assert (
        "found a model that needs code which it ships, expected an architecture of the tra" in line
    )
    assert not trap.exists()


def test_code_beside_a_model_that_needs_none(folder):
    trap = folder / "executed"
    (folder / "own.py").write_text(f"open({str(trap)!r}, 'w')\n")
    set_config(folder, auto_map={"AutoConfig": "own.C", "AutoModel": "own.M"})
    load_encoder(spec_of(folder))
    assert not trap.exists()


def test_a_tokenizer_that_ships_code_is_refused(folder):
    path, trap = folder / "tokenizer_config.json", folder / "executed"
    (folder / "own.py").write_text(f"open({str(trap)!r}, 'w')\n")
    own = {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.T", "own.T"]}}
    path.write_text(json.dumps({**json.loads(path.read_text()), **own}))
    (folder / "tokenizer.json").rename(folder / "vocab.json")
    refused(spec_of(folder))
    assert not trap.exists()


@pytest.mark.parametrize(
    ("name", "modality", "takes"),
    [
        ("bert", Modality.AUDIO, "a bert model that takes text"),
        ("bert", Modality.VISUAL, "a bert model that takes text"),
        ("wav2vec2-base", Modality.TEXT, "a wav2vec2 model that takes audio"),
        ("whisper", Modality.TEXT, "a whisper model that takes audio"),
        ("clip", Modality.TEXT, "a clip model that takes visual"),
        ("videomae", Modality.AUDIO, "a videomae model that takes visual"),
    ],
)
def test_a_model_of_another_modality(tiny, tmp_path, name, modality, takes):
    copy = tmp_path / name
    shutil.copytree(tiny(name), copy)
    for other in ("bert", "vit", "wav2vec2-base"):  # whatever prepares input is there
        for path in tiny(other).iterdir():
            if not (copy / path.name).exists():
                shutil.copy(path, copy)
    line = refused(spec_of(copy, modality))
    assert f"extract.{modality.word}.encoder: found {name}, {takes}, expected a model that" in line


def test_an_unknown_architecture(folder):
    set_config(folder, model_type="not-yet-known")
    line = refused(spec_of(folder))
    assert "has model type `not-yet-known`" in line and "pip" not in line


def test_loading_leaves_the_librarys_voice_as_it_was(folder):
    logging = transformers.utils.logging
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    load_encoder(spec_of(folder))
    (folder / "config.json").write_text("{")
    refused(spec_of(folder))
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before


def test_loading_says_nothing(tiny, capfd):
    for name, modality in (
        ("wav2vec2-base", Modality.AUDIO),
        ("whisper", Modality.AUDIO),
        ("bert", Modality.TEXT),
        ("vit-fer", Modality.VISUAL),
        ("clip", Modality.VISUAL),
    ):
        spec = replace(spec_of(tiny(name)), modality=modality)
        capfd.readouterr()
        load_encoder(spec)
        assert capfd.readouterr() == ("", "")


def test_heads_and_other_towers_are_not_loaded(tiny):
    for name, modality, part in (
        ("vit-fer", Modality.VISUAL, "classifier"),
        ("clip", Modality.VISUAL, "text"),
        ("siglip", Modality.VISUAL, "text"),
        ("whisper", Modality.AUDIO, "decoder"),
    ):
        module = load_encoder(spec_of(tiny(name), modality))._network._module
        assert not [key for key, _ in module.named_parameters() if part in key or "head." in key]
    assert tiny_models.LAYERS == 3


@pytest.mark.parametrize("value", [0, None, "x"])
def test_a_processor_with_odd_values(tiny, tmp_path, value):
    copy = tmp_path / "sound"
    shutil.copytree(tiny("wav2vec2-base"), copy)
    path = copy / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "sampling_rate": value}))
    assert str(copy) in refused(spec_of(copy, Modality.AUDIO))


def test_a_processor_that_does_not_fit_its_network(tiny, tmp_path):
    copy = tmp_path / "faces"
    shutil.copytree(tiny("vit"), copy)
    (copy / "preprocessor_config.json").write_text('{"image_processor_type": "ViTImageProcessor"}')
    encoder = load_encoder(spec_of(copy, Modality.VISUAL))
    piece = Piece(
        {"frames": torch.zeros(1, 3, 224, 224, dtype=torch.uint8), "seen": torch.tensor(1)}, 1
    )
    with pytest.raises(InputError, match="refuses what its processor makes") as caught:
        encoder.encode([piece])
    assert "\n" not in str(caught.value)
