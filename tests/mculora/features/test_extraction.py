"""The engine: a vector depends on its utterance alone, in manifest order, whatever the wait."""

import pytest
import torch

from mculora.corpora.utterance import Utterance
from mculora.errors import MediaError
from mculora.features import extraction
from mculora.features.encoder import Encoded, Piece, Prepared
from mculora.features.extraction import encode_one, extract_utterances
from mculora.features.identity import Level
from mculora.features.meter import Meter
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.modality import Modality


class LetterEncoder:
    """Squares of letters; a word is a piece, and every batch is padded to its longest word."""

    modality = Modality.TEXT
    name, revision, settings, width = "letters", "1", {}, 2
    can_pad, budget = True, 12

    def __init__(self, level=Level.UTTERANCE, memory=10**9):
        self.level, self.memory, self.batches = level, memory, []

    def prepare(self, observation):
        if "?" in observation.transcript:
            raise MediaError("words.txt", "cannot be read")
        words = observation.transcript.split()
        pieces = tuple(
            Piece({"x": torch.tensor([float(ord(c)) for c in w])}, len(w)) for w in words
        )
        return Prepared(pieces, {"words": len(words)}) if words else Absence("empty", {"words": 0})

    def encode(self, pieces):
        longest = max(piece.length for piece in pieces)
        if longest * len(pieces) > self.memory:
            raise torch.OutOfMemoryError("too much")
        self.batches.append([piece.length for piece in pieces])
        padded = torch.full((len(pieces), longest), torch.nan)
        for row, piece in zip(padded, pieces, strict=True):
            row[: piece.length] = piece.inputs["x"]
        states = torch.stack([padded, padded**2], dim=-1)
        if self.level is Level.FRAME:
            return [Encoded(s[: p.length], p.length) for s, p in zip(states, pieces, strict=True)]
        means = [
            s[: p.length].mean(dim=0, keepdim=True) for s, p in zip(states, pieces, strict=True)
        ]
        return [Encoded(m, p.length) for m, p in zip(means, pieces, strict=True)]


def spoken(number, transcript, **more):
    return Utterance(f"u{number}", f"d{number}", "", None, "", 0.0, 2.0, transcript, 0.0, **more)


WORDS = ["a bc def", "", "abcdefghijklmnop q", "?", "z" * 30, "to be or not to be", "x"]
ROWS = [
    spoken(i, WORDS[i % len(WORDS)] + ("" if i % 7 in (1, 3) else "é" * (i % 5)))
    for i in range(150)
]


def letters(transcript):
    values = torch.tensor([float(ord(c)) for c in transcript if c != " "])
    return torch.stack([values, values**2], dim=-1)


@pytest.mark.parametrize("budget", [1, 12, 1000])
@pytest.mark.parametrize("workers", [1, 3])
def test_a_vector_depends_on_its_utterance_alone(tmp_path, budget, workers):
    encoder = LetterEncoder()
    found = list(extract_utterances(encoder, ROWS, tmp_path, num_workers=workers, budget=budget))
    assert [one.utterance_id for one in found] == [row.id for row in ROWS]
    for one, row in zip(found, ROWS, strict=True):
        if "?" in row.transcript:
            assert one.outcome == Absence("cannot be read")
        elif not row.transcript:
            assert one.outcome == Absence("empty", {"words": 0})
            assert one.facts == {"words": 0}
        else:
            assert one.facts == {"words": len(row.transcript.split())}
            torch.testing.assert_close(one.outcome, letters(row.transcript).mean(dim=0))
            alone = encode_one(encoder, Observation(transcript=row.transcript))
            torch.testing.assert_close(alone.outcome, one.outcome)


def test_frames_are_joined_in_time_order(tmp_path):
    encoder = LetterEncoder(Level.FRAME)
    for one, row in zip(extract_utterances(encoder, ROWS, tmp_path), ROWS, strict=True):
        if not isinstance(one.outcome, Absence):
            assert torch.equal(one.outcome, letters(row.transcript))


def test_what_the_corpus_knows_to_be_absent_is_not_read(tmp_path):
    row = spoken(0, "?", absent={Modality.TEXT: "inaudible"})
    [one] = extract_utterances(LetterEncoder(), [row], tmp_path)
    assert one.outcome == Absence("inaudible")


def test_batches_are_full_and_sorted(tmp_path):
    encoder = LetterEncoder()
    list(extract_utterances(encoder, ROWS[: extraction.GROUP], tmp_path))
    assert all(batch == sorted(batch, reverse=True) for batch in encoder.batches)
    longest_first = [batch[0] for batch in encoder.batches]
    assert longest_first == sorted(longest_first, reverse=True)
    assert max(map(len, encoder.batches)) > 8


def test_a_resumed_extraction_forms_the_same_batches(tmp_path):
    whole, resumed = LetterEncoder(), LetterEncoder()
    list(extract_utterances(whole, ROWS, tmp_path))
    list(extract_utterances(resumed, ROWS[extraction.GROUP :], tmp_path))
    assert whole.batches[-len(resumed.batches) :] == resumed.batches


def test_long_groups_are_cut_and_nothing_else_changes(tmp_path, monkeypatch):
    monkeypatch.setattr(extraction, "_GROUP_BYTES", 100)
    encoder = LetterEncoder()
    found = list(extract_utterances(encoder, ROWS, tmp_path))
    assert len(found) == len(ROWS)
    assert max(map(sum, encoder.batches)) <= 100


def test_memory_that_runs_out_costs_only_what_cannot_fit(tmp_path):
    encoder = LetterEncoder(memory=20)
    found = list(extract_utterances(encoder, ROWS, tmp_path, budget=1000))
    reasons = {}
    for one, row in zip(found, ROWS, strict=True):
        longest = max(map(len, row.transcript.split()), default=0)
        if "?" not in row.transcript and longest:
            is_lost = isinstance(one.outcome, Absence)
            assert is_lost == (longest > 20)
            if is_lost:
                reasons[one.outcome.reason] = longest
    assert all(f"length {longest}" in reason for reason, longest in reasons.items())
    assert all(reason.startswith("out of memory") for reason in reasons)


def test_values_that_are_not_finite_are_no_vector(tmp_path):
    class Broken(LetterEncoder):
        def encode(self, pieces):
            return [Encoded(torch.full((1, 2), torch.inf)) for _ in pieces]

    [one] = extract_utterances(Broken(), [spoken(0, "a b")], tmp_path)
    assert one.outcome == Absence("the encoder gave values that are not finite")


def test_the_meter_counts_everything_once(tmp_path):
    meter = Meter()
    list(extract_utterances(LetterEncoder(), ROWS, tmp_path, meter=meter))
    num_with_words = sum(bool(row.transcript) and "?" not in row.transcript for row in ROWS)
    assert meter.utterances == pytest.approx(len(ROWS))
    assert meter.media_seconds == pytest.approx(2.0 * num_with_words)
    assert meter.waiting_seconds > 0 and meter.encoding_seconds > 0
    assert meter.bound in ("decoder", "encoder")
