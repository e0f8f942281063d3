"""`auto` in params.yaml: what the preset says of its own encoder, the paper's way for any other."""

from pathlib import Path

import pytest
import yaml

from mculora.errors import InputError
from mculora.features.identity import Level
from mculora.features.presets import PRESETS
from mculora.modality import Modality
from pipeline.encoders import encoder_spec, face_settings, make_encoder
from pipeline.params import parse_params

CONTENT = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8"))


def params(preset="offline", **changes):
    extract = {**CONTENT["extract"], "preset": preset}
    for key, value in changes.items():
        extract[key] = {**extract[key], **value} if isinstance(value, dict) else value
    return parse_params({**CONTENT, "extract": extract})


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("modality", Modality)
def test_auto_is_what_the_preset_says(preset, modality):
    spec, said = encoder_spec(params(preset), modality), PRESETS[preset][modality]
    for name in ("encoder", "revision", "layers", "combine", "pooling"):
        assert getattr(spec, name) == getattr(said, name)
    assert spec.level is Level.UTTERANCE
    if modality is Modality.VISUAL:
        assert spec.faces.detector == said.detector


@pytest.mark.parametrize("preset", PRESETS)
def test_every_value_can_be_overruled(preset):
    changed = params(preset, text={"layers": [3], "combine": "mean", "pooling": "first"})
    spec = encoder_spec(changed, Modality.TEXT)
    assert (spec.layers, spec.combine, spec.pooling) == ((3,), "mean", "first")
    assert spec.encoder == PRESETS[preset][Modality.TEXT].encoder
    face = {"detector": "haar", "num_frames": 8, "margin": 0.3, "follow": "largest"}
    faces = face_settings(params(preset, visual=face))
    assert (faces.detector, faces.num_frames, faces.margin, faces.follow) == (
        "haar", 8, 0.3, "largest"
    )  # fmt: skip


def test_another_encoder_does_not_inherit_the_preset_s_layers():
    changed = params("paper", audio={"encoder": "someone/else"}, text={"encoder": "someone/else"})
    audio, text = (encoder_spec(changed, m) for m in (Modality.AUDIO, Modality.TEXT))
    assert (audio.revision, audio.layers) == ("main", (-1,))
    assert (text.layers, text.combine, text.pooling) == ((-4, -3, -2, -1), "sum", "words")


def test_what_is_passed_on():
    changed = params(dtype="float32", audio={"window_seconds": 7.0, "level": "frame"})
    specs = [encoder_spec(changed, modality) for modality in Modality]
    assert {spec.dtype for spec in specs} == {"float32"}
    assert [spec.level for spec in specs] == [Level.FRAME, Level.UTTERANCE, Level.UTTERANCE]
    assert specs[0].window_seconds == 7.0


def test_built_in_encoders_have_no_frames():
    with pytest.raises(InputError, match=r"extract\.audio\.level: found frame.*egemaps"):
        make_encoder(params(audio={"level": "frame"}), Modality.AUDIO, device="cpu")


def test_keys_that_do_not_go_together():
    with pytest.raises(InputError, match=r"extract\.visual\.align: found True"):
        face_settings(params(visual={"align": True, "detector": "haar"}))


def test_the_offline_preset_loads_at_once():
    for modality in Modality:
        encoder = make_encoder(params(), modality, device="cpu")
        assert encoder.width == PRESETS["offline"][modality].width
