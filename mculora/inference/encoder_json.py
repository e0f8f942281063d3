"""An encoder's spec as JSON, so that a bundle makes the encoder again without params.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from mculora.features.encoder import EncoderSpec
from mculora.features.face_settings import FaceSettings
from mculora.features.identity import Level
from mculora.modality import Modality


def spec_to_json(spec: EncoderSpec) -> dict[str, Any]:
    """A spec as plain JSON values; the settings of faces stand with the visual one alone."""
    content = asdict(spec) | {"modality": spec.modality.word, "level": spec.level.value}
    if spec.modality is not Modality.VISUAL:
        del content["faces"]
    return content | {"layers": list(spec.layers)}


def spec_from_json(content: Mapping[str, Any]) -> EncoderSpec:
    """Read what `spec_to_json` gave.

    Raises:
        KeyError, TypeError, ValueError, InputError: It is something else.
    """
    facts = {
        **content,
        "modality": Modality.parse(content["modality"]),
        "level": Level(content["level"]),
        "layers": tuple(content["layers"]),
    }
    if "faces" in content:
        facts["faces"] = FaceSettings(**content["faces"])
    return EncoderSpec(**facts)
