"""Every family through the real transformers path: its layers are the full model's, and no more."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tiny_models
import torch
import transformers

from mculora.errors import InputError
from mculora.features.encoder import EncoderSpec
from mculora.features.identity import Level
from mculora.features.loading import load_encoder
from mculora.modality import Modality

LAST = tiny_models.LAYERS
MODALITIES = {
    **dict.fromkeys(tiny_models.AUDIO, Modality.AUDIO),
    **dict.fromkeys(tiny_models.TEXT, Modality.TEXT),
    **dict.fromkeys(tiny_models.VISUAL, Modality.VISUAL),
}


def spec_of(tiny, name, **options):
    options = {"dtype": "float32", **options}
    return EncoderSpec(MODALITIES[name], str(tiny(name)), **options)


def pieces_of(encoder, modality):
    """Two pieces, as `prepare` makes them of what it reads."""
    preparation, rng = encoder._preparation, np.random.default_rng(0)
    if modality is Modality.TEXT:
        return [preparation._piece(ids, torch.tensor([0, 0, 1])) for ids in ([5, 6, 7], [7, 9, 5])]
    if modality is Modality.VISUAL:
        faces = rng.integers(0, 255, (2, 3, preparation._side, preparation._side, 3), np.uint8)
        return [preparation._piece(list(crops)) for crops in faces]
    sounds = torch.from_numpy(rng.standard_normal((2, 4000)).astype(np.float32))
    if hasattr(preparation, "_piece"):
        return [preparation._piece(sound) for sound in sounds]
    from mculora.features.encoder import Piece

    return [Piece({"input_values": sound}, length=len(sound)) for sound in sounds]


@torch.inference_mode()
def full_states(folder, inputs):
    """All hidden states of the whole model, and its last one as it gives it."""
    model = transformers.AutoModel.from_pretrained(folder).eval().requires_grad_(False)
    if model.config.model_type in ("clip", "siglip", "siglip2"):
        model = model.vision_model
    if model.config.is_encoder_decoder:
        model = model.encoder
    output = model(**inputs, output_hidden_states=True)
    return [*output.hidden_states[:LAST], output.last_hidden_state]


@pytest.mark.parametrize("name", MODALITIES)
def test_layers_are_those_of_the_full_model(tiny, name):
    spec = spec_of(tiny, name)
    encoder = load_encoder(spec)
    pieces = pieces_of(encoder, spec.modality)
    inputs = encoder._preparation.collate(pieces, torch.device("cpu"))
    full = full_states(tiny(name), inputs)
    for layer in range(LAST + 1):
        network = load_encoder(replace(spec, layers=(layer,)))._network
        with torch.inference_mode():
            assert torch.equal(network(inputs), full[layer]), layer
    four = load_encoder(replace(spec, layers=(0, 1, -2, -1), combine="sum"))._network
    with torch.inference_mode():
        torch.testing.assert_close(four(inputs), full[0] + full[1] + full[-2] + full[-1])


@pytest.mark.parametrize("name", MODALITIES)
def test_what_lies_above_is_not_computed(tiny, name):
    spec = spec_of(tiny, name, layers=(0, 2))
    encoder = load_encoder(spec)
    module = encoder._network._module
    [stack] = [
        stack
        for stack in module.modules()
        if isinstance(stack, torch.nn.ModuleList) and sum(1 for _ in stack.modules()) > 20
    ]
    assert len(stack) == LAST  # of these the last is only asked what it would be given
    calls = []
    for block in stack:
        block.register_forward_hook(lambda *_: calls.append(1))
    encoder.encode(pieces_of(encoder, spec.modality))
    assert len(calls) == 2
    names = [name for name, _ in module.named_parameters()]
    assert not [n for n in names if "decoder" in n or "pooler" in n or "classifier" in n], names


@pytest.mark.parametrize("name", MODALITIES)
def test_bfloat16_is_near_float32(tiny, name):
    spec = spec_of(tiny, name, layers=(0, 1, 2, 3))
    exact = load_encoder(spec)
    pieces = pieces_of(exact, spec.modality)
    rough = load_encoder(replace(spec, dtype="bfloat16"))
    assert (exact.settings["dtype"], rough.settings["dtype"]) == ("float32", "bfloat16")
    for one, other in zip(exact.encode(pieces), rough.encode(pieces), strict=True):
        assert one.states.dtype == other.states.dtype == torch.float32
        assert (one.states - other.states).norm() < 0.03 * one.states.norm()


@pytest.mark.parametrize("name", MODALITIES)
def test_utterance_and_frame_level(tiny, name):
    spec = spec_of(tiny, name)
    whole, parts = load_encoder(spec), load_encoder(replace(spec, level=Level.FRAME))
    assert (whole.level, parts.level) == (Level.UTTERANCE, Level.FRAME)
    assert whole.width == parts.width == tiny_models.WIDTH
    vectors = whole.encode(pieces_of(whole, spec.modality))
    sequences = parts.encode(pieces_of(parts, spec.modality))
    for vector, sequence in zip(vectors, sequences, strict=True):
        assert vector.states.shape == (1, tiny_models.WIDTH)
        assert len(sequence.states) == (1 if spec.modality is Modality.VISUAL else vector.weight)
        torch.testing.assert_close(sequence.states.mean(0, keepdim=True), vector.states)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", MODALITIES)
def test_a_gpu_gives_the_same(tiny, name):
    spec = spec_of(tiny, name)
    here, there = load_encoder(spec), load_encoder(spec, device="cuda")
    assert there.budget > here.budget
    pieces = pieces_of(here, spec.modality)
    for one, other in zip(here.encode(pieces), there.encode(pieces), strict=True):
        assert other.states.is_cuda
        assert (one.states - other.states.cpu()).norm() < 0.01 * one.states.norm()


def test_auto_is_the_dtype_of_the_device(tiny):
    from mculora.features.dtypes import fastest_dtype

    encoder = load_encoder(spec_of(tiny, "bert", dtype="auto"))
    assert f"torch.{encoder.settings['dtype']}" == str(fastest_dtype("cpu"))


def test_layers_have_one_name_in_the_settings(tiny):
    names = [load_encoder(spec_of(tiny, "vit", layers=(n,))).settings["layers"] for n in (3, -1)]
    assert names == [[3], [3]]


def test_layers_that_the_model_has_not(tiny):
    for layer in (-5, 4):
        with pytest.raises(InputError, match=rf"extract.text.layers: found {layer}, .* -4 to 3"):
            load_encoder(spec_of(tiny, "bert", layers=(-1, layer)))


def test_models_that_are_no_stack(tmp_path):
    config = transformers.SwinConfig(
        image_size=32, patch_size=4, embed_dim=16, depths=[1, 1], num_heads=[2, 2], window_size=4
    )
    tiny_models.save(
        tmp_path / "swin",
        transformers.SwinModel(config),
        transformers.ViTImageProcessor(size={"height": 32, "width": 32}),
    )
    with pytest.raises(InputError, match="a swin model, expected a model whose layers are one st"):
        load_encoder(EncoderSpec(Modality.VISUAL, str(tmp_path / "swin")))


def test_unknown_kinds_are_never_padded(tmp_path):
    folder = tiny_models.save_waves(tmp_path / "sew", name="SEW", squeeze_factor=2)
    encoder = load_encoder(EncoderSpec(Modality.AUDIO, str(folder), dtype="float32"))
    assert not encoder.can_pad
    [encoded] = encoder.encode(pieces_of(encoder, Modality.AUDIO)[:1])
    assert torch.isfinite(encoded.states).all()


_PICTURE = {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "do_normalize": True}
_SOUND = {"feature_size": 1, "padding_value": 0.0, "sampling_rate": 16_000}


@pytest.mark.parametrize(
    ("name", "content", "crop"),
    [
        ("vit", {**_PICTURE, "feature_extractor_type": "ViTFeatureExtractor", "size": 48}, 48),
        ("clip", {**_PICTURE, "feature_extractor_type": "CLIPFeatureExtractor", "size": 48}, 48),
        ("wav2vec2-base", {**_SOUND, "do_normalize": False}, None),
    ],
)
def test_processors_of_old_checkpoints(tiny, tmp_path, name, content, crop):
    folder = tmp_path / name
    shutil.copytree(tiny(name), folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(content))
    encoder = load_encoder(EncoderSpec(MODALITIES[name], str(folder)))
    assert encoder.settings.get("crop") == crop
    if MODALITIES[name] is Modality.AUDIO:
        sound = torch.full((9,), 0.5)
        assert torch.equal(encoder._preparation._normalise(sound), sound)
