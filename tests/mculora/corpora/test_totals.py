"""A corpus as large as the real one says nothing; any other says what differs, in numbers."""

import pytest

from mculora.corpora.manifest import Corpus, Task
from mculora.corpora.totals import compare_with_totals
from mculora.corpora.utterance import Split, Utterance

SESSIONS = {
    "iemocap4": (1_085, 1_023, 1_151, 1_031, 1_241),
    "iemocap6": (1_365, 1_348, 1_533, 1_512, 1_622),  # those with a majority of the raters
}
PUBLISHED_SIX = (1_373, 1_356, 1_569, 1_512, 1_623)
MOSEI = {"train": 16_326, "validation": 1_871, "test": 4_659}
MOSI = {"train": 1_284, "validation": 229, "test": 686}


def corpus_of(name, parts):
    """A corpus with so many utterances in each split or session."""
    rows = tuple(
        Utterance(
            id=f"{part}_{number}",
            dialogue=part,
            speaker="",
            split=None if part.startswith("Session") else Split(part),
            session=part if part.startswith("Session") else "",
            start_seconds=number,
            end_seconds=number + 1,
            transcript="",
            label=0.0,
        )
        for part, count in parts.items()
        for number in range(count)
    )
    classes = ("yes", "no") if name.startswith("iemocap") else ()
    task = Task.CLASSIFICATION if classes else Task.REGRESSION
    return Corpus(name, task, classes, rows)


def by_session(counts):
    return {f"Session{number}": count for number, count in enumerate(counts, start=1)}


@pytest.mark.parametrize(
    ("name", "parts", "is_published"),
    [
        ("mosei", MOSEI, True),
        ("mosei", MOSEI, False),
        ("mosei", MOSEI | {"test": 4_663}, True),  # 22,860: the SDK's own
        ("mosei", MOSEI | {"test": 4_663}, False),
        ("mosi", MOSI, True),
        ("mosi", MOSI, False),
        ("iemocap4", by_session(SESSIONS["iemocap4"]), True),
        ("iemocap4", by_session(SESSIONS["iemocap4"]), False),
        ("iemocap6", by_session(PUBLISHED_SIX), True),
        ("iemocap6", by_session(SESSIONS["iemocap6"]), False),
    ],
)
def test_the_real_sizes_need_no_word(name, parts, is_published):
    assert compare_with_totals(corpus_of(name, parts), is_published=is_published) is None


def test_the_real_sizes_add_up():
    assert sum(SESSIONS["iemocap4"]) == 5_531
    assert (sum(PUBLISHED_SIX), sum(SESSIONS["iemocap6"])) == (7_433, 7_380)
    assert (sum(MOSEI.values()), sum(MOSI.values())) == (22_856, 2_199)


@pytest.mark.parametrize("name", ["sample", "clips"])
@pytest.mark.parametrize("is_published", [False, True])
def test_nobody_knows_how_large_these_are(name, is_published):
    assert compare_with_totals(corpus_of(name, {"test": 3}), is_published=is_published) is None


def test_fewer_utterances_are_counted_by_split():
    corpus = corpus_of("mosi", MOSI | {"test": 680, "validation": 0})
    assert compare_with_totals(corpus, is_published=False) == (
        "This corpus has 1,964 utterances, the real mosi 2,199 "
        "(235 fewer; validation 0 instead of 229; test 680 instead of 686)."
    )


def test_other_splits_of_the_same_size_are_told():
    parts = MOSI | {"train": 1_283, "test": 687}
    assert compare_with_totals(corpus_of("mosi", parts), is_published=True) == (
        "This corpus has 2,199 utterances, the real mosi 2,199 "
        "(train 1,283 instead of 1,284; test 687 instead of 686)."
    )


def test_both_known_sizes_are_told():
    corpus = corpus_of("mosei", MOSEI | {"train": 16_327})
    assert compare_with_totals(corpus, is_published=False) == (
        "This corpus has 22,857 utterances, the real mosei 22,860 or 22,856 (3 fewer)."
    )
    assert compare_with_totals(corpus, is_published=True) == (
        "This corpus has 22,857 utterances, the real mosei 22,856 or 22,860 "
        "(1 more; train 16,327 instead of 16,326)."
    )


def test_a_session_that_is_missing_is_told():
    counts = by_session(SESSIONS["iemocap4"][:4])
    assert compare_with_totals(corpus_of("iemocap4", counts), is_published=False) == (
        "This corpus has 4,290 utterances, the real iemocap4 5,531 "
        "(1,241 fewer; Session5 0 instead of 1,241)."
    )


def test_the_published_six_way_labels_are_not_those_of_the_corpus():
    published = corpus_of("iemocap6", by_session(PUBLISHED_SIX))
    assert compare_with_totals(published, is_published=False) == (
        "This corpus has 7,433 utterances, the real iemocap6 7,380 (53 more; Session1 1,373 "
        "instead of 1,365; Session2 1,356 instead of 1,348; Session3 1,569 instead of 1,533; "
        "Session5 1,623 instead of 1,622)."
    )
    raw = corpus_of("iemocap6", by_session(SESSIONS["iemocap6"]))
    told = compare_with_totals(raw, is_published=True)
    assert "7,380 utterances, the real iemocap6 7,433 (53 fewer; Session1" in told
