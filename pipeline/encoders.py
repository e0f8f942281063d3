"""From params.yaml to the encoder of a modality: the same for a corpus and for one clip.

What params.yaml leaves `auto` is what its preset says. The rest of a preset's line (layers,
revision, pooling) belongs to the preset's encoder: beside another one `auto` is `CUSTOM`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mculora.features.encoder import DTypeName, Encoder, EncoderSpec
from mculora.features.face_settings import FaceSettings
from mculora.features.identity import Level
from mculora.features.loading import load_encoder
from mculora.features.presets import PRESETS, EncoderDefaults
from mculora.modality import Modality
from pipeline.device import pick_device
from pipeline.params import Params, VisualEncoderParams

_AUTO = "auto"

CUSTOM: Mapping[Modality, EncoderDefaults] = {
    Modality.AUDIO: EncoderDefaults(_AUTO),
    Modality.TEXT: EncoderDefaults(_AUTO, layers=(-4, -3, -2, -1), combine="sum", pooling="words"),
    Modality.VISUAL: EncoderDefaults(_AUTO, pooling="auto"),
}
"""How an encoder is read that no preset names: the paper's way."""


def encoder_spec(params: Params, modality: Modality) -> EncoderSpec:
    """What params.yaml asks for, with every `auto` resolved but that of the data type."""
    chosen, extract = getattr(params.extract, modality.word), params.extract
    preset = PRESETS[extract.preset][modality]
    defaults = preset if chosen.encoder in (_AUTO, preset.encoder) else CUSTOM[modality]

    def pick(name: str) -> object:
        value = getattr(chosen, name, _AUTO)
        return getattr(defaults, name) if value == _AUTO else value

    spec = EncoderSpec(
        modality,
        encoder=preset.encoder if chosen.encoder == _AUTO else chosen.encoder,
        revision=str(pick("revision")),
        layers=tuple(pick("layers")),  # type: ignore[arg-type]
        combine=pick("combine"),  # type: ignore[arg-type]
        pooling=pick("pooling"),  # type: ignore[arg-type]
        level=Level(chosen.level),
        dtype=extract.dtype,
    )
    if modality is Modality.AUDIO:
        return replace(spec, window_seconds=extract.audio.window_seconds)
    return replace(spec, faces=face_settings(params)) if modality is Modality.VISUAL else spec


def face_settings(params: Params) -> FaceSettings:
    """How params.yaml wants faces to be seen.

    Raises:
        InputError: Two of its keys do not go together.
    """
    chosen: VisualEncoderParams = params.extract.visual
    detector = PRESETS[params.extract.preset][Modality.VISUAL].detector or "haar"
    return FaceSettings(
        frames_per_second=chosen.frames_per_second,
        num_frames=chosen.num_frames,
        detector=detector if chosen.detector == _AUTO else chosen.detector,
        follow=chosen.follow,
        margin=chosen.margin,
        align=chosen.align,
    )


def make_encoder(
    params: Params, modality: Modality, *, device: str, dtype: DTypeName | None = None
) -> Encoder:
    """Make the encoder that params.yaml asks for.

    Args:
        params: The content of params.yaml.
        modality: What to encode.
        device: Where a pretrained model runs; `auto` takes the first GPU if there is one.
        dtype: What it computes in where params.yaml says `auto`; None for what the device is good
            at.

    Raises:
        InputError: There is no such encoder or device.
    """
    spec = encoder_spec(params, modality)
    if dtype and spec.dtype == _AUTO:
        spec = replace(spec, dtype=dtype)
    return load_encoder(spec, device=str(pick_device(device)))
