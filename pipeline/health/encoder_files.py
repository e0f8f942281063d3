"""Whether an encoder could start now: its files are here, have to be fetched, or are no files."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from mculora.features.faces import YUNET_FILE, YUNET_MODEL
from mculora.features.loading import BUILT_IN
from mculora.features.presets import PRESETS
from mculora.modality import Modality
from pipeline.encoders import encoder_spec, face_settings
from pipeline.health.machine import write_size
from pipeline.health.model_hub import is_cached, is_file_cached
from pipeline.params import Params


class State(Enum):
    """How far an encoder is from starting."""

    READY = "ready"
    TO_FETCH = "to fetch"
    WRONG = "wrong"


@dataclass(frozen=True)
class Readiness:
    """What one modality's encoder needs.

    Attributes:
        modality: What it encodes.
        encoder: Its name in params.yaml, or what `auto` stands for.
        state: Whether it could start.
        note: Where its files are, or what is wrong with it.
        megabytes: What a download takes; 0 for none, None if it is not known.
    """

    modality: Modality
    encoder: str
    state: State
    note: str
    megabytes: int | None = 0

    @property
    def size(self) -> str:
        """What a download takes, to read: `290 MB`, `3.1 GB`."""
        return "of unknown size" if self.megabytes is None else write_size(self.megabytes * 1e6)


def look_at_params(params: Params) -> list[Readiness]:
    """Look for the files of the encoders that params.yaml asks for, and of its face detector."""
    looked = []
    for modality in Modality:
        spec, preset = encoder_spec(params, modality), PRESETS[params.extract.preset][modality]
        megabytes = preset.download_megabytes if spec.encoder == preset.encoder else None
        looked.append(_look(modality, spec.encoder, revision=spec.revision, megabytes=megabytes))
    if face_settings(params).detector == "yunet" and not is_file_cached(YUNET_MODEL, YUNET_FILE):
        looked.append(Readiness(Modality.VISUAL, YUNET_MODEL, State.TO_FETCH, "to fetch", 1))
    return looked


def look_at_preset(name: str) -> list[Readiness]:
    """Look for the files of a preset's encoders."""
    return [
        _look(modality, own.encoder, revision=own.revision, megabytes=own.download_megabytes)
        for modality, own in PRESETS[name].items()
    ]


def _look(modality: Modality, encoder: str, *, revision: str, megabytes: int | None) -> Readiness:
    folder = Path(encoder).expanduser()
    if encoder in BUILT_IN[modality]:
        return Readiness(modality, encoder, State.READY, "built in")
    if folder.is_dir():
        if (folder / "config.json").is_file():
            return Readiness(modality, encoder, State.READY, "local folder")
        return Readiness(modality, encoder, State.WRONG, "a folder without config.json")
    if encoder.startswith("torchaudio:"):
        note = "a bundle that torchaudio fetches"
        return Readiness(modality, encoder, State.TO_FETCH, note, None)
    if "/" not in encoder:
        return Readiness(modality, encoder, State.WRONG, "neither built in, a hub id nor a folder")
    if is_cached(encoder, revision):
        return Readiness(modality, encoder, State.READY, "cached")
    note = f"to fetch, {write_size(megabytes * 1e6)}" if megabytes else "to fetch"
    return Readiness(modality, encoder, State.TO_FETCH, note, megabytes)
