"""From a model's name to an encoder: transformers models, and torchaudio's bundles."""

from __future__ import annotations

from typing import Any

import torch

from mculora.errors import InputError
from mculora.features.dtypes import fastest_dtype
from mculora.features.encoder import DTypeName, Encoder, EncoderSpec
from mculora.features.pretrained.encoder import PretrainedEncoder
from mculora.features.pretrained.families import TORCHAUDIO
from mculora.features.pretrained.hub import find_model, first_sentence
from mculora.features.pretrained.layers import HiddenLayers
from mculora.features.pretrained.library import Network, load_input_preparation, load_network
from mculora.features.pretrained.preparation import Preparation
from mculora.modality import Modality

_UNFIT = (TypeError, ValueError, ArithmeticError, AttributeError, LookupError)
"""What a processor's file with odd values ends in."""


def load_pretrained(spec: EncoderSpec, *, device: str) -> Encoder:
    """Load a model and what prepares its input.

    Raises:
        InputError: Its files are not on this machine and cannot be fetched, are no such model, or
            would need code that they ship; or the spec asks for what it has not.
    """
    place, dtype = torch.device(device), resolve_dtype(spec.dtype, device)
    if spec.encoder.startswith(TORCHAUDIO):
        from mculora.features.pretrained.torchaudio_bundles import load_bundle

        return load_bundle(spec, device=place, dtype=dtype)
    folder = find_model(spec)
    network = load_network(folder, spec.modality, dtype)
    processor = load_input_preparation(folder, spec.modality)
    try:
        preparation = _preparation(spec, network, processor, place)
    except _UNFIT as error:
        raise InputError(
            folder.where,
            found=f"settings that cannot be used ({type(error).__name__}: {first_sentence(error)})",
            expected="a model with its own processor, as save_pretrained writes them",
        ) from error
    layers = HiddenLayers(network.module, spec)
    network.module.to(place)
    return PretrainedEncoder(
        spec,
        preparation,
        layers,
        name=folder.name,
        revision=folder.revision,
        device=place,
        dtype=dtype,
    )


def resolve_dtype(name: DTypeName, device: str) -> torch.dtype:
    """What a network computes in: what is asked for, or what the device is good at."""
    if name == "auto":
        return fastest_dtype(device)
    return {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}[name]


def _preparation(
    spec: EncoderSpec, network: Network, processor: Any, device: torch.device
) -> Preparation:
    """What fits the modality and the network."""
    if spec.modality is Modality.TEXT:
        from mculora.features.pretrained.text import Tokens

        can_pad = network.family.can_pad
        return Tokens(spec, processor, network.module, can_pad=can_pad, device=device)
    if spec.modality is Modality.VISUAL:
        from mculora.features.pretrained.visual import Pictures

        return Pictures(spec, processor, network, device=device)
    from mculora.features.pretrained.audio import prepare_sound

    return prepare_sound(spec, processor, network, device=device)
