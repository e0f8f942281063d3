"""Transformers models through the same interface: tiny random ones, saved as users save theirs."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
import torch

from mculora.errors import InputError
from mculora.features.encoder import EncoderSpec
from mculora.features.extraction import encode_one
from mculora.features.faces import SeenFaces
from mculora.features.loading import load_encoder
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.modality import Modality

transformers = pytest.importorskip("transformers")

SMALL = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
}


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    yield


@pytest.fixture(scope="module")
def audio_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny-wav2vec2"
    torch.manual_seed(0)
    config = transformers.Wav2Vec2Config(
        **SMALL,
        conv_dim=(16, 16),
        conv_kernel=(10, 8),
        conv_stride=(5, 4),
        num_feat_extract_layers=2,
        feat_extract_norm="layer",
        num_conv_pos_embeddings=16,
        num_conv_pos_embedding_groups=4,
    )
    transformers.Wav2Vec2Model(config).save_pretrained(folder)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def text_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("models") / "tiny-deberta"
    words = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "[MASK]", "i", "like", "it", "not", "today"]
    tokenizer = Tokenizer(
        models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]")
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.DebertaV2Config(**SMALL, vocab_size=len(words), relative_attention=True)
    transformers.DebertaV2Model(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def visual_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny-vit"
    torch.manual_seed(0)
    config = transformers.ViTConfig(**SMALL, image_size=32, patch_size=8)
    transformers.ViTModel(config).save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def encode(spec: EncoderSpec, observation: Observation) -> torch.Tensor | Absence:
    encoder = load_encoder(spec)
    outcome = encode_one(encoder, observation).outcome
    if isinstance(outcome, torch.Tensor):
        assert outcome.shape == (encoder.width,) == (32,)
        assert outcome.dtype == torch.float32
        assert torch.isfinite(outcome).all()
    return outcome


def check_layers_and_repeats(spec: EncoderSpec, observation: Observation) -> None:
    from dataclasses import replace

    last, first = encode(spec, observation), encode(replace(spec, layers=(0,)), observation)
    both = encode(replace(spec, layers=(0, -1)), observation)
    assert torch.equal(last, encode(spec, observation))
    assert not torch.allclose(last, first)
    torch.testing.assert_close(both, (first + last) / 2)


def test_audio(audio_model: Path, tmp_path: Path) -> None:
    sound = np.random.default_rng(0).standard_normal(16_000) * 0.1
    soundfile.write(tmp_path / "a.wav", sound, 16_000)
    spec = EncoderSpec(Modality.AUDIO, str(audio_model))
    observation = Observation(audio_path=tmp_path / "a.wav")
    check_layers_and_repeats(spec, observation)
    short = Observation(audio_path=tmp_path / "a.wav", end_seconds=0.02)
    assert encode(spec, short) == Absence("too short: 0.020 s of sound")


def test_text(text_model: Path) -> None:
    spec = EncoderSpec(Modality.TEXT, str(text_model))
    check_layers_and_repeats(spec, Observation(transcript="i like it"))
    assert encode(spec, Observation(transcript="[LAUGHTER]")) == Absence("empty transcript")
    assert not torch.equal(
        encode(spec, Observation(transcript="i like it")),
        encode(spec, Observation(transcript="i not like it")),
    )


def test_visual(visual_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mculora.features import pretrained

    faces = [np.full((224, 224, 3), 40 * i, np.uint8) for i in range(1, 5)]
    for face in faces:
        cv2.circle(face, (112, 112), 60, (200, 30, 90), 7)
    monkeypatch.setattr(pretrained, "see_faces", lambda *_, **__: SeenFaces(faces, 4))
    spec = EncoderSpec(Modality.VISUAL, str(visual_model))
    check_layers_and_repeats(spec, Observation())
    many = encode(spec, Observation())
    monkeypatch.setattr(pretrained, "_FRAMES_AT_ONCE", 3)
    torch.testing.assert_close(encode(spec, Observation()), many)
    monkeypatch.setattr(pretrained, "see_faces", lambda *_, **__: Absence("no face in 3 frames"))
    assert encode(spec, Observation()) == Absence("no face in 3 frames")


def test_revision_follows_the_files_not_the_place(text_model: Path, tmp_path: Path) -> None:
    copy = tmp_path / text_model.name
    shutil.copytree(text_model, copy)
    here, there = (load_encoder(EncoderSpec(Modality.TEXT, str(f))) for f in (text_model, copy))
    assert here.revision == there.revision
    assert here.name == there.name == text_model.name
    config = copy / "config.json"
    config.write_text(config.read_text().replace("1e-07", "1e-06"))
    changed = load_encoder(EncoderSpec(Modality.TEXT, str(copy)))
    assert changed.revision != here.revision


def test_layers_that_the_model_has_not(text_model: Path) -> None:
    with pytest.raises(InputError, match=r"extract.text.layers: found -4, expected -3 to 2"):
        load_encoder(EncoderSpec(Modality.TEXT, str(text_model), layers=(-4,)))


def test_model_that_is_not_here(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match=r"nobody/no-such-model.*HF_HOME.*local folder") as caught:
        load_encoder(EncoderSpec(Modality.TEXT, "nobody/no-such-model"))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_folder_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not load") as caught:
        load_encoder(EncoderSpec(Modality.AUDIO, str(tmp_path)))
    assert "\n" not in str(caught.value)


def test_loading_says_nothing(audio_model: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_encoder(EncoderSpec(Modality.AUDIO, str(audio_model)))
    assert capfd.readouterr() == ("", "")


def test_a_model_that_ships_code_is_refused(text_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "own-code"
    shutil.copytree(text_model, folder)
    trap = folder / "executed"
    (folder / "own.py").write_text(f"open({str(trap)!r}, 'w')\n")
    (folder / "config.json").write_text(
        '{"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoModel": "own.M"}}'
    )
    with pytest.raises(InputError, match="does not load"):
        load_encoder(EncoderSpec(Modality.TEXT, str(folder)))
    assert not trap.exists()
