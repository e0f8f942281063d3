"""Utterances end where their media end: what reaches beyond is cut and listed, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from mculora.corpora.left_out import in_order
from mculora.corpora.manifest import Corpus, Dropped
from mculora.corpora.utterance import Utterance
from mculora.errors import MediaError
from mculora.modality import Modality

TOLERANCE_SECONDS = 0.1
"""Media often end a frame or a codec's padding before the label does: that is no defect."""
_WORKERS = 4


def within_media(corpus: Corpus, raw_folder: Path, seconds_of: Callable[[Path], float]) -> Corpus:
    """Cut the windows of a corpus to its media, and list what was cut.

    A window that ends more than `TOLERANCE_SECONDS` after the last of its media ends with it; a
    modality whose file ends before the window begins is absent there. Media that cannot be read
    change nothing: extraction says what is wrong with them.

    Args:
        corpus: The corpus.
        raw_folder: What its media paths are relative to.
        seconds_of: Tells how long a media file is, or raises MediaError.
    """
    lengths = _measure(sorted(corpus.media_bytes), raw_folder, seconds_of)
    utterances: list[Utterance] = []
    cut: list[Dropped] = []
    for utterance in corpus.utterances:
        ends = dict(_ends(utterance, lengths))
        utterances.append(_cut(utterance, ends))
        cut += _list(utterance, ends)
    dropped = in_order([*corpus.dropped, *cut])
    return replace(corpus, utterances=tuple(utterances), dropped=dropped)


def _measure(
    paths: list[str], raw_folder: Path, seconds_of: Callable[[Path], float]
) -> Mapping[str, float]:
    def measure(path: str) -> float | None:
        try:
            return seconds_of(raw_folder / path)
        except MediaError:
            return None

    with ThreadPoolExecutor(_WORKERS) as pool:
        lengths = pool.map(measure, paths)
        return {p: s for p, s in zip(paths, lengths, strict=True) if s is not None}


def _ends(u: Utterance, lengths: Mapping[str, float]) -> Iterator[tuple[Modality, float]]:
    """When the media of an utterance end, on the dialogue's clock, by modality."""
    files = {
        Modality.AUDIO: (u.audio_path, u.audio_begins_seconds),
        Modality.VISUAL: (u.video_path, u.video_begins_seconds),
    }
    for modality, (path, begins) in files.items():
        if path is not None and path in lengths and modality not in u.absent:
            yield modality, begins + lengths[path]


def _cut(utterance: Utterance, ends: Mapping[Modality, float]) -> Utterance:
    start, last = utterance.start_seconds, max(ends.values(), default=utterance.end_seconds)
    silent = {
        modality: f"the clip ends at {end:.1f} s, the utterance starts at {start:.1f} s"
        for modality, end in ends.items()
        if end <= start
    }
    is_over = start < last < utterance.end_seconds - TOLERANCE_SECONDS
    return replace(
        utterance,
        end_seconds=last if is_over else utterance.end_seconds,
        absent={**utterance.absent, **silent},
    )


def _list(utterance: Utterance, ends: Mapping[Modality, float]) -> Iterator[Dropped]:
    for modality, end in ends.items():
        is_silent = end <= utterance.start_seconds
        if is_silent or end < utterance.end_seconds - TOLERANCE_SECONDS:
            times = f"{utterance.start_seconds:.2f} to {utterance.end_seconds:.2f} s"
            reason = f"reaches beyond its media: {times}, {modality.word} ends at {end:.2f} s"
            yield Dropped(utterance.id, reason)
