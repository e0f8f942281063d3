"""torchaudio's bundles: real ones of its own class, their weights in a cache of torch's."""

from dataclasses import replace

import numpy as np
import pytest
import soundfile
import torch
from torchaudio import pipelines
from torchaudio.models import wav2vec2_model, wavlm_model
from torchaudio.pipelines import Wav2Vec2Bundle

from mculora.errors import InputError
from mculora.features.encoder import EncoderSpec, Piece
from mculora.features.extraction import encode_one
from mculora.features.identity import Level
from mculora.features.loading import load_encoder
from mculora.features.observation import Observation
from mculora.modality import Modality

LAYERS = 3
PARAMETERS = {
    "extractor_mode": "group_norm",
    "extractor_conv_layer_config": [(16, 10, 5), (16, 3, 2), (16, 3, 2)],
    "extractor_conv_bias": False,
    "encoder_embed_dim": 32,
    "encoder_projection_dropout": 0.1,
    "encoder_pos_conv_kernel": 8,
    "encoder_pos_conv_groups": 4,
    "encoder_num_layers": LAYERS,
    "encoder_num_heads": 4,
    "encoder_attention_dropout": 0.1,
    "encoder_ff_interm_features": 48,
    "encoder_ff_interm_dropout": 0.0,
    "encoder_dropout": 0.1,
    "encoder_layer_norm_first": False,
    "encoder_layer_drop": 0.05,
    "aux_num_out": None,
}
LARGE = {"extractor_mode": "layer_norm", "encoder_layer_norm_first": True}
WAVLM = {"encoder_num_buckets": 16, "encoder_max_distance": 40}
BUNDLES = {
    "TINY_BASE": ("Wav2Vec2", {}, False),
    "TINY_LARGE": ("Wav2Vec2", LARGE, True),
    "TINY_WAVLM": ("WavLM", WAVLM, False),
}


@pytest.fixture
def bundles(tmp_path, monkeypatch):
    """Tiny bundles among torchaudio's, and torch's cache with their weights."""
    checkpoints = tmp_path / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    torch.manual_seed(0)
    for name, (kind, changes, normalises) in BUNDLES.items():
        parameters = {**PARAMETERS, **changes}
        make = wavlm_model if kind == "WavLM" else wav2vec2_model
        torch.save(make(**parameters).state_dict(), checkpoints / f"{name}.pth")
        bundle = Wav2Vec2Bundle(f"{name}.pth", parameters, 16_000, normalises, kind)
        monkeypatch.setattr(pipelines, name, bundle, raising=False)
    return checkpoints


@pytest.fixture
def wave(tmp_path):
    path = tmp_path / "a.wav"
    noise = 0.1 * np.random.default_rng(0).standard_normal(8_000) + 0.02
    soundfile.write(path, noise, 16_000, subtype="FLOAT")
    return path


def spec_of(name, **options):
    return EncoderSpec(Modality.AUDIO, f"torchaudio:{name}", **{"dtype": "float32", **options})


