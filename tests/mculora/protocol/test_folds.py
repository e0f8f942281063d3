"""No dialogue is in two parts of a fold, and no draw depends on what it should not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mculora.corpora.manifest import Corpus, Task
from mculora.corpora.utterance import Split, Utterance
from mculora.errors import InputError
from mculora.protocol.folds import (
    Fold,
    grouped_fold,
    make_folds,
    official_fold,
    read_folds,
    session_folds,
    shared_speakers,
    write_folds,
)

SHARES = {"validation_share": 0.1, "test_share": 0.2, "seed": 0}


def utterance(dialogue, *, split=None, session="", speaker="", number=0, label=0):
    return Utterance(
        id=f"{dialogue}_{number}",
        dialogue=dialogue,
        speaker=speaker,
        split=split,
        session=session,
        start_seconds=float(number),
        end_seconds=number + 1.0,
        transcript="",
        label=float(label),
    )


def corpus_of(utterances, class_names=()):
    task = Task.CLASSIFICATION if class_names else Task.REGRESSION
    return Corpus("toy", task, class_names=class_names, utterances=tuple(utterances))


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
    corpus = corpus_of([*corpus.utterances, utterance("d", split=Split.VALIDATION)])
    assert make_folds(corpus, validation_share=0.5, test_share=0.5, seed=0) == (
        Fold("official", train=("a", "b"), validation=("d",), test=("c",)),
    )


def without_validation(num_train, speaker_of=lambda dialogue: ""):
    return corpus_of(
        utterance(f"d{d:02}", speaker=speaker_of(d), split=Split.TRAIN if d else Split.TEST)
        for d in range(num_train + 1)
    )


def test_validation_is_drawn_where_the_publishers_have_none():
    corpus = without_validation(20, speaker_of=lambda d: f"speaker {(d + 1) // 2}")
    (fold,) = make_folds(corpus, **SHARES)
    assert (fold.name, fold.test, len(fold.validation)) == ("official", ("d00",), 2)
    assert sorted((*fold.train, *fold.validation)) == list(corpus.dialogues[1:])
    first, second = (corpus.utterances[int(d[1:])].speaker for d in fold.validation)
    assert first == second
    assert make_folds(corpus, **SHARES) == (fold,)
    assert {make_folds(corpus, **SHARES | {"seed": s})[0].validation for s in range(20)} != {
        fold.validation
    }


def test_what_is_tested_does_not_change_the_validation_drawn():
    corpus = without_validation(20)
    more = corpus_of([*corpus.utterances, utterance("x", split=Split.TEST)])
    assert make_folds(more, **SHARES)[0].validation == make_folds(corpus, **SHARES)[0].validation


def test_one_training_dialogue_cannot_be_shared():
    with pytest.raises(InputError, match="no dialogue for validation"):
        make_folds(without_validation(1), **SHARES)


def test_official_splits_without_a_test():
    corpus = corpus_of(utterance(name, split=Split.TRAIN) for name in "abc")
    with pytest.raises(InputError, match="no dialogue for test"):
        make_folds(corpus, **SHARES)


def test_a_split_here_and_there_is_not_enough():
    with pytest.raises(InputError, match="b_0 without one, expected an official split"):
        make_folds(corpus_of([utterance("a", split=Split.TEST), utterance("b")]), **SHARES)


def test_dialogue_in_two_splits():
    corpus = corpus_of(
        [utterance("a", split=Split.TRAIN), utterance("a", split=Split.TEST, number=1)]
    )
    with pytest.raises(InputError, match="dialogue a twice"):
        official_fold(corpus, validation_share=0.1, seed=0)


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


# Neither splits nor sessions


@given(
    speakers=st.lists(st.sampled_from(["", "", "ann", "bob", "cy", "di"]), min_size=3, max_size=30),
    validation_share=st.floats(0.01, 0.99),
    test_share=st.floats(0.01, 0.99),
    seed=st.integers(0, 100),
)
def test_grouped_fold_has_every_part_and_every_dialogue_once(
    speakers, validation_share, test_share, seed
):
    corpus = corpus_of(
        utterance(f"d{n:02}", speaker=speaker, number=k)
        for n, speaker in enumerate(speakers)
        for k in range(2)
    )
    (fold,) = make_folds(
        corpus, validation_share=validation_share, test_share=test_share, seed=seed
    )
    assert fold.name == "grouped"
    assert fold.train
    assert fold.validation
    assert fold.test
    assert sorted((*fold.train, *fold.validation, *fold.test)) == list(corpus.dialogues)


@given(seed=st.integers(0, 100), num=st.integers(20, 60), test_share=st.floats(0.1, 0.5))
def test_shares_are_kept_by_single_dialogues(seed, num, test_share):
    corpus = corpus_of(utterance(f"d{n:02}") for n in range(num))
    fold = grouped_fold(corpus, validation_share=0.25, test_share=test_share, seed=seed)
    assert len(fold.test) == round(test_share * num)
    assert len(fold.validation) == round(0.25 * (num - len(fold.test)))


@given(seed=st.integers(0, 50), num_speakers=st.integers(2, 12), per_speaker=st.integers(2, 9))
def test_no_tested_speaker_is_heard_in_training(seed, num_speakers, per_speaker):
    corpus = corpus_of(
        utterance(f"{s}-{d}", speaker=f"s{s}")
        for s in range(num_speakers)
        for d in range(per_speaker)
    )
    fold = grouped_fold(corpus, **SHARES | {"seed": seed})
    assert shared_speakers(corpus, fold) == ()
    wanted = round(0.2 * num_speakers * per_speaker)
    assert abs(len(fold.test) - wanted) <= max(per_speaker / 2, per_speaker - wanted)


def test_speakers_who_meet_stay_together():
    corpus = corpus_of(
        utterance(f"pair{p}-{d}", speaker=f"{p}{who}", number=n)
        for p in range(10)
        for d in range(2)
        for n, who in enumerate("ab")
    )
    fold = grouped_fold(corpus, **SHARES)
    assert len(fold.test) == 4
    assert len({dialogue.partition("-")[0] for dialogue in fold.test}) == 2


@pytest.mark.parametrize("others", [0, 1])
def test_single_dialogues_where_one_speaker_has_nearly_everything(others):
    speakers = ["ann"] * 30 + ["bob"] * others
    corpus = corpus_of(utterance(f"d{n:02}", speaker=s) for n, s in enumerate(speakers))
    fold = grouped_fold(corpus, **SHARES)
    assert len(fold.test) == 6
    assert "ann" in shared_speakers(corpus, fold)


def test_another_row_order_changes_no_grouped_fold():
    corpus = corpus_of(utterance(f"d{n}", speaker=f"{n // 3}") for n in range(30))
    mirrored = corpus_of(reversed(corpus.utterances))
    assert make_folds(corpus, **SHARES) == make_folds(mirrored, **SHARES)
    assert len({make_folds(corpus, **SHARES | {"seed": seed}) for seed in range(9)}) > 1


@given(seed=st.integers(0, 100), split=st.sampled_from([None, Split.TRAIN]))
def test_training_has_every_class(seed, split):
    rare = {3: 1, 11: 2, 17: 2}
    rows = [utterance(f"d{n:02}", split=split, label=rare.get(n, 0)) for n in range(20)]
    tested = [utterance("t", split=Split.TEST, label=3)] if split else []
    corpus = corpus_of(rows + tested, class_names=("calm", "glad", "sad", "only tested"))
    (fold,) = make_folds(corpus, validation_share=0.4, test_share=0.4, seed=seed)
    assert {u.label for u in rows if u.dialogue in fold.train} == {0, 1, 2}


def test_classes_that_cannot_all_be_trained_on():
    corpus = corpus_of(
        (utterance(name, label=n) for n, name in enumerate("abc")), class_names=("x", "y", "z")
    )
    assert len(grouped_fold(corpus, **SHARES).train) == 1


@pytest.mark.parametrize("names", ["a", "ab"])
def test_too_few_dialogues_for_three_parts(names):
    corpus = corpus_of(utterance(name, number=n) for name in names for n in range(5))
    with pytest.raises(InputError, match=rf"{len(names)} dialogue.*at least three.*recordings"):
        make_folds(corpus, **SHARES)


# Sessions


def test_dialogue_in_two_sessions():
    corpus = corpus_of([utterance("a", session="1"), utterance("a", session="2", number=1)])
    with pytest.raises(InputError, match="dialogue a in two sessions"):
        make_folds(corpus, **SHARES)


def test_one_session_cannot_be_left_out():
    with pytest.raises(InputError, match="no dialogue for"):
        make_folds(with_sessions(num_sessions=1), **SHARES)


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
