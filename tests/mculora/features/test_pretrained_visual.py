"""Faces on their way into networks: crops as the processor wants them, tokens of the picture."""

from dataclasses import replace

import numpy as np
import pytest
import tiny_models
import torch
import transformers

from mculora.errors import InputError
from mculora.features.encoder import EncoderSpec
from mculora.features.extraction import encode_one
from mculora.features.face_settings import FaceSettings
from mculora.features.faces import make_detector, see_faces
from mculora.features.identity import Level
from mculora.features.loading import load_encoder
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.features.pretrained.visual import Pictures
from mculora.modality import Modality

LEADING = {  # tokens before the patches
    "vit": 1,
    "vit-fer": 1,
    "deit": 2,
    "beit": 1,
    "dinov2": 1,
    "dinov2_with_registers": 5,
    "dinov3_vit": 3,
    "clip": 1,
    "siglip": 0,
    "siglip2": 0,
    "videomae": 0,
}
SIDES = {"deit": 36}  # pixels along a crop


def spec_of(folder, **options):
    return EncoderSpec(Modality.VISUAL, str(folder), **{"dtype": "float32", **options})


def crops(count, side=tiny_models.SIDE):
    return list(np.random.default_rng(1).integers(0, 255, (count, side, side, 3), np.uint8))


def encode(encoder, faces):
    return encoder.encode([encoder._preparation._piece([face]) for face in faces])


@torch.inference_mode()
def official(folder, faces):
    """The states that the model's own processor and network make of pictures: (B, T, D)."""
    model = transformers.AutoModel.from_pretrained(folder).eval().requires_grad_(False)
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    inputs = processor(faces, return_tensors="pt")
    return getattr(model, "vision_model", model)(**inputs)[0]


def test_every_family_is_looked_at():
    assert LEADING.keys() == tiny_models.VISUAL.keys()


@pytest.mark.parametrize("name", sorted(LEADING.keys() - {"videomae"}))
def test_as_the_official_processor_and_model(tiny, name):
    faces = crops(3, SIDES.get(name, tiny_models.SIDE))
    states, leading = official(tiny(name), faces), LEADING[name]
    encoder = load_encoder(spec_of(tiny(name)))
    assert encoder.settings["crop"] == SIDES.get(name, tiny_models.SIDE)
    patches = states[:, leading : leading + 16]  # 4 x 4; SigLIP 2 has three of padding after them
    assert states.shape[1] == leading + (19 if name == "siglip2" else 16)
    for encoded, expected in zip(encode(encoder, faces), patches.mean(1), strict=True):
        torch.testing.assert_close(encoded.states[0], expected, rtol=1e-4, atol=1e-5)
    if leading:
        encoder = load_encoder(spec_of(tiny(name), pooling="first"))
        for encoded, expected in zip(encode(encoder, faces), states[:, 0], strict=True):
            torch.testing.assert_close(encoded.states[0], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["siglip", "siglip2", "videomae"])
def test_no_class_token(tiny, name):
    with pytest.raises(InputError, match=r"found first for .*, which has no class token, .* mean"):
        load_encoder(spec_of(tiny(name), pooling="first"))


def test_poolings_that_a_picture_has_not(tiny):
    with pytest.raises(InputError, match=r"visual\.pooling: found words, expected mean or first"):
        load_encoder(spec_of(tiny("vit"), pooling="words"))


def test_crops_wait_as_bytes(tiny, face_clip):
    prepared = load_encoder(spec_of(tiny("vit"))).prepare(Observation(video_path=face_clip))
    assert len(prepared.pieces) == prepared.facts["frames_with_face"] < prepared.facts["frames"]
    for piece in prepared.pieces:
        assert piece.length == 1
        assert piece.inputs["frames"].dtype == torch.uint8
        assert piece.inputs["frames"].shape == (1, 3, tiny_models.SIDE, tiny_models.SIDE)


