"""The sound of a clip: one channel at 16 kHz, cut so that a window equals a slice of the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torchaudio

from mculora.errors import MediaError
from mculora.media.container import LONGEST_SECONDS, Window, check_overlap, sound_values
from mculora.media.track import Decoded, decode_from, open_track

SAMPLE_RATE = 16_000
"""Samples per second (Hz) of everything that is heard."""

_MARGIN_SECONDS = 0.2  # compressed sound decodes cleanly only some frames after an entry point
_RATES = range(1_000, 384_001)  # Hz; beyond lie damaged headers
_FINEST_RATIO = 640  # 11,025 Hz need it; an odder rate passes for the nearest, within a thousandth
_HOLE_SECONDS = 0.05  # more than stamps are rounded: there, sound is missing
_STAMPS = 64  # so many tell well when a run of sound began, before a slow clock tells
_USUAL_RATE = 48_000  # Hz; of a higher one, fewer seconds fit into memory
_BLOCK_SECONDS = 60  # what is resampled at once, so that an hour needs little more memory

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class AudioClip:
    """Sound, one channel.

    Attributes:
        samples: (S,) float32, finite, full scale at 1.
        sample_rate: Samples per second (Hz).
    """

    samples: Samples  # (S,)
    sample_rate: int = SAMPLE_RATE

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.samples.dtype != np.float32 or not self.samples.size:
            found = f"{self.samples.dtype} {self.samples.shape}"
            raise ValueError(f"samples are (S,) float32 with S > 0, not {found}")

    @property
    def duration_seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.sample_rate


def read_audio(
    path: Path, *, start_seconds: float = 0.0, end_seconds: float | None = None
) -> AudioClip:
    """Read a half-open window of a clip's sound: mean of the channels, resampled to 16 kHz.

    A window that reaches beyond the sound's end is cut there; a hole in the sound is closed up.

    Args:
        path: A sound or video file.
        start_seconds: First moment of the window, since the clip began.
        end_seconds: First moment after it; None for the end of the clip.

    Raises:
        MediaError: The file or its sound cannot be read, or the window has none.
    """
    window = Window(start_seconds, end_seconds)
    runs = [_resample(_aligned(run, window)) for run in _decode_runs(path, window)]
    samples = np.concatenate([_cut(run, window) for run in runs])
    if not samples.size:
        begins, ends = runs[0].first / SAMPLE_RATE, runs[-1].last / SAMPLE_RATE
        check_overlap(path, window, begins=begins, ends=ends)
        raise MediaError(path, "the utterance is shorter than one sample of the sound")
    if not np.isfinite(samples).all():
        raise MediaError(path, "the sound has values that are not finite")
    return AudioClip(np.ascontiguousarray(samples))


@dataclass(frozen=True)
class _Stretch:
    """Samples and where they stand on the clip's clock."""

    samples: Samples  # (S,)
    first: int  # index of the first sample since the clip began
    sample_rate: int

    @property
    def last(self) -> int:
        return self.first + len(self.samples)


def _decode_runs(path: Path, window: Window) -> list[_Stretch]:
    """Decode the window with a margin on both sides: what is unbroken, at the track's own rate."""
    early, clean = (window.start_seconds - n * _MARGIN_SECONDS for n in (2, 1))
    late = math.inf if window.end_seconds is None else window.end_seconds + _MARGIN_SECONDS
    runs, num_samples = list[list[_Stretch]](), 0
    for decoded in decode_from(path, "audio", max(early, 0.0)):
        if decoded.seconds >= late:
            break
        piece = _piece(path, decoded)
        latest = runs[-1][-1] if runs else None
        if latest and latest.last <= clean * latest.sample_rate:
            runs, num_samples, latest = [], 0, None  # all before the window
        if latest and latest.sample_rate != piece.sample_rate:
            raise MediaError(path, f"the sampling rate changes at {decoded.seconds:.1f} s")
        if not latest or abs(piece.first - latest.last) > _HOLE_SECONDS * piece.sample_rate:
            runs.append([])
        runs[-1].append(piece)
        num_samples += len(piece.samples)
        if num_samples > LONGEST_SECONDS * min(piece.sample_rate, _USUAL_RATE):
            raise MediaError(
                path, f"more than {num_samples // piece.sample_rate} s of sound at once"
            )
    if not runs:
        with open_track(path, "audio") as track:
            track.check_overlap(window)
        raise MediaError(path, "cannot be decoded: no sound in this window")
    return [_joined(run) for run in runs]


