"""MMSA's pickles (aligned_50, unaligned_50) read for their features: padded rows in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mculora.acquire.pickles import read_pickle
from mculora.corpora.published.mmsa import clip_ids, mmsa_parts, unusable_mmsa
from mculora.corpora.published.rows import is_sequence
from mculora.corpora.utterance import Utterance
from mculora.features.outcome import Absence
from mculora.features.published.cleaning import NO_ENTRY, Array, Cleaned, clean
from mculora.modality import Modality

_KEYS = {Modality.AUDIO: "audio", Modality.TEXT: "text", Modality.VISUAL: "vision"}
_TOKENS = "text_bert"  # (N, 3, T): ids, attention, segments
_ATTENTION = 1


@dataclass(frozen=True)
class MmsaSource:
    """One modality of one pickle.

    Attributes:
        path: The pickle. It is read as a whole: it needs as much memory as it is large.
        modality: Which of its arrays is meant.
    """

    path: Path
    modality: Modality
    kind = "MMSA pickle"

    def read(self, utterances: Sequence[Utterance]) -> Iterator[Cleaned]:
        """Yield each utterance's vector, or why there is none, in the given order.

        Raises:
            InputError: The pickle is damaged or is none of MMSA's.
        """
        parts = mmsa_parts(read_pickle(self.path), self.path)
        tables = [_Table.of(part, self.modality, self.path) for part in parts.values()]
        places = {id_: (table, row) for table in tables for row, id_ in enumerate(table.ids)}
        for utterance in utterances:
            place = places.get(utterance.id)
            yield Cleaned(Absence(NO_ENTRY)) if place is None else place[0].read(place[1])


@dataclass(frozen=True)
class _Table:
    """One modality of one split.

    Attributes:
        ids: The utterances.
        values: Their rows, padded with zeros before or after: (N, T, D).
        is_token: Which rows are tokens, (N, T); None if the file does not tell.
        lengths: How many rows of each are frames; None if the file does not tell.
    """

    ids: Sequence[str]
    values: Array
    is_token: Array | None
    lengths: Sequence[Any] | Array | None

    @classmethod
    def of(cls, part: Mapping[str, Any], modality: Modality, path: Path) -> _Table:
        ids, key = clip_ids(part, path), _KEYS[modality]
        values = part.get(key)
        if not isinstance(values, np.ndarray) or values.ndim != 3 or len(values) != len(ids):
            raise unusable_mmsa(path, f"no array {key!r} of rows for each of {len(ids)} ids")
        if modality is Modality.TEXT:
            return cls(ids, values, is_token=_read_attention(part, values), lengths=None)
        return cls(ids, values, is_token=None, lengths=_read_lengths(part, key, values))

    def read(self, number: int) -> Cleaned:
        """Average the rows of one utterance that are no padding."""
        rows = self.values[number]  # (T, D)
        if self.is_token is not None and self.is_token[number].any():
            rows = rows[self.is_token[number]]
        elif self.lengths is not None:
            rows = _without_padding(rows, self.lengths[number])
        return clean(rows)


def _read_attention(part: Mapping[str, Any], values: Array) -> Array | None:
    tokens = part.get(_TOKENS)
    if isinstance(tokens, np.ndarray) and tokens.shape == (len(values), 3, values.shape[1]):
        is_token: Array = tokens[:, _ATTENTION] == 1
        return is_token
    return None


def _read_lengths(part: Mapping[str, Any], key: str, values: Array) -> Sequence[Any] | Array | None:
    """Read how long each utterance is; aligned files have lengths that mean nothing."""
    lengths, text = part.get(f"{key}_lengths"), part.get(_KEYS[Modality.TEXT])
    is_aligned = isinstance(text, np.ndarray) and text.shape[1:2] == values.shape[1:2]
    return (
        lengths if is_sequence(lengths) and len(lengths) == len(values) and not is_aligned else None
    )


def _without_padding(rows: Array, length: Any) -> Array:
    if not isinstance(length, int | np.integer) or not 0 < length < len(rows):
        return rows
    is_padded_before = rows[-1].any() and not rows[0].any()
    return rows[-int(length) :] if is_padded_before else rows[: int(length)]
