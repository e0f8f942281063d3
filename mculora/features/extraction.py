"""Utterances to vectors in manifest order: decoding beside computing, batches by length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from mculora.corpora.utterance import Utterance
from mculora.errors import MediaError
from mculora.features.batching import BackingOff, is_out_of_memory, plan_batches
from mculora.features.encoder import Encoded, Encoder, Piece, Prepared
from mculora.features.identity import Level
from mculora.features.meter import Meter
from mculora.features.observation import Observation
from mculora.features.outcome import OUT_OF_MEMORY, Absence, Extracted
from mculora.features.reading import read_ahead, usable_processors

GROUP = 64
"""Utterances that are batched among themselves; a store has a shard of each, so that a resumed
extraction forms the same batches as one that was not stopped."""

_GROUP_BYTES = 512 * 2**20  # a group of long utterances is cut when it holds this much

Item = TypeVar("Item")

_NOT_FINITE = "the encoder gave values that are not finite"


def extract_utterances(
    encoder: Encoder,
    utterances: Sequence[Utterance],
    raw_folder: Path,
    *,
    num_workers: int | None = None,
    budget: int | None = None,
    meter: Meter | None = None,
) -> Iterator[Extracted]:
    """Encode utterances and yield each in the given order, `GROUP` of them at a time.

    What the corpus already says to be absent stays absent for that reason. Workers and budget
    change the wait, and a value by no more than the rounding of the model's data type.

    Args:
        encoder: What turns an utterance into a vector.
        utterances: Rows of a manifest.
        raw_folder: The folder that their media paths start from.
        num_workers: Threads that read and decode; None for one per processor.
        budget: The most that a batch may cost (`Encoder.budget`); None for the encoder's own.
        meter: Counts what is done.
    """

    def prepare(utterance: Utterance) -> _Ready:
        known = utterance.absent.get(encoder.modality)
        outcome = (
            _prepare(encoder, Observation.of(utterance, raw_folder))
            if known is None
            else Absence(known)
        )
        seconds = utterance.end_seconds - utterance.start_seconds
        return _Ready(utterance.id, seconds, outcome)

    meter = meter or Meter()
    ready = _read(prepare, utterances, num_workers=num_workers, meter=meter)
    yield from _encode(encoder, ready, budget=budget, meter=meter)


def encode_observations(
    encoder: Encoder, observations: Sequence[Observation], meter: Meter | None = None
) -> Iterator[Extracted]:
    """Encode observations of no corpus in the same way; their ids are empty."""

    def prepare(observation: Observation) -> _Ready:
        return _Ready("", 0.0, _prepare(encoder, observation))

    meter = meter or Meter()
    if len(observations) > 1:
        ready = _read(prepare, observations, num_workers=None, meter=meter)
    else:  # nothing to read ahead: this thread's own libraries may use all processors
        with meter.waiting():
            ready = iter([prepare(one) for one in observations])
    yield from _encode(encoder, ready, budget=None, meter=meter)


def encode_one(encoder: Encoder, observation: Observation, meter: Meter | None = None) -> Extracted:
    """Encode a single observation, as it would be among others; its id is empty."""
    [extracted] = encode_observations(encoder, [observation], meter)
    return extracted


def _encode(
    encoder: Encoder, ready: Iterator[_Ready], *, budget: int | None, meter: Meter
) -> Iterator[Extracted]:
    """Encode what is ready, a group at a time."""
    backing_off = BackingOff(encoder, budget or encoder.budget)
    underway: _Underway | None = None
    for group in _groups(ready, size=GROUP if backing_off.budget > 1 else 1):
        launched = _Underway(group, _encode_group(group, backing_off, encoder, meter))
        if underway:
            yield from _settle(underway, encoder.level, meter)
        underway = launched
        if not launched.is_on_gpu:  # a GPU goes on with the next group while this one is fetched
            yield from _settle(launched, encoder.level, meter)
            underway = None
    if underway:
        yield from _settle(underway, encoder.level, meter)


@dataclass(frozen=True)
class _Ready:
    """An utterance that is decoded, or absent already."""

    utterance_id: str
    seconds: float
    prepared: Prepared | Absence

    @property
    def pieces(self) -> tuple[Piece, ...]:
        return self.prepared.pieces if isinstance(self.prepared, Prepared) else ()


@dataclass(frozen=True)
class _Underway:
    """A group whose pieces went through the model; on a GPU they may still be computed."""

    group: Sequence[_Ready]
    encoded: Sequence[Encoded | None]  # of all pieces in order; None: no memory for it

    @property
    def is_on_gpu(self) -> bool:
        return any(one is not None and one.states.is_cuda for one in self.encoded)


def _prepare(encoder: Encoder, observation: Observation) -> Prepared | Absence:
    try:
        return encoder.prepare(observation)
    except MediaError as error:
        return Absence(error.reason)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return Absence(f"{OUT_OF_MEMORY} while it was read")


def _read(
    prepare: Callable[[Item], _Ready],
    items: Sequence[Item],
    *,
    num_workers: int | None,
    meter: Meter,
) -> Iterator[_Ready]:
    """Read and decode in threads, ahead of what is taken."""
    workers = num_workers or usable_processors()
    with closing(read_ahead(prepare, items, size=_num_bytes, workers=workers)) as read:
        for _ in items:
            with meter.waiting():
                ready = next(read)
            yield ready


def _groups(read: Iterator[_Ready], *, size: int) -> Iterator[list[_Ready]]:
    """Bring together what is batched together; what goes alone anyway waits for nobody."""
    group: list[_Ready] = []
    for number, ready in enumerate(read, start=1):
        group.append(ready)
        if number % size == 0 or sum(map(_num_bytes, group)) >= _GROUP_BYTES:
            yield group
            group = []
    if group:
        yield group


def _num_bytes(ready: _Ready) -> int:
    return sum(piece.num_bytes for piece in ready.pieces)


def _encode_group(
    group: Sequence[_Ready], backing_off: BackingOff, encoder: Encoder, meter: Meter
) -> list[Encoded | None]:
    """Take all pieces of a group through the model, batch by batch."""
    pieces = [piece for ready in group for piece in ready.pieces]
    shares = [1 / len(ready.pieces) for ready in group for _ in ready.pieces]
    seconds = [ready.seconds / len(ready.pieces) for ready in group for _ in ready.pieces]
    lengths = [piece.length for piece in pieces]
    encoded: dict[int, Encoded | None] = {}
    for batch in plan_batches(lengths, budget=backing_off.budget, can_pad=encoder.can_pad):
        with meter.encoding():
            results = backing_off.encode([pieces[index] for index in batch])
        encoded.update(zip(batch, results, strict=True))
        meter.utterances += sum(shares[index] for index in batch)
        meter.media_seconds += sum(seconds[index] for index in batch)
    meter.utterances += sum(not ready.pieces for ready in group)
    return [encoded[index] for index in range(len(pieces))]


def _settle(underway: _Underway, level: Level, meter: Meter) -> Iterator[Extracted]:
    """Fetch a group's states from the device, once for all, and join each utterance's pieces."""
    known = [one.states for one in underway.encoded if one is not None]
    with meter.encoding():
        lengths = [len(states) for states in known]
        fetched = iter(torch.split(torch.cat(known).cpu(), lengths) if known else ())
    encoded = iter(underway.encoded)
    for ready in underway.group:
        if isinstance(ready.prepared, Absence):
            yield Extracted(ready.utterance_id, ready.prepared, ready.prepared.facts)
            continue
        parts = [next(encoded) for _ in ready.pieces]
        states = [None if one is None else next(fetched) for one in parts]
        weights = [0.0 if one is None else one.weight for one in parts]
        outcome = _join(ready.pieces, states, weights, level=level)
        yield Extracted(ready.utterance_id, outcome, ready.prepared.facts)


def _join(
    pieces: Sequence[Piece],
    states: Sequence[torch.Tensor | None],
    weights: Sequence[float],
    *,
    level: Level,
) -> torch.Tensor | Absence:
    """One utterance of its pieces: the weighted mean (D,), or all moments (T, D)."""
    known = [state for state in states if state is not None]
    if len(known) < len(states):
        longest = max(piece.length for piece in pieces)
        return Absence(f"{OUT_OF_MEMORY}: a piece of length {longest} alone is too large")
    joined = torch.cat(known)  # (T, D)
    if not np.isfinite(joined.numpy()).all():  # in this thread: it runs beside others
        return Absence(_NOT_FINITE)
    if level is Level.FRAME or len(joined) == 1:
        return joined if level is Level.FRAME else joined[0]
    share = torch.tensor(weights)[:, None] / sum(weights)
    return (joined * share).sum(dim=0)