def _joined(run: list[_Stretch]) -> _Stretch:
    """Put the pieces of a run in a row, where their stamps together say: each may be rounded."""
    places = np.cumsum([0, *(len(piece.samples) for piece in run[:-1])])
    firsts = np.array([piece.first for piece in run]) - places
    first = round(float(firsts[:_STAMPS].mean()))
    return _Stretch(np.concatenate([p.samples for p in run]), first, run[0].sample_rate)


def _piece(path: Path, decoded: Decoded) -> _Stretch:
    rate = decoded.frame.sample_rate
    if rate not in _RATES:
        raise MediaError(path, f"a sampling rate of {rate} Hz")
    return _Stretch(_mono(path, decoded.frame), round(decoded.seconds * rate), rate)


def _cut(run: _Stretch, window: Window) -> Samples:
    """The part of a run at 16 kHz that lies in a window."""
    first = max(round(window.start_seconds * SAMPLE_RATE) - run.first, 0)
    if window.end_seconds is None:
        return run.samples[first:]
    return run.samples[first : max(round(window.end_seconds * SAMPLE_RATE) - run.first, 0)]


def _aligned(native: _Stretch, window: Window) -> _Stretch:
    """Drop the unclean start, down to a sample that the 16 kHz grid shares."""
    step = _ratio(native.sample_rate).numerator
    clean = max(window.start_seconds - _MARGIN_SECONDS, 0.0) * native.sample_rate
    wanted = max(native.first, 0, min(clean, native.last - 1))
    first = min(math.ceil(wanted / step) * step, native.last - 1)
    return _Stretch(native.samples[first - native.first :], first, native.sample_rate)


def _ratio(sample_rate: int) -> Fraction:
    """How many samples stand for one at 16 kHz."""
    return Fraction(sample_rate, SAMPLE_RATE).limit_denominator(_FINEST_RATIO)


def _resample(native: _Stretch) -> _Stretch:
    """Resample block by block, each with its neighbours' edges: the same as in one piece."""
    ratio, samples = _ratio(native.sample_rate), torch.from_numpy(native.samples)
    if ratio == 1:
        return native
    step, resampler = ratio.numerator, _resampler(ratio)
    block = _BLOCK_SECONDS * native.sample_rate // step * step
    margin = math.ceil(resampler.width / step + 1) * step
    parts = []
    for start in range(0, len(samples), block):
        early, late = max(start - margin, 0), start + block + margin
        part = resampler(samples[early:late]).numpy()
        skipped = int((start - early) / ratio)
        parts.append(part[skipped : skipped + int(block / ratio)])
    first = round(native.first * SAMPLE_RATE / native.sample_rate)
    return _Stretch(np.concatenate(parts), first, SAMPLE_RATE)


@lru_cache(maxsize=8)
def _resampler(ratio: Fraction) -> torchaudio.transforms.Resample:
    return torchaudio.transforms.Resample(ratio.numerator, ratio.denominator)


def _mono(path: Path, frame: Any) -> Samples:
    """One decoded frame as the mean of its channels, full scale at 1: (S,).

    Raises:
        MediaError: It is of a kind that cannot be read.
    """
    try:
        values = sound_values(frame)
    except ValueError as error:
        raise MediaError(path, f"cannot be decoded: {error}") from None
    if values.dtype == np.uint8:
        scaled = (values.astype(np.float32) - 128) / 128
    elif np.issubdtype(values.dtype, np.integer):
        scaled = values.astype(np.float64) / -float(np.iinfo(values.dtype).min)
    else:
        scaled = values
    with np.errstate(over="ignore"):  # to infinity, which is refused
        return np.asarray(scaled.mean(axis=0, dtype=np.float64), dtype=np.float32)
