"""What is known of families of models by name: which part sees, hears or reads, and its tokens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mculora.modality import Modality


@dataclass(frozen=True)
class Family:
    """What a kind of model needs.

    Attributes:
        modality: What it takes.
        tower: The class in transformers of the one part of it that is used; None for the class
            that transformers itself takes for it.
        unused: Switches in its configuration of parts that are not used.
        can_pad: Whether padding is harmless to it (text), or can be made so (audio): measured.
        num_leading: The tokens before those of the patches, the class token first (visual); None:
            not known.
    """

    modality: Modality
    tower: str | None = None
    unused: tuple[str, ...] = ()
    can_pad: bool = True
    num_leading: int | None = None

    def leading(self, config: Any) -> int | None:
        """The tokens before the patches of a certain model, its registers among them."""
        if self.num_leading is None:
            return None
        return self.num_leading + int(getattr(config, "num_register_tokens", 0) or 0)


_WHISPER_ENCODER = "models.whisper.modeling_whisper.WhisperEncoder"


def _sound(*types: str, tower: str | None = None) -> dict[str, Family]:
    return dict.fromkeys(types, Family(Modality.AUDIO, tower=tower, unused=("add_adapter",)))


def _text(*types: str, tower: str | None = None) -> dict[str, Family]:
    return dict.fromkeys(types, Family(Modality.TEXT, tower=tower))


def _visual(*types: str, tower: str | None = None, num_leading: int) -> dict[str, Family]:
    unused = ("vision_use_head",)  # SigLIP's
    family = Family(Modality.VISUAL, tower=tower, unused=unused, num_leading=num_leading)
    return dict.fromkeys(types, family)


FAMILIES: Mapping[str, Family] = {
    **_sound("wav2vec2", "wav2vec2-conformer", "hubert", "wavlm", "data2vec-audio"),
    **_sound("unispeech", "unispeech-sat"),
    **_sound("whisper", tower=_WHISPER_ENCODER),
    **_text("bert", "roberta", "xlm-roberta", "distilbert", "deberta", "deberta-v2"),
    **_text("modernbert", "mpnet", "electra", "camembert"),
    **_text("t5", tower="T5EncoderModel"),
    **_text("mt5", tower="MT5EncoderModel"),
    **_visual("vit", "beit", "data2vec-vision", num_leading=1),
    **_visual("dinov2", "dinov2_with_registers", "dinov3_vit", num_leading=1),
    **_visual("deit", num_leading=2),  # its second is a distillation token
    **_visual("clip", "clip_vision_model", tower="CLIPVisionModel", num_leading=1),
    **_visual("siglip", "siglip_vision_model", tower="SiglipVisionModel", num_leading=0),
    **_visual("siglip2", "siglip2_vision_model", tower="Siglip2VisionModel", num_leading=0),
    **_visual("videomae", num_leading=0),
}
"""By the `model_type` of a configuration. tests/…/test_pretrained_padding.py holds the measures."""

TORCHAUDIO = "torchaudio:"
"""What stands before the name of a bundle of torchaudio."""

_INPUT_NAMES = {
    "input_values": Modality.AUDIO,
    "input_features": Modality.AUDIO,
    "input_ids": Modality.TEXT,
    "pixel_values": Modality.VISUAL,
}  # what the first input of a model is called, and so what any other model takes


def family_of(model_type: str, main_input: str) -> Family | None:
    """The family of a kind of model; one that is not known by name is never padded.

    Returns:
        None for a model that takes neither sound nor words nor pictures.
    """
    if model_type in FAMILIES:
        return FAMILIES[model_type]
    modality = _INPUT_NAMES.get(main_input)
    return None if modality is None else Family(modality, can_pad=False)
