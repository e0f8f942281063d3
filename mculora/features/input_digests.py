"""What an utterance's features depend on beside the recipe, as a digest: its content, not its name.

Media count by their bytes: a copy of a file is the same, a changed one of the same size is not.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mculora.corpora.utterance import Utterance
from mculora.features.identity import canonical
from mculora.features.observation import Observation
from mculora.features.outcome import Absence, Extracted
from mculora.modality import Modality

_NO_FILE = "no file"
_COARSEST_CLOCK_SECONDS = 2.0  # of a file system; within it, a change may not show in the time


def media_path(utterance: Utterance, modality: Modality) -> str | None:
    """The media file that features depend on, relative to the raw corpus folder, if any."""
    if modality in utterance.absent:
        return None
    paths = {Modality.AUDIO: utterance.audio_path, Modality.VISUAL: utterance.video_path}
    return paths.get(modality)


def input_digest(utterance: Utterance, modality: Modality, media: MediaDigests) -> str:
    """Digest all of an utterance that its features depend on, apart from the recipe.

    The id, the label, the speaker, the dialogue and the file's name and time do not count.
    """
    if modality in utterance.absent:
        content: list[Any] = ["absent", utterance.absent[modality]]
    elif modality is Modality.TEXT:
        content = ["text", utterance.transcript]
    else:
        path = media_path(utterance, modality)
        seen = Observation.of(utterance, Path())
        is_audio = modality is Modality.AUDIO
        window = seen.audio_window if is_audio else seen.video_window
        content = ["media", path and media.of(path), window.start_seconds, window.end_seconds]
        content += [] if is_audio else [utterance.region]
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def outcome_digest(extracted: Extracted) -> str:
    """Digest features that depend on nothing here, since others have published them."""
    outcome = extracted.outcome
    if isinstance(outcome, Absence):
        return hashlib.sha256(canonical(["absent", outcome.reason]).encode()).hexdigest()
    return hashlib.sha256(outcome.contiguous().numpy().data).hexdigest()


@dataclass(frozen=True)
class _Digested:
    """A file as it was when it was read."""

    num_bytes: int
    time_ns: int
    digest: str
    is_settled: bool = True


class MediaDigests:
    """The SHA-256 of media files, each read once and known again by its size and time.

    Args:
        folder: The folder that paths start from.
        known: What `known` was when these files were last digested; what is no such thing in it
            is passed over.
    """

    def __init__(self, folder: Path, known: Mapping[str, Any] | None = None) -> None:
        self._folder = folder
        self._known = dict(_sound(known or {}))
        self._digests: dict[str, str] = {}

    @property
    def known(self) -> dict[str, list[Any]]:
        """Size, time and digest of each file by its path, as JSON values: to be kept for next time.

        A file that was digested while it was just being written is left out.
        """
        known = list(self._known.items())  # at once: threads may be adding to it
        settled = {path: one for path, one in known if one.is_settled}
        return {p: [one.num_bytes, one.time_ns, one.digest] for p, one in sorted(settled.items())}

    def read(self, paths: Iterable[str], *, num_workers: int | None = None) -> Iterator[str]:
        """Digest files in several threads; yield each path when it is done, in the given order."""
        wanted = list(dict.fromkeys(paths))
        pool = ThreadPoolExecutor(num_workers or os.cpu_count(), thread_name_prefix="digest")
        try:
            for path, _ in zip(wanted, pool.map(self.of, wanted), strict=True):
                yield path
        finally:
            pool.shutdown(cancel_futures=True)

    def of(self, path: str) -> str:
        """The digest of a file, or a word for one that cannot be read."""
        if path not in self._digests:
            self._digests[path] = self._look(path)
        return self._digests[path]

    def _look(self, path: str) -> str:
        try:
            with (self._folder / path).open("rb") as file:
                state, now = os.fstat(file.fileno()), time.time()
                known = self._known.get(path)
                if known and (known.num_bytes, known.time_ns) == (state.st_size, state.st_mtime_ns):
                    return known.digest
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            self._known.pop(path, None)
            return _NO_FILE
        is_settled = now - state.st_mtime > _COARSEST_CLOCK_SECONDS
        self._known[path] = _Digested(state.st_size, state.st_mtime_ns, digest, is_settled)
        return digest


def _sound(known: Mapping[str, Any]) -> Iterator[tuple[str, _Digested]]:
    for path, values in known.items():
        match values:
            case [int(num_bytes), int(time_ns), str(digest)]:
                yield path, _Digested(num_bytes, time_ns, digest)
