"""Words for networks on tokens: windows with a model's own tokens before, tokens or words after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from mculora.errors import InputError
from mculora.features.encoder import Encoded, EncoderSpec, Piece, Prepared
from mculora.features.identity import JSON, Level
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.features.pretrained.pooling import to_device, weigh
from mculora.features.pretrained.windows import divide
from mculora.features.text import CLEANING, NO_WORDS, read_words

_IDS, _SHARES = "input_ids", "shares"
_MANY_TOKENS = 512  # what a model that has no limit is given at once
_PROBE = "a"


class Tokens:
    """Words as tokens, for BERT and its kin; see `Preparation`.

    Text longer than the model takes is cut into windows of equal length, each between the tokens
    that the model wants around a text. A word is what stands between blanks; one that a cut goes
    through counts on both sides of it. At frame level there is a state for each token of the text,
    or for each word where the pooling is `words`.

    Args:
        spec: The pooling and the level.
        tokenizer: The model's.
        module: The model's network.
        can_pad: Whether padding is harmless to it.
        device: Where it is.

    Raises:
        InputError: The pooling needs what the tokenizer does not give.
    """

    def __init__(
        self, spec: EncoderSpec, tokenizer: Any, module: Any, *, can_pad: bool, device: torch.device
    ) -> None:
        self._tokenizer, self._is_frame = tokenizer, spec.level is Level.FRAME
        self._before, self._after = _surroundings(tokenizer, spec)
        self._longest = _most_tokens(tokenizer, module) - len(self._before) - len(self._after)
        self._padding = tokenizer.pad_token_id or 0
        is_by_token = self._is_frame and spec.pooling != "words"
        self._pooling = "tokens" if is_by_token else spec.pooling
        self._check_pooling(spec)
        self.can_pad = can_pad
        width = int(module.config.hidden_size)
        self.budget = 256 if device.type == "cpu" else 16384 * 1024 // max(width, 256)
        self.settings: Mapping[str, JSON] = {"pooling": self._pooling, "cleaning": CLEANING}

    def prepare(self, observation: Observation) -> Prepared | Absence:
        """See `Encoder.prepare`. Nothing is set in the tokenizer, which threads share."""
        text = read_words(observation)
        if isinstance(text, Absence):
            return text
        tokens = self._tokenizer(
            text,
            add_special_tokens=False,
            return_offsets_mapping=self._pooling == "words",
            verbose=False,
        )
        ids: list[int] = tokens[_IDS]
        if not ids:
            return Absence(NO_WORDS)
        # A token that begins with the blank before a word belongs to that word.
        ends = [end for _, end in tokens.get("offset_mapping", ())]
        blanks = torch.tensor(
            [i for i, letter in enumerate(text) if letter == " "], dtype=torch.long
        )
        words = torch.searchsorted(blanks, torch.tensor(ends, dtype=torch.long))
        windows = divide(len(ids), self._longest)
        return Prepared(tuple(self._piece(ids[window], words[window]) for window in windows))

    def collate(self, pieces: Sequence[Piece], device: torch.device) -> dict[str, torch.Tensor]:
        """See `Preparation`. The mask goes along where there is padding."""
        lengths = torch.tensor([piece.length for piece in pieces])
        ids = pad_sequence(
            [piece.inputs[_IDS] for piece in pieces], batch_first=True, padding_value=self._padding
        )
        inputs = {_IDS: to_device(ids, device)}
        if (lengths != ids.shape[1]).any():
            valid = torch.arange(ids.shape[1]) < lengths[:, None]
            inputs["attention_mask"] = to_device(valid.long(), device)
        return inputs

    def pool(self, states: torch.Tensor, pieces: Sequence[Piece]) -> list[Encoded]:
        """See `Preparation`."""
        start, around = len(self._before), len(self._before) + len(self._after)
        counts = [piece.length - around for piece in pieces]
        if self._pooling == "tokens":
            return [Encoded(one[start : start + n]) for one, n in zip(states, counts, strict=True)]
        pooled = weigh(states, [piece.inputs[_SHARES] for piece in pieces])
        return [Encoded(one, float(n)) for one, n in zip(pooled, counts, strict=True)]

    def _piece(self, ids: list[int], words: torch.Tensor) -> Piece:
        whole = torch.tensor([*self._before, *ids, *self._after])
        inputs = {_IDS: whole}
        if self._pooling != "tokens":
            inputs[_SHARES] = self._shares(len(ids), words)
        return Piece(inputs, length=len(whole))

    def _shares(self, count: int, words: torch.Tensor) -> torch.Tensor:
        """What each token weighs in what is made of a window: (M, tokens), each row 1 in all."""
        start = len(self._before)
        if self._pooling == "first":
            return torch.ones(1, 1)
        if self._pooling == "mean":
            shares = torch.zeros(1, start + count)
            shares[:, start:] = 1 / count
            return shares
        _, word, parts = torch.unique_consecutive(words, return_inverse=True, return_counts=True)
        shares = torch.zeros(len(parts), start + count)
        shares[word, start + torch.arange(count)] = 1 / parts[word]
        return shares if self._is_frame else shares.mean(dim=0, keepdim=True)

    def _check_pooling(self, spec: EncoderSpec) -> None:
        """Refuse what the tokenizer cannot tell."""
        reasons = {
            "words": None if self._tokenizer.is_fast else "whose tokenizer tells no words",
            "first": None if self._before else "that puts no token before a text",
        }
        reason = reasons.get(self._pooling)
        if reason:
            raise InputError(
                "extract.text.pooling",
                found=f"{spec.pooling} for {spec.encoder}, {reason}",
                expected="mean",
            )


def _surroundings(tokenizer: Any, spec: EncoderSpec) -> tuple[list[int], list[int]]:
    """The tokens that a model wants before and after a text; this also settles the tokenizer."""
    bare = tokenizer(_PROBE, add_special_tokens=False)[_IDS]
    whole = tokenizer(_PROBE)[_IDS]
    for start in range(len(whole) - len(bare) + 1):
        if bare and whole[start : start + len(bare)] == bare:
            return whole[:start], whole[start + len(bare) :]
    raise InputError(
        spec.encoder,
        found=f"a tokenizer that makes {whole} of {_PROBE!r}",
        expected="one that leaves a text's own tokens as they are between its special tokens",
    )


def _most_tokens(tokenizer: Any, module: Any) -> int:
    """The longest input of a model: what its tokenizer says, and the positions that it knows."""
    limits = [int(min(tokenizer.model_max_length, 2**31))]
    table = next((m for n, m in module.named_modules() if n.endswith("position_embeddings")), None)
    if isinstance(table, nn.Embedding):  # RoBERTa counts from after the padding's index
        unused = 0 if table.padding_idx is None else table.padding_idx + 1
        limits.append(table.num_embeddings - unused)
    else:
        known = getattr(module.config, "max_position_embeddings", None) or 0
        limits.append(known if known > 0 else _MANY_TOKENS)
    return min(limits)
