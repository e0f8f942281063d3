"""A synthetic voice: glottal pulses and breath through moving formants, coloured by a mood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SAMPLE_RATE = 16_000
"""Hz."""
_HOP = 160  # samples between control values: 10 ms
_WINDOW = 4 * _HOP
_FFT = 1024  # the window and the ringing of the formants after it
_VOWELS = np.array(  # F1, F2, F3 in Hz of a middling speaker
    [
        [730, 1240, 2450],  # a
        [530, 1840, 2480],  # e
        [300, 2290, 3010],  # i
        [570, 950, 2410],  # o
        [320, 950, 2240],  # u
        [660, 1720, 2410],  # ae
        [490, 1350, 1690],  # er
        [500, 1500, 2500],  # schwa
    ]
)
_BANDWIDTHS = (80.0, 100.0, 140.0, 200.0, 300.0)  # Hz, F1 to F5
_REST = (500.0, 1500.0, 2500.0, 3600.0, 4700.0)  # Hz, a mouth at ease
_HISS = (1200.0, 2600.0, 4300.0, 5400.0, 6600.0)  # Hz, an s or f


@dataclass(frozen=True)
class Voice:
    """How one person sounds when calm.

    Attributes:
        pitch_hz: Fundamental frequency.
        formant_scale: Length of the vocal tract: 1 is middling, more is shorter.
        syllables_per_second: Tempo.
        breath: Share of breath noise in vowels, 0 to 0.2.
        level: Loudness factor.
    """

    pitch_hz: float
    formant_scale: float
    syllables_per_second: float
    breath: float
    level: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Voice:
        """Draw a person's voice: about half of them low, half high."""
        is_high = rng.random() < 0.5
        return cls(
            pitch_hz=float((195 if is_high else 125) * 2 ** rng.normal(0, 0.06)),
            formant_scale=float((1.12 if is_high else 0.98) + rng.normal(0, 0.02)),
            syllables_per_second=float(rng.uniform(3.6, 4.4)),
            breath=float(rng.uniform(0.02, 0.06)),
            level=float(rng.uniform(0.85, 1.15)),
        )


@dataclass(frozen=True)
class _Controls:
    """What the voice does every 10 ms; (T,) each, formants (T, 5)."""

    pitch_hz: NDArray[np.float64]
    voiced: NDArray[np.float64]
    breath: NDArray[np.float64]
    formants_hz: NDArray[np.float64]


