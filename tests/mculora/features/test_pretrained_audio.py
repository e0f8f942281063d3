"""Sound on its way into networks: windows, loudness, rates, and what of it is averaged."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import tiny_models
import torch
import transformers

from mculora.corpora.utterance import Utterance
from mculora.errors import InputError
from mculora.features.encoder import EncoderSpec
from mculora.features.extraction import encode_one, extract_utterances
from mculora.features.identity import Level
from mculora.features.loading import load_encoder
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.modality import Modality


@pytest.fixture(scope="module")
def wave(tmp_path_factory):
    """2.5 s of noise that grows louder."""
    path = tmp_path_factory.mktemp("sound") / "a.wav"
    noise = np.random.default_rng(0).standard_normal(40_000) * np.linspace(0.01, 0.2, 40_000)
    soundfile.write(path, noise + 0.05, 16_000, subtype="FLOAT")
    return path


def spec_of(folder, **options):
    return EncoderSpec(Modality.AUDIO, str(folder), **{"dtype": "float32", **options})


def samples_of(wave):
    return soundfile.read(wave, dtype="float32")[0]


@torch.inference_mode()
def official(folder, samples):
    """What the model's own extractor and network make of the samples: (T, D)."""
    extractor = transformers.AutoFeatureExtractor.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval().requires_grad_(False)
    inputs = extractor(samples, sampling_rate=16_000, return_tensors="pt")
    return (model.encoder if model.config.is_encoder_decoder else model)(**inputs)[0][0]


@pytest.mark.filterwarnings("ignore:Support for mismatched")
@pytest.mark.parametrize("name", ["wav2vec2-base", "wav2vec2-large", "hubert-base", "wavlm-large"])
def test_as_the_official_extractor_and_model(tiny, wave, name):
    states = official(tiny(name), samples_of(wave))
    for level, expected in ((Level.UTTERANCE, states.mean(0)), (Level.FRAME, states)):
        encoder = load_encoder(spec_of(tiny(name), level=level))
        outcome = encode_one(encoder, Observation(audio_path=wave)).outcome
        torch.testing.assert_close(outcome, expected)


def test_only_what_is_short_is_absent(tiny, wave, tmp_path):
    encoder = load_encoder(spec_of(tiny("wav2vec2-base")))
    for end, reason in ((0.02, "too short: 0.020 s of sound"), (0.099, "too short: 0.099 s")):
        outcome = encode_one(encoder, Observation(audio_path=wave, end_seconds=end)).outcome
        assert isinstance(outcome, Absence) and outcome.reason.startswith(reason)
    assert encode_one(encoder, Observation()).outcome == Absence("no audio file")
    slow = tiny_models.save_waves(
        tmp_path / "slow", name="Wav2Vec2", conv_kernel=(4000, 3, 3), conv_stride=(5, 2, 2)
    )
    short = Observation(audio_path=wave, end_seconds=0.15)
    assert encode_one(load_encoder(spec_of(slow)), short).outcome == Absence(
        "too short: 0.150 s of sound"
    )


def test_long_sound_goes_in_windows_of_the_whole_utterances_loudness(tiny, wave):
    encoder = load_encoder(spec_of(tiny("wav2vec2-large"), window_seconds=1.0))
    prepared = encoder.prepare(Observation(audio_path=wave))
    assert [piece.length for piece in prepared.pieces] == [13_333, 13_333, 13_334]
    samples = torch.from_numpy(samples_of(wave))
    normalised = (samples - samples.mean()) / (samples.var(correction=0) + 1e-7).sqrt()
    heard = torch.cat([piece.inputs["input_values"] for piece in prepared.pieces])
    torch.testing.assert_close(heard, normalised)


