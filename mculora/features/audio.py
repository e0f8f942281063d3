"""How an utterance sounds: acoustic statistics over its whole length, without a download."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib.metadata import version
from typing import Any

import torch

from mculora.features.built_in import BuiltInEncoder, in_one_piece
from mculora.features.encoder import Prepared
from mculora.features.identity import JSON
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.media.audio import SAMPLE_RATE, AudioClip, read_audio
from mculora.modality import Modality

SHORTEST_SECONDS = 0.1
"""Shorter sound fills no analysis window of openSMILE (60 ms) with something to compare."""

_NUM_MELS = 64
_WINDOW = 400  # samples, 25 ms
_HOP = 160  # samples, 10 ms
_QUIETEST = 1e-10  # power below which the logarithm stops: digital silence stays finite


def hear(observation: Observation) -> AudioClip | Absence:
    """Read an observation's sound, or say why it cannot be used.

    Raises:
        MediaError: The file cannot be read, or has no sound there.
    """
    if observation.audio_path is None:
        return Absence("no audio file")
    window = observation.audio_window
    clip = read_audio(
        observation.audio_path,
        start_seconds=window.start_seconds,
        end_seconds=window.end_seconds,
    )
    if clip.duration_seconds < SHORTEST_SECONDS:
        return Absence(f"too short: {clip.duration_seconds:.3f} s of sound")
    return clip


class Egemaps(BuiltInEncoder):
    """The 88 functionals of eGeMAPSv02 by openSMILE: pitch, loudness, timbre, rhythm."""

    modality = Modality.AUDIO
    name = "egemaps"
    width = 88
    settings: Mapping[str, JSON] = {"set": "eGeMAPSv02", "level": "functionals"}

    def __init__(self) -> None:
        self.revision = f"opensmile {version('opensmile')}"

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """See `Encoder.prepare`."""
        clip = hear(observation)
        if isinstance(clip, Absence):
            return clip
        values = self._extractor.process_signal(clip.samples, clip.sample_rate).to_numpy()
        return in_one_piece(torch.tensor(values[0], dtype=torch.float32))

    @cached_property
    def _extractor(self) -> Any:
        import opensmile

        return opensmile.Smile(
            feature_set=opensmile.FeatureSet.eGeMAPSv02,
            feature_level=opensmile.FeatureLevel.Functionals,
        )


class LogMel(BuiltInEncoder):
    """Mean and spread over time of a log-mel spectrogram: 2 x 64 values."""

    modality = Modality.AUDIO
    name = "logmel"
    revision = "1"
    width = 2 * _NUM_MELS
    settings: Mapping[str, JSON] = {"mels": _NUM_MELS, "window": _WINDOW, "hop": _HOP}

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """See `Encoder.prepare`."""
        clip = hear(observation)
        if isinstance(clip, Absence):
            return clip
        power = self._spectrogram(torch.from_numpy(clip.samples))  # (mels, T)
        decibels = 10 * power.clamp_min(_QUIETEST).log10()
        return in_one_piece(torch.cat([decibels.mean(dim=1), decibels.std(dim=1, correction=0)]))

    @cached_property
    def _spectrogram(self) -> Any:
        from torchaudio.transforms import MelSpectrogram

        return MelSpectrogram(
            SAMPLE_RATE, n_fft=512, win_length=_WINDOW, hop_length=_HOP, n_mels=_NUM_MELS
        )