def speak(
    voice: Voice, mood: float, num_samples: int, *, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Say something for `num_samples` samples.

    A good mood is higher, livelier, louder, quicker and brighter; a bad one lower, flatter,
    softer, slower and darker.

    Args:
        voice: Who speaks.
        mood: About -2 to 2.
        num_samples: Length at `SAMPLE_RATE`.
        rng: Where the syllables come from.

    Returns:
        (S,) samples, mostly within -0.5 to 0.5.
    """
    lift = float(np.clip(mood, -2, 2)) / 2
    controls = _articulate(voice, lift, num_samples // _HOP + 5, rng=rng)
    source = _excite(controls, rng=rng)
    tilt = 7.5 - 3.0 * lift  # dB per octave above 300 Hz
    sound = _filter(source, controls.formants_hz, tilt)[:num_samples]
    rms = float(np.sqrt(np.mean(sound**2))) + 1e-9
    gain = 0.05 * voice.level * 10 ** (3.5 * lift / 20) / rms
    loud: NDArray[np.float32] = np.clip(sound * gain, -0.95, 0.95).astype(np.float32)
    return loud


def room_noise(num_samples: int, *, level: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Make the hiss and rumble of a room: (S,) samples with root mean square `level`."""
    white = rng.standard_normal(num_samples)
    spectrum = np.fft.rfft(white)
    spectrum /= np.sqrt(np.arange(len(spectrum)) + 20.0)
    rumble = np.fft.irfft(spectrum, num_samples)
    noise: NDArray[np.float32] = (rumble * (level / rumble.std())).astype(np.float32)
    return noise


def _articulate(
    voice: Voice, lift: float, num_frames: int, *, rng: np.random.Generator
) -> _Controls:
    """Lay out syllables: each a short consonant and a vowel, now and then a pause."""
    voiced, breath = np.zeros(num_frames), np.zeros(num_frames)
    accent = np.zeros(num_frames)
    formants = np.tile(_REST, (num_frames, 1))
    rate = voice.syllables_per_second * (1 + 0.22 * lift)
    frame = 4
    while frame < num_frames - 8:
        length = max(8, int(100 / rate * rng.uniform(0.8, 1.25)))
        onset = frame + max(2, int(length * rng.uniform(0.15, 0.3)))
        end = min(frame + length, num_frames - 5)
        formants[frame:end, :3] = _VOWELS[rng.integers(len(_VOWELS))]
        breath[frame:onset] = rng.uniform(0.1, 0.4)
        if rng.random() < 0.35:
            formants[frame:onset] = _HISS
            breath[frame:onset] = rng.uniform(0.5, 1.0)
        voiced[onset:end] = rng.uniform(0.75, 1.0)
        accent[frame:end] = rng.normal(0, 1)
        frame += length + (int(rng.uniform(8, 18)) if rng.random() < 0.12 else 0)
    declination = np.linspace(0.7, -0.9, num_frames)
    range_semitones = 2.0 * 2 ** (1.0 * lift)
    semitones = 3.2 * lift + range_semitones * (_smooth(accent, 9) + declination)
    brightness = voice.formant_scale * (1 + 0.04 * lift)
    return _Controls(
        pitch_hz=voice.pitch_hz * 2 ** (semitones / 12),
        voiced=_smooth(voiced, 5),
        breath=_smooth(breath + voice.breath * voiced, 3),
        formants_hz=np.stack([_smooth(track, 7) for track in formants.T], 1) * brightness,
    )


def _smooth(track: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Average over `width` frames."""
    padded = np.pad(track, width // 2, mode="edge")
    return np.convolve(padded, np.hanning(width + 2)[1:-1] / ((width + 1) / 2), mode="valid")


def _excite(controls: _Controls, *, rng: np.random.Generator) -> NDArray[np.float64]:
    """Turn the controls into pulses at the pitch and breath noise: (T * hop,)."""
    num_samples = len(controls.pitch_hz) * _HOP
    at = np.arange(num_samples) / _HOP
    frames = np.arange(len(controls.pitch_hz))
    phase = np.cumsum(np.interp(at, frames, controls.pitch_hz)) / SAMPLE_RATE
    beat = np.flatnonzero(np.diff(np.floor(phase)) > 0)
    fraction = (np.ceil(phase[beat]) - phase[beat]) / (phase[beat + 1] - phase[beat])
    strength = np.interp(beat / _HOP, frames, controls.voiced)
    strength = strength * (1 + rng.normal(0, 0.05, len(beat)))
    source = 0.02 * np.interp(at, frames, controls.breath) * rng.standard_normal(num_samples)
    # A pulse between two samples is shared by both: whole samples would sound rough.
    strength = strength / np.sqrt(controls.pitch_hz.mean() / 150)
    source[beat] += (1 - fraction) * strength
    source[beat + 1] += fraction * strength
    return source


def _filter(
    source: NDArray[np.float64], formants_hz: NDArray[np.float64], tilt: float
) -> NDArray[np.float64]:
    """Send the source through resonances that move: short windows, overlapped and added."""
    num_frames = len(formants_hz)
    padded = np.pad(source, (_WINDOW // 2, _FFT))
    starts = _HOP * np.arange(num_frames)
    windows = padded[starts[:, None] + np.arange(_WINDOW)] * np.hanning(_WINDOW + 1)[:-1]
    frequency = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE)  # (F,) Hz
    spectra = np.fft.rfft(windows, _FFT) * _tilt(frequency, tilt)  # (T, F)
    for centre, bandwidth in zip(formants_hz.T, _BANDWIDTHS, strict=True):
        squared = centre[:, None] ** 2
        spectra *= squared / (squared - frequency**2 + 1j * frequency * bandwidth)
    pieces = np.fft.irfft(spectra, _FFT)
    sound = np.zeros(num_frames * _HOP + _FFT)
    for start, piece in zip(starts, pieces, strict=True):
        sound[start : start + _FFT] += piece
    return sound[_WINDOW // 2 :]


def _tilt(frequency: NDArray[np.floating[Any]], tilt: float) -> NDArray[np.floating[Any]]:
    """Fall by `tilt` dB per octave above 300 Hz; nothing passes at 0 Hz."""
    octaves = np.log2(np.maximum(frequency, 300.0) / 300.0)
    rumble = np.minimum(frequency / 80.0, 1.0)
    rise = frequency / 1000.0 + 0.2  # each formant falls by 12 dB per octave: give some back
    gain: NDArray[np.floating[Any]] = rumble * rise * 10 ** (-(tilt - 4) * octaves / 20)
    return gain