def test_a_vector_is_the_mean_over_all_windows(tiny, wave):
    spec = spec_of(tiny("wav2vec2-large"), window_seconds=1.0)
    whole, parts = (
        encode_one(load_encoder(replace(spec, level=level)), Observation(audio_path=wave)).outcome
        for level in Level
    )
    assert len(parts) == sum((n - 85) // 80 + 1 for n in (13_333, 13_333, 13_334))
    torch.testing.assert_close(parts.mean(0), whole)


def test_windows_that_no_moment_fits_in(tiny):
    for name in ("wav2vec2-base", "whisper"):
        with pytest.raises(InputError, match=r"extract.audio.window_seconds: found 0.001, .* 0.0"):
            load_encoder(spec_of(tiny(name), window_seconds=0.001))


def test_sound_is_resampled_to_the_models_rate(tiny, wave, tmp_path):
    folder = tmp_path / "eight"
    model = transformers.AutoModel.from_pretrained(tiny("wav2vec2-base"))
    tiny_models.save(folder, model, transformers.Wav2Vec2FeatureExtractor(sampling_rate=8_000))
    prepared = load_encoder(spec_of(folder)).prepare(Observation(audio_path=wave))
    assert [piece.length for piece in prepared.pieces] == [20_000]


@pytest.mark.parametrize("kind", ["WhisperForConditionalGeneration", "WhisperModel"])
def test_whisper_hears_its_window_and_averages_the_sound_alone(tmp_path, wave, kind):
    folder = tiny_models.save_whisper(tmp_path / "whisper", kind=kind)
    model = transformers.WhisperModel.from_pretrained(folder).eval().requires_grad_(False)
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(folder)
    samples = samples_of(wave)
    states = []
    for part in (samples[:13_333], samples[13_333:26_666], samples[26_666:]):
        mel = extractor(part, sampling_rate=16_000, return_tensors="pt").input_features
        with torch.inference_mode():
            states.append(model.encoder(mel)[0][0][: -(-len(part) // 320)])
    expected = torch.cat(states)
    for level in Level:
        encoder = load_encoder(spec_of(folder, level=level))
        assert encoder.settings["window_seconds"] == 1.0  # what it hears at once
        outcome = encode_one(encoder, Observation(audio_path=wave)).outcome
        mean = expected.mean(0) if level is Level.UTTERANCE else expected
        torch.testing.assert_close(outcome, mean)


def test_silence_after_whispers_sound_costs_but_does_not_count(tiny, wave):
    encoder = load_encoder(spec_of(tiny("whisper")))
    [piece] = encoder.prepare(Observation(audio_path=wave, end_seconds=0.2)).pieces
    [encoded] = encoder.encode([piece])
    assert (piece.length, encoded.weight) == (16_000, 10)


@pytest.mark.parametrize("pooling", ["words", "first"])
def test_poolings_that_sound_has_not(tiny, pooling):
    with pytest.raises(InputError, match=f"extract.audio.pooling: found {pooling}, expected mean"):
        load_encoder(spec_of(tiny("wav2vec2-base"), pooling=pooling))


def test_sound_in_another_form(tmp_path):
    sizes = {**tiny_models.SIZES, "max_length": 64, "num_mel_bins": 16, "patch_size": 8}
    folder = tiny_models.save(
        tmp_path / "ast",
        transformers.ASTModel(transformers.ASTConfig(**sizes)),
        transformers.ASTFeatureExtractor(num_mel_bins=16, max_length=64),
    )
    with pytest.raises(InputError, match="ASTFeatureExtractor, expected a model on waveforms"):
        load_encoder(spec_of(folder))


@pytest.mark.parametrize("budget", [None, 30_000, 10**9])
def test_many_through_the_engine_are_as_one_by_one(tiny, wave, budget):
    encoder = load_encoder(spec_of(tiny("wav2vec2-base"), window_seconds=0.5))
    rows = [
        Utterance(
            id=f"d_{n}",
            dialogue="d",
            speaker="",
            split=None,
            session="",
            start_seconds=n / 20,
            end_seconds=n / 10 + 0.11,
            transcript="",
            label=0.0,
            audio_path=wave.name,
            absent={},
        )
        for n in range(24)
    ]
    together = extract_utterances(encoder, rows, wave.parent, num_workers=3, budget=budget)
    for row, extracted in zip(rows, together, strict=True):
        alone = encode_one(encoder, Observation.of(row, wave.parent)).outcome
        torch.testing.assert_close(extracted.outcome, alone, rtol=1e-5, atol=1e-5)


def test_a_model_that_makes_moments_in_another_way(tmp_path):
    sizes = {"hidden_size": 32, "intermediate_size": 48, "vocab_size": 40}
    layers = {"encoder_num_hidden_layers": 2, "decoder_num_hidden_layers": 2}
    heads = {"encoder_num_attention_heads": 4, "decoder_num_attention_heads": 4}
    folder = tiny_models.save(
        tmp_path / "moonshine",
        transformers.MoonshineModel(transformers.MoonshineConfig(**sizes, **layers, **heads)),
        transformers.Wav2Vec2FeatureExtractor(),
    )
    with pytest.raises(InputError, match="a moonshine model with a Wav2Vec2FeatureExtractor"):
        load_encoder(spec_of(folder))


def test_the_same_every_time_on_a_processor_one_by_one(tiny, wave):
    encoder = load_encoder(spec_of(tiny("wav2vec2-base"), dtype="bfloat16"))
    first, second = (encode_one(encoder, Observation(audio_path=wave)).outcome for _ in range(2))
    assert torch.equal(first, second)
    assert encoder.budget == 1
