"""Where a long recording is cut into utterances: at its subtitles, else where speech pauses."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch

from mculora.errors import MediaError
from mculora.inference.transcripts import TimedLine
from mculora.media.audio import SAMPLE_RATE, read_audio
from mculora.media.track import decode_from

LONGEST_SECONDS = 15.0
"""No utterance that is cut from a recording lasts longer, and a shorter recording stays whole."""
SHORTEST_SECONDS = 1.0
"""A shorter one is joined with a neighbour, if there is one nearby."""

_PAUSE_SECONDS = 0.4  # a silence of this length ends an utterance
_PADDING_SECONDS = 0.15  # what is kept around speech, whose edges are soft
_NEARBY_SECONDS = 1.0
_TOUCHING_SECONDS = 0.05
_BLOCK_SECONDS = 300.0  # what is heard at once: an hour of sound needs no more memory than this
_WINDOW_SECONDS = 10.0  # of a recording in which nobody speaks


@dataclass(frozen=True)
class Span:
    """A half-open part of a recording and what is said in it."""

    start_seconds: float
    end_seconds: float
    text: str = ""

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.end_seconds - self.start_seconds

    def joined(self, later: Span) -> Span:
        """This and a later one as one."""
        end = max(self.end_seconds, later.end_seconds)
        return Span(self.start_seconds, end, f"{self.text} {later.text}".strip())


def cut_at_lines(lines: Iterable[TimedLine], duration_seconds: float) -> list[Span]:
    """The utterances that subtitles tell of: one each, as far as the recording reaches.

    Lines that overlap are one utterance, and so is a very short one with its neighbour, where that
    is not too long then.
    """
    spans = (
        Span(line.start_seconds, min(line.end_seconds, duration_seconds), line.text)
        for line in lines
        if line.start_seconds < duration_seconds
    )
    return list(_settled(spans))


def cut_at_pauses(path: Path, duration_seconds: float) -> list[Span]:
    """The utterances of a recording by voice activity; none where nobody speaks.

    Raises:
        MediaError: It has no sound, or none that can be decoded.
    """
    begins = next(decode_from(path, "audio", 0.0)).seconds
    return list(_settled(_find_speech(path, begins, duration_seconds)))


def cut_evenly(duration_seconds: float) -> list[Span]:
    """Equal windows of at most ten seconds."""
    count = max(1, math.ceil(duration_seconds / _WINDOW_SECONDS))
    edges = [duration_seconds * number / count for number in range(count + 1)]
    return [Span(*edge) for edge in pairwise(edges)]


def _settled(spans: Iterable[Span]) -> Iterator[Span]:
    """Join what belongs together."""
    open_span: Span | None = None
    for span in spans:
        if open_span and _belong_together(open_span, span):
            open_span = open_span.joined(span)
            continue
        if open_span:
            yield open_span
        open_span = span
    if open_span:
        yield open_span


def _belong_together(span: Span, later: Span) -> bool:
    gap = later.start_seconds - span.end_seconds
    is_short = min(span.seconds, later.seconds) < SHORTEST_SECONDS
    nearness = _NEARBY_SECONDS if is_short else _TOUCHING_SECONDS
    return gap <= nearness and span.joined(later).seconds <= LONGEST_SECONDS


def _find_speech(path: Path, begins: float, ends: float) -> Iterator[Span]:
    """The stretches of speech, from block to block of the sound."""
    start = 0.0
    while start < ends:
        end = min(start + _BLOCK_SECONDS, ends)
        if end > begins:
            first = max(start, begins)
            try:
                clip = read_audio(path, start_seconds=first, end_seconds=end)
            except MediaError:
                if start <= begins:
                    raise
                return  # the sound ends before the picture
            for speech in _voice_activity(torch.from_numpy(clip.samples)):
                early, late = speech["start"] / SAMPLE_RATE, speech["end"] / SAMPLE_RATE
                yield Span(first + early, min(first + late, ends))
        start = end


def _voice_activity(samples: torch.Tensor) -> list[dict[str, int]]:
    """Where somebody speaks in samples (S,) at 16 kHz, as first and last sample of each stretch."""
    with _in_one_thread():
        silero, model = _silero()
        found: list[dict[str, int]] = silero.get_speech_timestamps(
            samples,
            model,
            sampling_rate=SAMPLE_RATE,
            max_speech_duration_s=LONGEST_SECONDS - 2 * _PADDING_SECONDS,
            min_silence_duration_ms=round(1000 * _PAUSE_SECONDS),
            speech_pad_ms=round(1000 * _PADDING_SECONDS),
        )
    return found


@cache
def _silero() -> tuple[Any, Any]:
    """Silero's package and its network, which is in it; to be imported where threads are kept."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of how it finds and reads its file
        import silero_vad  # sets the whole process to one thread

        return silero_vad, silero_vad.load_silero_vad()


@contextmanager
def _in_one_thread() -> Iterator[None]:
    """Compute alone, and give the threads back: two take ten times as long over steps so small."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
