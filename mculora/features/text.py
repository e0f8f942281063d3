"""What was said: words and letter groups hashed into one vector, without a vocabulary to fit."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch

from mculora.features.built_in import BuiltInEncoder, in_one_piece
from mculora.features.encoder import Prepared
from mculora.features.identity import JSON
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.modality import Modality

CLEANING = "NFKC; brackets, parentheses and runs of underscores out"
"""What `clean_transcript` does, as feature identities say it."""

NO_WORDS = "no words in the transcript"

_WORD_WIDTH = 512
_LETTER_WIDTH = 512
_STAGE_DIRECTION = re.compile(r"\[[^\[\]]*\]|\([^()]*\)|_{2,}")


def clean_transcript(transcript: str) -> str:
    """Leave the spoken words of a transcript.

    Stage directions in brackets go (`[LAUGHTER]`, `(umm)`), runs of underscores that mark a pause
    go, compatible characters become one (NFKC), blanks become single. Case stays.
    """
    words, earlier = unicodedata.normalize("NFKC", transcript), ""
    while words != earlier:  # brackets in brackets go from the inside out
        words, earlier = _STAGE_DIRECTION.sub(" ", words), words
    return " ".join(words.split())


def read_words(observation: Observation) -> str | Absence:
    """An observation's spoken words, or say why there are none."""
    words = clean_transcript(observation.transcript)
    if not words:
        return Absence("empty transcript")
    if not any(letter.isalnum() for letter in words):
        return Absence(NO_WORDS)
    return words


class HashedNgrams(BuiltInEncoder):
    """Words and pairs of words beside groups of 3 to 5 letters: 2 x 512 counts of length one."""

    modality = Modality.TEXT
    name = "hashed-ngrams"
    revision = "1"
    width = _WORD_WIDTH + _LETTER_WIDTH
    settings: Mapping[str, JSON] = {
        "cleaning": CLEANING,
        "words": {"ngrams": [1, 2], "width": _WORD_WIDTH},
        "letters": {"ngrams": [3, 5], "width": _LETTER_WIDTH},
    }

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """See `Encoder.prepare`."""
        words = read_words(observation)
        if isinstance(words, Absence):
            return words
        halves = [hasher.transform([words]).toarray()[0] for hasher in self._hashers]
        vector = torch.cat([torch.tensor(half, dtype=torch.float32) for half in halves])
        length = vector.norm()
        return in_one_piece(vector / length) if length > 0 else Absence(NO_WORDS)

    @cached_property
    def _hashers(self) -> list[Any]:
        from sklearn.feature_extraction.text import HashingVectorizer

        words = HashingVectorizer(n_features=_WORD_WIDTH, ngram_range=(1, 2))
        letters = HashingVectorizer(
            n_features=_LETTER_WIDTH, analyzer="char_wb", ngram_range=(3, 5)
        )
        return [words, letters]
