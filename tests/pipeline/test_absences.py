"""Who has no vector: counted by kind, shown, and too many of them are an error."""

import pytest

from mculora.corpora.manifest import Corpus, Task
from mculora.corpora.utterance import Utterance
from mculora.errors import InputError
from mculora.modality import Modality
from pipeline.extraction.absences import Absences


def corpus_of(num_known=0, total=10):
    known = {Modality.VISUAL: "no video file"}
    rows = [
        Utterance(f"u{i}", "d", "", None, "", float(i), i + 1.0, "", 0.0,
                  absent=known if i < num_known else {})
        for i in range(total)
    ]  # fmt: skip
    return Corpus(name="c", task=Task.REGRESSION, class_names=(), utterances=tuple(rows))


def absences(reasons, **more):
    return Absences(corpus_of(**more), Modality.VISUAL, reasons)


def test_the_table_counts_by_kind_and_gives_an_example():
    reasons = {"u3": "no face in 8 frames", "u1": "zero bytes", "u2": "no face in 12 frames"}
    assert absences(reasons).table() == [
        "  utterances   share  without visual",
        "           2   20.0%  no face in N frames  as u3",
        "           1   10.0%  zero bytes           as u1",
    ]
    assert absences({}).table() == []


def test_long_reasons_stay_on_their_line():
    lines = absences({"u" * 200: "cannot be decoded because " + "x" * 300}).table()
    assert max(map(len, lines)) <= 150


@pytest.mark.parametrize(("num_failed", "most", "is_refused"), [
    (0, 0.0, False), (1, 0.0, True), (4, 0.5, False), (5, 0.5, True), (8, 1.0, False),
])  # fmt: skip
def test_the_share_counts_what_should_have_been_there(num_failed, most, is_refused):
    reasons = {"u0": "no video file", "u1": "no video file"}  # known: 8 of 10 are tried
    reasons |= {f"u{2 + i}": "zero bytes" for i in range(num_failed)}
    found = absences(reasons, num_known=2)
    if not is_refused:
        return found.check_share(most)
    with pytest.raises(InputError, match=rf"no vector of {num_failed} of 8 utt.*max_failed_share"):
        found.check_share(most)


def test_a_corpus_without_the_modality_did_not_fail():
    silent = absences({f"u{i}": f"no face in {i} frames" for i in range(10)})
    assert silent.is_not_offered
    silent.check_share(0.0)
    mixed = absences({f"u{i}": "zero bytes" if i else "no video track" for i in range(10)})
    assert not mixed.is_not_offered
    with pytest.raises(InputError):
        mixed.check_share(0.5)