@pytest.mark.parametrize("name", ["vit-fer", "clip", "siglip2"])
def test_a_clip(tiny, face_clip, name):
    faces = FaceSettings(frames_per_second=3.0)
    spec, clip = spec_of(tiny(name), faces=faces), Observation(video_path=face_clip)
    seen = see_faces(clip, make_detector(faces), faces, side=tiny_models.SIDE)
    one_by_one = torch.cat(
        [e.states for face in seen.crops for e in encode(load_encoder(spec), [face])]
    )
    extracted = encode_one(load_encoder(spec), clip)
    torch.testing.assert_close(extracted.outcome, one_by_one.mean(0), rtol=1e-4, atol=1e-5)
    assert extracted.facts == {"frames": 9, "frames_with_face": len(seen.crops)}
    frames = encode_one(load_encoder(replace(spec, level=Level.FRAME)), clip)
    torch.testing.assert_close(frames.outcome, one_by_one, rtol=1e-4, atol=1e-5)


def test_no_face(tiny, face_clip):
    encoder = load_encoder(spec_of(tiny("vit")))
    wall = Observation(video_path=face_clip, start_seconds=2.1)
    outcome = encode_one(encoder, wall).outcome
    assert isinstance(outcome, Absence) and outcome.reason.startswith("no face in")
    assert encode_one(encoder, Observation()).outcome == Absence("no video file")


def test_settings_tell_which_faces_are_seen(tiny):
    encoder = load_encoder(spec_of(tiny("vit"), faces=FaceSettings(num_frames=5, margin=0.2)))
    assert {"num_frames": 5, "margin": 0.2, "crop": 32}.items() <= encoder.settings.items()
    assert "haar" in encoder.settings["faces"]


def test_video_in_clips_without_a_black_frame(tiny, face_clip):
    folder = tiny("videomae")
    encoder = load_encoder(spec_of(folder))
    observation = Observation(video_path=face_clip)
    prepared = encoder.prepare(observation)
    count = prepared.facts["frames_with_face"]
    sizes = [int(piece.inputs["seen"]) for piece in prepared.pieces]
    assert sum(sizes) == count and len(sizes) == -(-count // 4) and max(sizes) - min(sizes) <= 1
    assert {piece.length for piece in prepared.pieces} == {4}
    assert encoder.budget == 8
    states = torch.cat([one.states for one in encoder.encode(prepared.pieces)])
    weights = torch.tensor(sizes, dtype=torch.float32)[:, None]
    expected = (states * weights).sum(0) / count
    torch.testing.assert_close(encode_one(encoder, observation).outcome, expected)


@pytest.mark.parametrize(
    ("count", "shown"), [(1, [0, 0, 0, 0]), (2, [0, 0, 1, 1]), (3, [0, 0, 1, 2]), (4, [0, 1, 2, 3])]
)
def test_a_short_clip_is_shown_for_longer(tiny, count, shown):
    folder, faces = tiny("videomae"), crops(4)
    encoder = load_encoder(spec_of(folder))
    piece = encoder._preparation._piece(faces[:count])
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval().requires_grad_(False)
    with torch.inference_mode():
        inputs = processor([[faces[index] for index in shown]], return_tensors="pt")
        expected = model(**inputs)[0].mean(1)
    [encoded] = encoder.encode([piece])
    torch.testing.assert_close(encoded.states, expected, rtol=1e-4, atol=1e-5)
    assert encoded.weight == count


def test_crops_have_the_size_that_a_processor_leaves_alone(tiny):
    from mculora.features.pretrained.visual import _side

    config = transformers.ViTConfig(image_size=96)
    shapes = {
        48: transformers.ViTImageProcessor(size={"height": 48, "width": 48}),
        64: transformers.CLIPImageProcessor(size={"shortest_edge": 64}),
        96: transformers.ViTImageProcessor(do_resize=False),
        256: transformers.Siglip2ImageProcessor(),
    }
    assert {side: _side(processor, config) for side, processor in shapes.items()} == {
        side: side for side in shapes
    }
    assert Pictures.can_pad
