"""From a name to an encoder: a built-in one, or any transformers model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mculora.errors import InputError
from mculora.features.encoder import Encoder, EncoderSpec
from mculora.modality import Modality

BUILT_IN: Mapping[Modality, tuple[str, ...]] = {
    Modality.AUDIO: ("egemaps", "logmel"),
    Modality.TEXT: ("hashed-ngrams",),
    Modality.VISUAL: ("hog",),
}
"""The encoders that need no download."""


def load_encoder(spec: EncoderSpec, *, device: str = "cpu") -> Encoder:
    """Make the encoder that a spec names.

    Args:
        spec: Which one.
        device: Where a transformers model runs; the built-in encoders use the processor.

    Raises:
        InputError: There is no such encoder, or its files are not on this machine.
    """
    if spec.encoder in BUILT_IN[spec.modality]:
        return _load_built_in(spec)
    is_folder = Path(spec.encoder).expanduser().is_dir()
    if not is_folder and "/" not in spec.encoder:
        raise InputError(
            f"extract.{spec.modality.word}.encoder",
            found=repr(spec.encoder),
            expected=" or ".join(BUILT_IN[spec.modality]),
            remedy="or give a model's hub id (owner/name) or the local folder of one",
        )
    from mculora.features.pretrained.loading import load_pretrained

    return load_pretrained(spec, device=device)


def _load_built_in(spec: EncoderSpec) -> Encoder:
    """Import only the one encoder's libraries."""
    if spec.modality is Modality.TEXT:
        from mculora.features.text import HashedNgrams

        return HashedNgrams()
    if spec.modality is Modality.VISUAL:
        from mculora.features.visual import Hog

        return Hog(spec.faces)
    from mculora.features import audio

    return audio.LogMel() if spec.encoder == "logmel" else audio.Egemaps()
