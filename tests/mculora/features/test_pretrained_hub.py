"""Where models come from: the hub's cache first, the hub if need be, and one line if neither."""

import shutil
import socket
import time
from pathlib import Path

import model_hub
import pytest
import tiny_models
import torch
from model_hub import COMMIT

from mculora.errors import InputError
from mculora.features.encoder import EncoderSpec
from mculora.features.extraction import encode_one
from mculora.features.loading import load_encoder
from mculora.features.observation import Observation
from mculora.features.pretrained import hub as hub_module
from mculora.modality import Modality

NAME = "owner/tiny-bert"
REMEDY = "set HF_HOME to a folder that holds it, or give its local folder as the encoder"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache of the hub, as HF_HOME would set it."""
    from huggingface_hub import constants

    folder = tmp_path / "hub"
    folder.mkdir()
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def hub(cache, monkeypatch):
    """A hub at hand with nothing in it."""
    from huggingface_hub import constants

    with model_hub.serve(model_hub.Hub()) as served:
        monkeypatch.setattr(constants, "ENDPOINT", served.endpoint)
        template = served.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        yield served


def spec_of(name=NAME, revision=COMMIT, modality=Modality.TEXT):
    return EncoderSpec(modality, name, revision=revision, dtype="float32")


def refused(spec):
    """The one line that says why a model does not load, soon."""
    start = time.monotonic()
    with pytest.raises(InputError) as caught:
        load_encoder(spec)
    assert time.monotonic() - start < 20
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("revision", [COMMIT, "main"])
def test_a_cached_model_loads_without_a_hub(tiny, cache, no_hub, revision, capfd):
    model_hub.fill_cache(cache, NAME, tiny("bert"))
    capfd.readouterr()
    encoder = load_encoder(spec_of(revision=revision))
    assert (encoder.name, encoder.revision) == (NAME, COMMIT)
    local = load_encoder(spec_of(str(tiny("bert"))))
    words = Observation(transcript="what a wonderful day")
    assert torch.equal(encode_one(encoder, words).outcome, encode_one(local, words).outcome)
    assert capfd.readouterr() == ("", "")


def test_a_pinned_and_cached_model_asks_nobody(tiny, cache, hub):
    model_hub.fill_cache(cache, NAME, tiny("bert"))
    load_encoder(spec_of())
    assert not hub.asked


@pytest.mark.parametrize("revision", [COMMIT, "main"])
def test_what_the_cache_lacks_is_fetched_once(tiny, cache, hub, revision, capfd):
    hub.models[NAME] = tiny("bert")
    capfd.readouterr()
    encoder = load_encoder(spec_of(revision=revision))
    assert (encoder.name, encoder.revision) == (NAME, COMMIT)
    fetched = [path for path in hub.asked if path.endswith("model.safetensors")]
    assert fetched
    load_encoder(spec_of(revision=revision))
    assert fetched == [path for path in hub.asked if path.endswith("model.safetensors")]
    assert capfd.readouterr() == ("", "")
    hub.is_broken = True
    assert load_encoder(spec_of(revision=revision)).revision == COMMIT


def test_one_kind_of_weights_is_fetched(tiny, cache, hub, tmp_path):
    folder = tmp_path / "many"
    shutil.copytree(tiny("bert"), folder)
    unwanted = ["pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "model.fp16.safetensors"]
    for name in unwanted:
        (folder / name).write_bytes(b"0" * 1000)
    hub.models[NAME] = folder
    load_encoder(spec_of())
    [snapshot] = cache.glob("models--*/snapshots/*")
    assert not {path.name for path in snapshot.iterdir()} & set(unwanted)
    safe = folder / "model.safetensors"
    torch.save(__import__("safetensors.torch").torch.load_file(safe), folder / "pytorch_model.bin")
    safe.unlink()
    shutil.rmtree(cache / "models--owner--tiny-bert")
    load_encoder(spec_of())
    [snapshot] = cache.glob("models--*/snapshots/*")
    assert (snapshot / "pytorch_model.bin").exists()


def test_what_is_cached_in_part_is_completed(tiny, cache, hub):
    hub.models[NAME] = tiny("bert")
    model_hub.fill_cache(cache, NAME, tiny("bert"), without=["tokenizer.json"])
    assert load_encoder(spec_of()).revision == COMMIT


def test_a_model_of_which_there_is_nothing(cache, no_hub, capfd):
    line = refused(spec_of("nobody/no-such-model"))
    assert f"nobody/no-such-model, revision {COMMIT}: found no files of it in {cache}" in line
    assert line.endswith(REMEDY)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_model_of_which_there_is_a_part(tiny, cache, no_hub, missing):
    model_hub.fill_cache(cache, NAME, tiny("bert"), without=[missing])
    line = refused(spec_of())
    said = {"tokenizer.json": "tokenizer", "config.json": "files"}.get(missing, missing)
    assert f"found no {said}" in line and str(cache) in line and line.endswith(REMEDY)


def test_a_file_that_was_lost_from_the_cache(tiny, cache, no_hub):
    snapshot = model_hub.fill_cache(cache, NAME, tiny("bert"))
    (snapshot / "model.safetensors").resolve().unlink()
    assert "found no model.safetensors" in refused(spec_of())


def test_a_revision_that_is_not_cached(tiny, cache, no_hub):
    model_hub.fill_cache(cache, NAME, tiny("bert"))
    assert f"revision {'f' * 40}: found no files" in refused(spec_of(revision="f" * 40))
    assert "revision other: found no files" in refused(spec_of(revision="other"))


def test_a_hub_that_refuses(tiny, cache, hub):
    hub.models[NAME] = tiny("bert")
    hub.gated.add("owner/gated")
    line = refused(spec_of("owner/gated"))
    assert f"found a gated model, and no files of it in {cache}" in line
    assert f"{hub.endpoint}/owner/gated" in line and "hf auth login" in line
    assert "found no such model on the hub, or a private one" in refused(spec_of("owner/none"))
    assert "found no such revision of it on the hub" in refused(spec_of(revision="other"))
    hub.is_broken = True
    assert "no way to fetch them (Server error '503" in refused(spec_of())


def test_a_gated_model_that_is_cached(tiny, cache, hub):
    hub.gated.add(NAME)
    model_hub.fill_cache(cache, NAME, tiny("bert"))
    for revision in (COMMIT, "main"):
        assert load_encoder(spec_of(revision=revision)).revision == COMMIT


def test_a_hub_that_is_silent_is_not_waited_for(tiny, cache, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(hub_module, "PATIENCE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        start = time.monotonic()
        assert "no way to fetch them" in refused(spec_of())
        model_hub.fill_cache(cache, NAME, tiny("bert"))
        assert load_encoder(spec_of(revision="main")).revision == COMMIT
        assert time.monotonic() - start < 5


def test_no_hub_at_all(cache, monkeypatch):
    from huggingface_hub import constants

    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{port}")
    assert "no way to fetch them" in refused(spec_of())


def test_a_hub_model_without_what_prepares_its_input(tiny, cache, hub, tmp_path):
    folder = tmp_path / "bare"
    shutil.copytree(tiny("vit"), folder)
    (folder / "preprocessor_config.json").unlink()
    hub.models["owner/bare"] = folder
    line = refused(spec_of("owner/bare", modality=Modality.VISUAL))
    assert "found no preprocessor_config.json in it" in line


@pytest.mark.parametrize("name", ["a//b", "owner/model/", "owner/na me", "owner/../model", "c:\\x"])
def test_names_of_no_model(cache, no_hub, name):
    assert "extract.text.encoder: found" in refused(spec_of(name))


def test_a_path_that_is_no_folder(tmp_path):
    line = refused(spec_of(str(tmp_path / "models" / "gone")))
    assert "which is no folder, expected hashed-ngrams" in line


def test_the_revision_of_a_folder_follows_its_files_not_its_place(tiny, tmp_path):
    copy = tmp_path / "bert"
    shutil.copytree(tiny("bert"), copy)
    here, there = (load_encoder(spec_of(str(folder))) for folder in (tiny("bert"), copy))
    assert here.revision == there.revision
    assert here.name == there.name == "bert"
    (copy / "README.md").write_text("a card")
    assert load_encoder(spec_of(str(copy))).revision == here.revision
    config = copy / "config.json"
    config.write_text(config.read_text().replace("1e-12", "1e-06"))
    assert load_encoder(spec_of(str(copy))).revision != here.revision


def test_a_folder_by_a_path_from_home(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    shutil.copytree(tiny("bert"), tmp_path / "bert")
    assert load_encoder(spec_of("~/bert")).name == "bert"
    monkeypatch.chdir(tmp_path)
    assert load_encoder(spec_of("bert")).name == "bert"


def test_weights_in_shards(tiny, tmp_path):
    import transformers

    model = transformers.BertModel.from_pretrained(tiny("bert"))
    folder = tmp_path / "bert"
    model.save_pretrained(folder, max_shard_size="20KB")
    tiny_models.tokenizer().save_pretrained(folder)
    words = Observation(transcript="what a wonderful day")
    whole, parts = (load_encoder(spec_of(str(one))) for one in (tiny("bert"), folder))
    assert torch.equal(encode_one(whole, words).outcome, encode_one(parts, words).outcome)
    lost = sorted(folder.glob("model-*.safetensors"))[1]
    lost.unlink()
    assert f"no {Path(lost).name} in it" in refused(spec_of(str(folder)))
    (folder / "model.safetensors.index.json").write_text("{}")
    assert "model.safetensors.index.json: found a damaged file" in refused(spec_of(str(folder)))
