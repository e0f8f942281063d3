"""From params.yaml to the encoder of a modality: the same for a corpus and for one clip."""

from __future__ import annotations

from dataclasses import replace

from mculora.features.encoder import Encoder, EncoderSpec
from mculora.features.loading import load_encoder
from mculora.modality import Modality
from pipeline.device import pick_device
from pipeline.params import Params, VisualEncoderParams


def make_encoder(params: Params, modality: Modality, *, device: str) -> Encoder:
    """Make the encoder that params.yaml asks for.

    Args:
        params: The content of params.yaml.
        modality: What to encode.
        device: Where a transformers model runs; `auto` takes the first GPU if there is one.

    Raises:
        InputError: There is no such encoder or device.
    """
    chosen = getattr(params.extract, modality.word)
    spec = EncoderSpec(modality, chosen.encoder, chosen.revision, tuple(chosen.layers))
    if isinstance(chosen, VisualEncoderParams):
        spec = replace(spec, frames_per_second=chosen.frames_per_second)
    return load_encoder(spec, device=str(pick_device(device)))