def refused(spec):
    with pytest.raises(InputError) as caught:
        load_encoder(spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@torch.inference_mode()
def official(name, wave):
    model = getattr(pipelines, name).get_model().eval().requires_grad_(False)
    samples = torch.from_numpy(soundfile.read(wave, dtype="float32")[0])
    return model.extract_features(samples[None])[0]


@pytest.mark.parametrize("name", BUNDLES)
def test_layers_are_those_of_the_bundle(bundles, wave, name, capfd):
    states = official(name, wave)
    capfd.readouterr()
    spec = spec_of(name, level=Level.FRAME)
    for layer in (*range(1, LAYERS + 1), -1, -2):
        encoder = load_encoder(replace(spec, layers=(layer,)))
        outcome = encode_one(encoder, Observation(audio_path=wave)).outcome
        expected = states[layer - 1 if layer > 0 else layer][0]
        torch.testing.assert_close(outcome, expected)
    both = load_encoder(spec_of(name, layers=(1, -1), combine="sum"))
    outcome = encode_one(both, Observation(audio_path=wave)).outcome
    torch.testing.assert_close(outcome, (states[0] + states[-1])[0].mean(0))
    assert capfd.readouterr() == ("", "")
    assert (both.name, both.width, both.settings["layers"]) == (f"torchaudio:{name}", 32, [1, 3])


def test_what_lies_above_is_not_loaded(bundles):
    module = load_encoder(spec_of("TINY_BASE", layers=(1,)))._network._model
    assert len(module.encoder.transformer.layers) == 1


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", BUNDLES)
def test_batched_equals_one_by_one(bundles, name, dtype):
    encoder = load_encoder(spec_of(name, dtype=dtype, level=Level.FRAME))
    assert encoder.can_pad == (name != "TINY_WAVLM")
    lengths = (4000, 40, 1700) if encoder.can_pad else (1700, 1700)
    generator = torch.Generator().manual_seed(0)
    pieces = [
        Piece({"input_values": torch.randn(n, generator=generator)}, length=n) for n in lengths
    ]
    for piece, together in zip(pieces, encoder.encode(pieces), strict=True):
        [alone] = encoder.encode([piece])
        difference = (alone.states - together.states).norm() / alone.states.norm()
        assert difference < (3e-6 if dtype == "float32" else 2e-2)


def test_the_revision_is_that_of_the_weights(bundles):
    one, same = (load_encoder(spec_of("TINY_BASE")).revision for _ in range(2))
    assert one == same and one.startswith("sha256 ")
    torch.save(wav2vec2_model(**PARAMETERS).state_dict(), bundles / "TINY_BASE.pth")
    assert load_encoder(spec_of("TINY_BASE")).revision != one


def test_unknown_bundles_name_the_known_ones(bundles):
    for name in ("WAV2VEC2_BAES", "EMFORMER_RNNT_BASE_LIBRISPEECH"):
        line = refused(spec_of(name))
        assert f"extract.audio.encoder: found torchaudio:{name}, expected for audio one of" in line
        for known in ("WAV2VEC2_LARGE", "HUBERT_BASE", "WAVLM_LARGE", "WAV2VEC2_XLSR_300M"):
            assert known in line
    assert "extract.text.encoder" in refused(
        replace(spec_of("WAV2VEC2_BASE"), modality=Modality.TEXT)
    )


def test_layers_and_poolings_that_a_bundle_has_not(bundles):
    for layer in (0, 4, -4):
        assert f"found {layer}, expected -3 to 3" in refused(spec_of("TINY_BASE", layers=(layer,)))
    assert "extract.audio.pooling" in refused(spec_of("TINY_BASE", pooling="first"))


def test_weights_that_are_not_to_be_had(bundles, monkeypatch, capfd):
    from mculora.features.pretrained import torchaudio_bundles

    monkeypatch.setattr(torchaudio_bundles, "_SERVER", "http://127.0.0.1:9/")
    (bundles / "TINY_BASE.pth").unlink()
    line = refused(spec_of("TINY_BASE"))
    assert f"model torchaudio:TINY_BASE: found no TINY_BASE.pth in {bundles}" in line
    assert line.endswith("or set TORCH_HOME to a folder that has it in hub/checkpoints")
    assert capfd.readouterr() == ("", "")
    assert not (bundles / "TINY_BASE.pth").exists()


def test_weights_are_fetched_once(bundles, tmp_path, monkeypatch, capfd):
    from mculora.features.pretrained import torchaudio_bundles

    server = tmp_path / "server"
    server.mkdir()
    (bundles / "TINY_BASE.pth").rename(server / "TINY_BASE.pth")
    monkeypatch.setattr(torchaudio_bundles, "_SERVER", f"{server.as_uri()}/")
    load_encoder(spec_of("TINY_BASE"))
    (server / "TINY_BASE.pth").unlink()
    load_encoder(spec_of("TINY_BASE"))
    assert capfd.readouterr() == ("", "")


class Trap:
    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        import os

        return os.mkdir, (self.path,)


def test_weights_that_are_none(bundles, tmp_path):
    trap = tmp_path / "executed"
    torch.save({"encoder": Trap(trap)}, bundles / "TINY_BASE.pth")
    assert "TINY_BASE.pth: found a file that does not load" in refused(spec_of("TINY_BASE"))
    assert not trap.exists()
    (bundles / "TINY_LARGE.pth").write_bytes(b"PK\3\4 and no more")
    assert "delete it, so that it is fetched anew" in refused(spec_of("TINY_LARGE"))
    torch.save({}, bundles / "TINY_WAVLM.pth")
    assert "found a file that does not load" in refused(spec_of("TINY_WAVLM"))
