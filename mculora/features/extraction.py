"""Utterances to vectors in manifest order, several at once where the encoder allows it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from mculora.corpora.utterance import Utterance
from mculora.features.encoder import Encoder
from mculora.features.observation import Observation
from mculora.features.outcome import Absence, Extracted

_AHEAD = 4  # utterances in work per worker: keeps all busy while one is long


def extract_utterances(
    encoder: Encoder,
    utterances: Sequence[Utterance],
    raw_folder: Path,
    *,
    num_workers: int | None = None,
) -> Iterator[Extracted]:
    """Encode utterances and yield each in the given order.

    What the corpus already says to be absent stays absent for that reason.

    Args:
        encoder: What turns an utterance into a vector.
        utterances: Rows of a manifest.
        raw_folder: The folder that their media paths start from.
        num_workers: Threads for an encoder that allows several; None for one per processor. It
            never changes a value.
    """
    workers = (num_workers or os.cpu_count() or 1) if encoder.is_thread_safe else 1
    if workers == 1:
        for utterance in utterances:
            yield extract_utterance(encoder, utterance, raw_folder)
        return
    with ThreadPoolExecutor(workers) as pool:
        underway: deque[Future[Extracted]] = deque()
        try:
            for utterance in utterances:
                underway.append(pool.submit(extract_utterance, encoder, utterance, raw_folder))
                if len(underway) >= workers * _AHEAD:
                    yield underway.popleft().result()
            while underway:
                yield underway.popleft().result()
        finally:  # stopped early: leave no thread working for nobody
            for future in underway:
                future.cancel()


def extract_utterance(encoder: Encoder, utterance: Utterance, raw_folder: Path) -> Extracted:
    """Encode one utterance; `extract` and `predict` both come through here."""
    known = utterance.absent.get(encoder.modality)
    if known is not None:
        return Extracted(utterance.id, Absence(known))
    [outcome] = encoder.encode([Observation.of(utterance, raw_folder)])
    return Extracted(utterance.id, outcome)
