"""A recording as a dialogue: its utterances in time order, whole if it is short, else cut."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from mculora.errors import InputError, MediaError
from mculora.features.observation import Observation
from mculora.inference.segmentation import (
    LONGEST_SECONDS,
    Span,
    cut_at_lines,
    cut_at_pauses,
    cut_evenly,
)
from mculora.inference.transcripts import Transcript
from mculora.media.container import media_duration
from mculora.modality import Modality

LONGEST_WITH_WORDS_SECONDS = 60.0
"""Up to here a recording whose words have no times stays whole, for nobody could divide them."""

NEEDS_TIMES = "the transcript of a long recording needs times (subtitles)"


@dataclass(frozen=True)
class Recording:
    """What a network is shown as one dialogue.

    Attributes:
        name: What the user calls it.
        utterances: In time order; the clock is that of the dialogue.
        cut: How it was cut into them, as a phrase.
        seconds: How long it lasts; None where that cannot be told.
        absent: Modalities that none of them can have, and why.
        left_out: What of it cannot be used, a line each.
    """

    name: str
    utterances: tuple[Observation, ...]
    cut: str = "in one piece"
    seconds: float | None = None
    absent: Mapping[Modality, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()


def open_recording(path: Path, transcript: Transcript) -> Recording:
    """Look at a media file and cut it into utterances.

    Subtitles say where they are; without any, what lasts more than `LONGEST_SECONDS` is cut where
    speech pauses, or evenly where nobody speaks. A file that cannot be read is one utterance: it
    may have words, and its sound and picture are absent with their reasons.

    Args:
        path: A file with sound, a picture or both.
        transcript: What is said in it.

    Raises:
        InputError: Its subtitles begin after its end.
    """
    try:
        seconds = media_duration(path)
    except MediaError:
        seconds = 0.0
    whole = Recording(str(path), (_observe(path, Span(0.0, math.inf, transcript.text)),))
    if not seconds > 0:
        return whole
    whole = replace(whole, seconds=seconds)
    if transcript.lines:
        spans = _cut_at_lines(path, transcript, seconds)
        return _cut(whole, spans, "at its subtitles")
    if seconds <= (LONGEST_WITH_WORDS_SECONDS if transcript.text else LONGEST_SECONDS):
        return whole
    recording = _cut_long(whole, path, seconds)
    absent = {Modality.TEXT: NEEDS_TIMES} if transcript.text else {}
    return replace(recording, absent=absent)


def _cut_at_lines(path: Path, transcript: Transcript, seconds: float) -> list[Span]:
    spans = cut_at_lines(transcript.lines, seconds)
    if not spans:
        found = f"subtitles that begin at {transcript.lines[0].start_seconds:.1f} s"
        raise InputError(path, found=found, expected=f"some in its {seconds:.1f} s")
    return spans


def _cut_long(whole: Recording, path: Path, seconds: float) -> Recording:
    try:
        spans = cut_at_pauses(path, seconds)
    except MediaError as error:
        return _cut(whole, cut_evenly(seconds), f"evenly ({error.reason})")
    if spans:
        return _cut(whole, spans, "where speech pauses")
    return _cut(whole, cut_evenly(seconds), "evenly (nobody speaks in it)")


def _cut(whole: Recording, spans: Iterable[Span], cut: str) -> Recording:
    path = Path(whole.name)
    return replace(whole, utterances=tuple(_observe(path, span) for span in spans), cut=cut)


def _observe(path: Path, span: Span) -> Observation:
    return Observation(
        start_seconds=span.start_seconds,
        end_seconds=span.end_seconds if span.end_seconds < math.inf else None,
        transcript=span.text,
        audio_path=path,
        video_path=path,
    )
