"""Words by models for speech recognition, tiny and random: loaded safely, heard piece by piece."""

import json

import pytest
import soundfile
import tiny_models
import torch
import transformers
from spoken import speech

from mculora.errors import InputError
from mculora.features.observation import Observation
from mculora.inference.speech_recognition import SpeechRecognition

LETTERS = ["<pad>", "<s>", "</s>", "<unk>", "|", *"abcdefghijklmnopqrstuvwxyz'"]


@pytest.fixture(scope="module")
def listening(tmp_path_factory):
    """wav2vec 2.0 with CTC: a letter per moment."""
    folder = tmp_path_factory.mktemp("ctc")
    vocabulary = folder / "letters.json"
    vocabulary.write_text(json.dumps({letter: i for i, letter in enumerate(LETTERS)}))
    tokenizer = transformers.Wav2Vec2CTCTokenizer(str(vocabulary))
    extractor = transformers.Wav2Vec2FeatureExtractor(return_attention_mask=True)
    config = transformers.Wav2Vec2Config(
        **tiny_models.SIZES,
        conv_dim=(16, 16, 16),
        conv_kernel=(10, 4, 4),
        conv_stride=(5, 4, 4),
        num_feat_extract_layers=3,
        num_conv_pos_embeddings=8,
        num_conv_pos_embedding_groups=4,
        feat_extract_norm="layer",
        vocab_size=len(LETTERS),
        pad_token_id=0,
    )
    model = transformers.Wav2Vec2ForCTC(config)
    processor = transformers.Wav2Vec2Processor(extractor, tokenizer)
    return tiny_models.save(folder / "model", model, processor)


@pytest.fixture(scope="module")
def writing(tmp_path_factory):
    """Whisper: word by word."""
    folder = tmp_path_factory.mktemp("whisper") / "model"
    tiny_models.save_whisper(folder)
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(folder)
    letters = ["<pad>", "<s>", "<|endoftext|>", "<|startoftranscript|>", *LETTERS[5:]]
    vocabulary = {letter: i for i, letter in enumerate(letters)}
    tokenizer = transformers.WhisperTokenizer(
        vocab=vocabulary, merges=[], pad_token="<pad>", unk_token="<|endoftext|>"
    )
    tokenizer.add_special_tokens({"additional_special_tokens": letters[:4]})
    transformers.WhisperProcessor(extractor, tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def wave(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "a.wav"
    soundfile.write(path, speech(2.0), 16_000)
    return path


@torch.inference_mode()
def official(folder, samples):
    processor = transformers.AutoProcessor.from_pretrained(folder)
    model = transformers.AutoModelForCTC.from_pretrained(folder).eval()
    inputs = processor(samples, sampling_rate=16_000, return_tensors="pt")
    return processor.batch_decode(model(**inputs).logits.argmax(-1), skip_special_tokens=True)[0]


def test_as_the_official_model(listening, wave):
    words = SpeechRecognition(str(listening)).with_words(Observation(audio_path=wave)).transcript
    assert words and words == " ".join(
        official(listening, soundfile.read(wave, dtype="float32")[0]).split()
    )


def test_a_part_of_a_recording_is_heard_alone(listening, wave):
    part = Observation(start_seconds=0.5, end_seconds=1.5, audio_path=wave)
    words = SpeechRecognition(str(listening)).with_words(part).transcript
    samples = soundfile.read(wave, dtype="float32")[0][8_000:24_000]
    assert words == " ".join(official(listening, samples).split())


def test_whisper_writes(writing, wave, capsys):
    recognition = SpeechRecognition(str(writing))
    words = recognition.with_words(Observation(audio_path=wave)).transcript
    assert words == recognition.with_words(Observation(audio_path=wave)).transcript
    assert "<" not in words
    assert recognition.name.startswith("model (files ")
    assert capsys.readouterr() == ("", "")


def test_words_that_are_known_stay(listening, wave):
    known = Observation(transcript="known", audio_path=wave)
    assert SpeechRecognition(str(listening)).with_words(known) is known


def test_without_sound_there_are_no_words(listening, tmp_path):
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    soundfile.write(tmp_path / "short.wav", speech(1.0)[:800], 16_000)
    recognition = SpeechRecognition(str(listening))
    for path in (tmp_path / "bad.wav", tmp_path / "short.wav", None):
        assert recognition.with_words(Observation(audio_path=path)).transcript == ""


def test_a_model_that_hears_but_does_not_write(tmp_path):
    tiny_models.AUDIO["wav2vec2-base"](tmp_path / "m")
    with pytest.raises(InputError, match="no weights for 2 of its parts"):
        SpeechRecognition(str(tmp_path / "m"))


def test_a_model_that_reads(tmp_path):
    tiny_models.TEXT["bert"](tmp_path / "m")
    (tmp_path / "m" / "preprocessor_config.json").write_text("{}")
    with pytest.raises(InputError, match="a bert model, expected a model for speech recognition"):
        SpeechRecognition(str(tmp_path / "m"))


def test_weights_that_could_hold_more_than_weights_are_refused(listening, tmp_path):
    folder = tmp_path / "m"
    folder.mkdir()
    for path in listening.iterdir():
        if path.suffix != ".safetensors":
            (folder / path.name).write_bytes(path.read_bytes())
    model = transformers.Wav2Vec2ForCTC.from_pretrained(listening)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    with pytest.raises(InputError, match="files that do not load"):
        SpeechRecognition(str(folder))


def test_an_empty_folder(tmp_path):
    with pytest.raises(InputError, match=r"no config.json in it"):
        SpeechRecognition(str(tmp_path))
