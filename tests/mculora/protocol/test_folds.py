"""No dialogue is in two parts of a fold, and no draw depends on what it should not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mculora.corpora.manifest import Corpus, Task
from mculora.corpora.utterance import Split, Utterance
from mculora.errors import InputError
from mculora.protocol.folds import (
    Fold,
    make_folds,
    official_fold,
    read_folds,
    session_folds,
    write_folds,
)


def utterance(dialogue, *, split=None, session="", speaker="", number=0):
    return Utterance(
        id=f"{dialogue}_{number}",
        dialogue=dialogue,
        speaker=speaker,
        split=split,
        session=session,
        start_seconds=float(number),
        end_seconds=number + 1.0,
        transcript="",
        label=0.0,
    )


def corpus_of(utterances):
    return Corpus("toy", Task.REGRESSION, class_names=(), utterances=tuple(utterances))


def with_sessions(num_sessions=3, num_dialogues=10, speaker_of=lambda session, dialogue: ""):
    return corpus_of(
        utterance(f"s{s}d{d}", session=f"s{s}", speaker=speaker_of(s, d), number=n)
        for s in range(num_sessions)
        for d in range(num_dialogues)
        for n in range(2)
    )


def test_official_fold_follows_the_publishers():
    corpus = corpus_of(
        utterance(name, split=split, number=n)
        for name, split in (("b", Split.TRAIN), ("a", Split.TRAIN), ("c", Split.TEST))
        for n in range(2)
    )
    with pytest.raises(InputError, match="no dialogue for validation"):
        official_fold(corpus)
    corpus = corpus_of([*corpus.utterances, utterance("d", split=Split.VALIDATION)])
    assert make_folds(corpus, validation_share=0.5, seed=0) == (
        Fold("official", train=("a", "b"), validation=("d",), test=("c",)),
    )


def test_dialogue_in_two_splits():
    corpus = corpus_of(
        [utterance("a", split=Split.TRAIN), utterance("a", split=Split.TEST, number=1)]
    )
    with pytest.raises(InputError, match="dialogue a twice"):
        official_fold(corpus)


@pytest.mark.parametrize("parts", [("a", "a", "b"), ("a", "b", "a"), ("b", "a", "a")])
def test_parts_are_disjoint(parts):
    with pytest.raises(InputError, match="dialogue a twice"):
        Fold("f", *((part,) for part in parts))


@given(
    num_sessions=st.integers(2, 6),
    num_dialogues=st.integers(1, 12),
    share=st.floats(0.01, 0.6),
    seed=st.integers(0, 100),
)
def test_each_session_is_tested_once(num_sessions, num_dialogues, share, seed):
    corpus = with_sessions(num_sessions, max(num_dialogues, 2))
    folds = session_folds(corpus, validation_share=share, seed=seed)
    assert [fold.name for fold in folds] == [f"s{s}" for s in range(num_sessions)]
    for fold in folds:
        assert sorted((*fold.train, *fold.validation, *fold.test)) == list(corpus.dialogues)
        assert {dialogue[:2] for dialogue in fold.test} == {fold.name}
        others = len(fold.train) + len(fold.validation)
        assert len(fold.validation) == max(1, round(share * others))


def test_validation_draw_is_seeded():
    def validations(seed):
        folds = session_folds(with_sessions(), validation_share=0.2, seed=seed)
        return [fold.validation for fold in folds]

    assert validations(0) == validations(0)
    assert validations(0) != validations(1)


def test_another_dialogue_order_changes_nothing():
    corpus = with_sessions()
    mirrored = corpus_of(reversed(corpus.utterances))
    assert session_folds(corpus, validation_share=0.2, seed=0) == session_folds(
        mirrored, validation_share=0.2, seed=0
    )


def test_speakers_stay_out_of_validation_where_the_share_allows():
    corpus = with_sessions(speaker_of=lambda session, dialogue: f"{session}-{dialogue // 2}")
    speakers = {u.dialogue: u.speaker for u in corpus.utterances}
    for fold in session_folds(corpus, validation_share=0.2, seed=0):
        assert len(fold.validation) == 4
        assert not {speakers[d] for d in fold.train} & {speakers[d] for d in fold.validation}


def test_groups_larger_than_the_share_are_divided():
    corpus = with_sessions(speaker_of=lambda session, dialogue: f"{session}")
    for fold in session_folds(corpus, validation_share=0.2, seed=0):
        assert len(fold.validation) == 4


def test_corpus_with_neither_splits_nor_sessions():
    with pytest.raises(InputError, match="a_0 without"):
        make_folds(corpus_of([utterance("a")]), validation_share=0.1, seed=0)


def test_dialogue_in_two_sessions():
    corpus = corpus_of([utterance("a", session="1"), utterance("a", session="2", number=1)])
    with pytest.raises(InputError, match="dialogue a in two sessions"):
        make_folds(corpus, validation_share=0.1, seed=0)


def test_one_session_cannot_be_left_out():
    with pytest.raises(InputError, match="no dialogue for"):
        make_folds(with_sessions(num_sessions=1), validation_share=0.1, seed=0)


def test_folds_survive_the_disk(tmp_path):
    folds = session_folds(with_sessions(), validation_share=0.2, seed=0)
    write_folds(tmp_path / "folds.json", folds)
    assert read_folds(tmp_path / "folds.json") == folds


@pytest.mark.parametrize("content", ["", "{}x", "[1]", '[{"name": "f"}]'])
def test_damaged_folds_are_refused(tmp_path, content):
    (tmp_path / "folds.json").write_text(content)
    with pytest.raises(InputError, match="run `mculora split` again"):
        read_folds(tmp_path / "folds.json")


def test_missing_folds_are_refused(tmp_path):
    with pytest.raises(InputError, match="run `mculora split` again"):
        read_folds(tmp_path / "folds.json")
