"""The content of media as digests, each file read once: a note beside the store remembers it."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from mculora.corpora.manifest import Corpus
from mculora.features.input_digests import MediaDigests, input_digest, media_path
from mculora.files import write_text
from mculora.modality import Modality
from pipeline.console import progress
from pipeline.layout import Layout

_SECONDS_BETWEEN_NOTES = 20.0  # what a stop makes to be read again


def digest_inputs(corpus: Corpus, modality: Modality, layout: Layout) -> dict[str, str]:
    """What each utterance's vector depends on beside the encoder, by id, as a digest.

    Every media file is read once; from then on it is known by its size and time.
    """
    note = layout.media_state(modality)
    media = MediaDigests(layout.raw, _read(note))
    paths = {path for u in corpus.utterances if (path := media_path(u, modality))}
    read = media.read(sorted(paths))
    looked_at = progress(read, label=f"look at the media of {modality.word}", total=len(paths))
    noted = time.monotonic()
    for _ in looked_at:
        if time.monotonic() - noted > _SECONDS_BETWEEN_NOTES:
            _write(note, media)
            noted = time.monotonic()
    _write(note, media)
    return {u.id: input_digest(u, modality, media) for u in corpus.utterances}


def _write(note: Path, media: MediaDigests) -> None:
    """Write the note whole; two processes that look at the same media each write their own."""
    own = note.with_name(f"{note.name}.{os.getpid()}")
    write_text(own, json.dumps(media.known, ensure_ascii=False) + "\n")
    os.replace(own, note)


def _read(note: Path) -> dict[str, Any]:
    try:
        content = json.loads(note.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
