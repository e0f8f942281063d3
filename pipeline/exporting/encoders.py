"""Encoders on another machine: exact versions, and folders that travel or have to be there."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import cast

from mculora.features.encoder import DTypeName, EncoderSpec
from mculora.features.identity import FeatureIdentity
from mculora.features.loading import BUILT_IN
from mculora.features.pretrained.families import TORCHAUDIO

_CARRIED = "encoders"


def pin(spec: EncoderSpec, trained: FeatureIdentity) -> EncoderSpec:
    """The spec with everything fixed that was found out while training's features were made."""
    settings = trained.settings
    if "faces" in settings:
        is_yunet = str(settings["faces"]).startswith("yunet")
        spec = replace(spec, faces=replace(spec.faces, detector="yunet" if is_yunet else "haar"))
    if "dtype" in settings:
        spec = replace(spec, dtype=cast("DTypeName", settings["dtype"]))
    if is_local(spec):
        return replace(spec, encoder=str(_folder(spec)))
    is_of_hub = spec.encoder not in BUILT_IN[spec.modality] and TORCHAUDIO not in spec.encoder
    return replace(spec, revision=trained.revision) if is_of_hub else spec


def is_local(spec: EncoderSpec) -> bool:
    """Whether it is a folder of this machine."""
    return spec.encoder not in BUILT_IN[spec.modality] and Path(spec.encoder).expanduser().is_dir()


def carry(spec: EncoderSpec, bundle_folder: Path) -> EncoderSpec:
    """Copy an encoder's folder into that of a bundle; the name inside is relative to the latter."""
    source = _folder(spec)
    inside = Path(_CARRIED, spec.modality.word, source.name)
    shutil.copytree(source, bundle_folder / inside)
    return replace(spec, encoder=inside.as_posix())


def _folder(spec: EncoderSpec) -> Path:
    """Where it is, by the name that its features' identity has."""
    return Path(spec.encoder).expanduser().resolve()
