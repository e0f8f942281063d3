"""A recording as a dialogue: its utterances in time order, whole if it is short, else cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
        absent: Modalities that none of them can have, and why.
    """

    name: str
    utterances: tuple[Observation, ...]
    cut: str = "in one piece"
    absent: Mapping[Modality, str] = field(default_factory=dict)


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
    if not seconds > 0:
        return Recording(str(path), (_whole(path, transcript),))
    if transcript.lines:
        return _cut_at_lines(path, transcript, seconds)
    longest = LONGEST_WITH_WORDS_SECONDS if transcript.text else LONGEST_SECONDS
    if seconds <= longest:
        return Recording(str(path), (_whole(path, transcript),))
    spans, cut = _cut_long(path, seconds)
    absent = {Modality.TEXT: NEEDS_TIMES} if transcript.text else {}
    return _recording(path, spans, cut, absent)


def _cut_at_lines(path: Path, transcript: Transcript, seconds: float) -> Recording:
    spans = cut_at_lines(transcript.lines, seconds)
    if not spans:
        found = f"subtitles that begin at {transcript.lines[0].start_seconds:.1f} s"
        raise InputError(path, found=found, expected=f"some in its {seconds:.1f} s")
    return _recording(path, spans, "at its subtitles")


def _cut_long(path: Path, seconds: float) -> tuple[list[Span], str]:
    try:
        spans = cut_at_pauses(path, seconds)
    except MediaError as error:
        return cut_evenly(seconds), f"evenly ({error.reason})"
    if spans:
        return spans, "where speech pauses"
    return cut_evenly(seconds), "evenly (nobody speaks in it)"


def _whole(path: Path, transcript: Transcript) -> Observation:
    return Observation(transcript=transcript.text, audio_path=path, video_path=path)


def _recording(
    path: Path, spans: list[Span], cut: str, absent: Mapping[Modality, str] | None = None
) -> Recording:
    utterances = (
        Observation(
            start_seconds=span.start_seconds,
            end_seconds=span.end_seconds,
            transcript=span.text,
            audio_path=path,
            video_path=path,
        )
        for span in spans
    )
    return Recording(str(path), tuple(utterances), cut, absent or {})
