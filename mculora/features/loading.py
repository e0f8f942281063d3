"""From a name to an encoder: a built-in one, any transformers model, a bundle of torchaudio."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mculora.errors import InputError
from mculora.features.encoder import Encoder, EncoderSpec
from mculora.features.identity import Level
from mculora.features.pretrained.families import TORCHAUDIO
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
        device: Where a pretrained model runs; the built-in encoders use the processor.

    Raises:
        InputError: There is no such encoder, or its files are not on this machine.
    """
    if spec.encoder in BUILT_IN[spec.modality]:
        return _load_built_in(spec)
    _check_name(spec)
    from mculora.features.pretrained.loading import load_pretrained

    return load_pretrained(spec, device=device)


def _check_name(spec: EncoderSpec) -> None:
    """Refuse what is neither a folder nor looks like the name of a model anywhere."""
    name = spec.encoder
    if Path(name).expanduser().is_dir() or name.startswith(TORCHAUDIO):
        return
    is_path = name.startswith((".", "/", "~")) or name.count("/") > 1 or "\\" in name
    if is_path or "/" not in name:
        raise InputError(
            f"extract.{spec.modality.word}.encoder",
            found=f"{name!r}, which is no folder" if is_path else repr(name),
            expected=" or ".join(BUILT_IN[spec.modality]),
            remedy="or give a model's hub id (owner/name) or the local folder of one",
        )


def _load_built_in(spec: EncoderSpec) -> Encoder:
    """Import only the one encoder's libraries."""
    if spec.level is Level.FRAME:
        raise InputError(
            f"extract.{spec.modality.word}.level",
            found=spec.level.value,
            expected=f"utterance, for {spec.encoder} describes an utterance as a whole",
            remedy="or choose a pretrained encoder",
        )
    if spec.modality is Modality.TEXT:
        from mculora.features.text import HashedNgrams

        return HashedNgrams()
    if spec.modality is Modality.VISUAL:
        from mculora.features.visual import Hog

        return Hog(spec.faces)
    from mculora.features import audio

    return audio.LogMel() if spec.encoder == "logmel" else audio.Egemaps()
