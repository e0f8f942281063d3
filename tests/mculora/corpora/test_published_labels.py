"""Published labels become corpora: every layout, every trap, and nothing from damaged files."""

import io
import pickle

import mmsa
import numpy as np
import published_csd
import pytest
from csd import write_csd
from gcnet import LABELS, label_parts, write_gcnet, write_pickle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mertools import write_labels, write_mertools
from mmsa import write_mmsa
from published_csd import write_csd_set
from published_plan import CLASSES, plan

from mculora.corpora.manifest import Corpus, Task
from mculora.corpora.published.finding import find_files, find_folders
from mculora.corpora.published.reading import read_published
from mculora.corpora.published.rows import has_order_only
from mculora.corpora.raw_tree import RawTree
from mculora.corpora.utterance import Split
from mculora.errors import InputError
from mculora.protocol.folds import make_folds

SCORES = ["mosei", "mosi"]
ALL = [*SCORES, *CLASSES]
SPLITS = {"train": Split.TRAIN, "valid": Split.VALIDATION, "test": Split.TEST}


def by_id(corpus):
    return {utterance.id: utterance for utterance in corpus.utterances}


def kinds(corpus):
    return {(d.id, d.kind) for d in corpus.dropped}


def write_parts(raw, name, change):
    """Write GCNet's label pickle after a change to its parts."""
    parts = label_parts(plan(name, num_videos=8), has_sessions=name in CLASSES)
    changed = change(parts)
    write_pickle(raw / "published" / LABELS[name], parts if changed is None else changed)


def video(parts, number=0):
    return sorted(parts[0])[number]


# What is read


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("write", [write_gcnet, write_mertools])
def test_every_planned_utterance_is_read(tmp_path, name, write):
    published = write(tmp_path / "published", name, num_videos=8)
    corpus = read_published(tmp_path, name)
    found = by_id(corpus)
    assert found.keys() == {u.id for u in published.utterances}
    assert not corpus.dropped
    for planned in published.utterances:
        utterance = found[planned.id]
        assert utterance.label == float(planned.label)
        assert utterance.dialogue == planned.dialogue
        assert not utterance.absent
        assert utterance.audio_path is utterance.video_path is None
        assert utterance.transcript == (planned.sentence if write is write_gcnet else "")
    assert has_order_only(corpus)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("write", [write_gcnet, write_mertools])
def test_utterances_keep_the_published_order(tmp_path, name, write):
    published = write(tmp_path / "published", name, num_videos=8)
    corpus = read_published(tmp_path, name)
    planned = sorted(published.utterances, key=lambda u: u.dialogue)  # stable
    assert [u.id for u in corpus.utterances] == [u.id for u in planned]
    assert all(u.end_seconds == u.start_seconds + 1 for u in corpus.utterances)


@pytest.mark.parametrize("name", SCORES)
def test_scores_have_the_published_splits(tmp_path, name):
    published = write_gcnet(tmp_path / "published", name, num_videos=8)
    corpus = read_published(tmp_path, name)
    assert (corpus.task, corpus.class_names) == (Task.REGRESSION, ())
    found = by_id(corpus)
    for planned in published.utterances:
        assert found[planned.id].split is SPLITS[planned.split]
        assert found[planned.id].speaker == found[planned.id].session == ""
    (fold,) = make_folds(corpus, validation_share=0.1, test_share=0.2, seed=0)
    assert fold.name == "official"


@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_tested_session_by_session(tmp_path, name):
    published = write_gcnet(tmp_path / "published", name)
    corpus = read_published(tmp_path, name)
    assert corpus.task is Task.CLASSIFICATION
    assert len(corpus.class_names) == CLASSES[name]
    found = by_id(corpus)
    for planned in published.utterances:
        utterance = found[planned.id]
        assert utterance.split is None
        assert utterance.session == f"Session{planned.id[4]}"
        assert utterance.speaker == f"{planned.id[:5]}{planned.speaker}"
        assert utterance.gender == {"F": "female", "M": "male"}[planned.speaker]
    folds = make_folds(corpus, validation_share=0.1, test_share=0.2, seed=0)
    assert [fold.name for fold in folds] == [f"Session{n}" for n in range(1, 6)]
    for fold in folds:
        assert not any(d.startswith(f"Ses0{fold.name[-1]}") for d in fold.validation)
    assert any("none to validate on" in note for note in corpus.notes)
    assert any("on the session that it tests" in note for note in corpus.notes)


def test_six_way_count_is_explained(tmp_path):
    ids = [f"Ses0{s}F_impro09_{'FM'[k % 2]}{k // 2:03}" for s in range(1, 6) for k in range(1487)]
    ids = [id_ for id_ in ids if id_[4] != "5" or int(id_[-3:]) < 743][:7433]
    assert len(ids) == 7433
    part = {id_: {"emo": k % 6, "val": -10} for k, id_ in enumerate(ids)}
    path = tmp_path / "published/label_6way.npz"
    path.parent.mkdir()
    np.savez_compressed(path, whole_corpus=np.array(part, dtype=object))
    (note,) = [n for n in read_published(tmp_path, "iemocap6").notes if "7,433" in n]
    assert "53" in note
    assert not any("7,433" in n for n in _without(path, part, ids[0]).notes)


def _without(path, part, id_):
    smaller = {key: value for key, value in part.items() if key != id_}
    np.savez_compressed(path, whole_corpus=np.array(smaller, dtype=object))
    return read_published(path.parents[1], "iemocap6")


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("is_aligned", [True, False])
def test_mmsa_pickles(tmp_path, name, is_aligned):
    published = write_mmsa(tmp_path / "published", name, is_aligned=is_aligned, num_videos=8)
    corpus = read_published(tmp_path, name)
    planned = sorted(published.utterances, key=lambda u: u.dialogue)
    assert [u.id for u in corpus.utterances] == [u.id for u in planned]  # $_$ has become _
    for utterance, expected in zip(corpus.utterances, planned, strict=True):
        assert utterance.label == np.float32(expected.label)
        assert utterance.transcript == expected.sentence
        assert utterance.split is SPLITS[expected.split]


@pytest.mark.parametrize("name", SCORES)
def test_label_sequences(tmp_path, name):
    published = write_csd_set(tmp_path / "published", name, num_videos=8)
    corpus = read_published(tmp_path, name)
    found = by_id(corpus)
    assert found.keys() == {u.id for u in published.utterances}
    assert not has_order_only(corpus)
    planned = sorted(published.utterances, key=lambda u: u.dialogue)
    assert [u.id for u in corpus.utterances] == [u.id for u in planned]  # by time, not by row
    for expected in published.utterances:
        utterance = found[expected.id]
        assert utterance.label == np.float32(expected.label)
        assert utterance.transcript == expected.sentence  # and no word `sp`
        assert utterance.end_seconds - utterance.start_seconds == published_csd.SECONDS
        assert utterance.emotions == (
            {"happiness": np.float32(1 / 3)}
            | dict.fromkeys(("sadness", "anger", "surprise", "disgust", "fear"), 0)
            if name == "mosei"
            else {}
        )
    assert kinds(corpus) == {("silent00001", "video of a standard fold without labels")}


def test_label_sequences_without_words(tmp_path):
    write_csd_set(tmp_path / "published", "mosi", num_videos=8)
    for path in (tmp_path / "published/languages").iterdir():
        path.unlink()
    corpus = read_published(tmp_path, "mosi")
    assert {u.transcript for u in corpus.utterances} == {""}
    assert any("no transcript" in note for note in corpus.notes)


def test_odd_intervals_and_labels(tmp_path):
    root = tmp_path / "published"
    times = np.array([[3, 4], [2, 2], [-1, 2], [0, np.nan], [5, 6], [1, np.inf]])
    values = np.array([[1], [1], [-2], [0], [np.nan], [1]], np.float32)
    entries = {
        "a": (values, times),
        "b[4]": (values[:1], times[:1]),  # as aligned files name entries
        "c": (np.array([[b"good"]]), times[:1]),
        "outside": (values[:1], times[:1]),
    }
    write_csd(root / "CMU_MOSI_Opinion_Labels.csd", "labels", entries)
    (root / "cmu_mosi_std_folds.py").write_text(
        "standard_train_fold=['a']\nstandard_valid_fold=['b']\nstandard_test_fold=['c']\n"
    )
    corpus = read_published(tmp_path, "mosi")
    windows = {u.id: (u.start_seconds, u.end_seconds) for u in corpus.utterances}
    assert windows == {"a[0]": (3, 4), "a[2]": (0, 2), "b[4]": (3, 4)}
    assert kinds(corpus) == {
        ("a[1]", "empty time window"),
        ("a[3]", "empty time window"),
        ("a[4]", "label that is not finite"),
        ("a[5]", "empty time window"),
        ("CMU_MOSI_Opinion_Labels.csd:c", "unreadable labels"),
        ("c", "video of a standard fold without labels"),
        ("outside[0]", "video in no standard fold"),
    }


def test_label_sequences_need_folds(tmp_path):
    write_csd_set(tmp_path / "published", "mosi", num_videos=8)
    (tmp_path / "published/cmu_mosi_std_folds.py").unlink()
    with pytest.raises(InputError, match=r"no cmu_mosi_std_folds\.py"):
        read_published(tmp_path, "mosi")


# Where it is found


def test_places_in_their_order(tmp_path):
    write_parts(tmp_path, "mosi", lambda parts: None)
    (tmp_path / "published").rename(tmp_path / "published_labels")
    write_mmsa(tmp_path / "published", "mosi", num_videos=12)
    assert "CMUMOSI_features_raw_2way.pkl" in read_published(tmp_path, "mosi").notes[0]
    named = read_published(tmp_path, "mosi", labels="aligned_50.pkl")
    assert "aligned_50.pkl" in named.notes[0]
    assert named.fingerprint != read_published(tmp_path, "mosi").fingerprint


def test_other_corpora_beside_it_and_mac_files(tmp_path):
    for name in SCORES:
        write_mmsa(tmp_path / "published/all", name, num_videos=8)
        write_mertools(tmp_path / "published/all", name, num_videos=8)
    write_pickle(tmp_path / "published/__MACOSX" / LABELS["mosi"], "resource fork")
    write_pickle(tmp_path / f"published/._{LABELS['mosi']}", "resource fork")
    for name in SCORES:
        for labels in ("label.npz", "aligned_50.pkl"):
            corpus = read_published(tmp_path, name, labels=labels)
            assert {u.id for u in corpus.utterances} == {u.id for u in plan(name, num_videos=8)}


def test_names_may_carry_folders_and_copies_are_one(tmp_path):
    for folder, num_videos in (("a", 8), ("b", 8), ("c", 9)):
        write_gcnet(tmp_path / "published" / folder, "mosi", num_videos=num_videos)
    with pytest.raises(InputError, match="another file of that name"):
        read_published(tmp_path, "mosi")
    chosen = read_published(tmp_path, "mosi", labels=f"c/dataset/CMUMOSI/{LABELS['mosi']}")
    assert len(chosen.dialogues) == 9
    (tmp_path / "published/c/dataset/CMUMOSI" / LABELS["mosi"]).unlink()
    assert len(read_published(tmp_path, "mosi").dialogues) == 8


def test_content_decides_not_the_name(tmp_path):
    write_mmsa(tmp_path / "published", "mosi", num_videos=8)
    found = tmp_path / "published/MOSI/Processed/aligned_50.pkl"
    found.rename(tmp_path / "published/label.npz")
    assert len(read_published(tmp_path, "mosi").dialogues) == 8


def test_nothing_found_says_what_was_looked_for_and_where(tmp_path):
    (tmp_path / "published").mkdir()
    (tmp_path / "published/label.npz").symlink_to("nowhere")
    with pytest.raises(InputError) as caught:
        read_published(tmp_path, "mosei")
    for part in (*("CMUMOSEI_features_raw_2way.pkl", "label.npz", "unaligned_50.pkl"), "published"):
        assert part in str(caught.value)
    with pytest.raises(InputError, match=r"no mine\.pkl at any depth of it"):
        read_published(tmp_path, "mosei", labels="mine.pkl")
    with pytest.raises(InputError, match="mculora download"):
        read_published(tmp_path / "elsewhere", "mosei")


def test_finding_prefers_near_places_and_knows_corpora(tmp_path):
    for place in ("x/y/z", "x", "b/c", "CMUMOSEI", "mosi_and_mosei/deep/er"):
        (tmp_path / place / "f").mkdir(parents=True)
        (tmp_path / place / "f/g").write_text("")
    tree = RawTree.walk(tmp_path)
    near = ["x/f", "b/c/f", "mosi_and_mosei/deep/er/f", "x/y/z/f"]
    assert [str(path) for path in find_folders(tree, "f", family="mosi")] == near
    found = find_files(tree, ["nothing", "f/g", "c/f/g"], family="mosi")
    assert [str(path) for path in found] == [*(f"{folder}/g" for folder in near), "b/c/f/g"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html>404</html>", "HTML page"),
        (b"", "no known kind"),
        (b"\x80\x04garbage", "damaged"),
        (b"PK\x03\x04garbage", "damaged"),
        (b"\x89HDF\r\n\x1a\n", "std_folds"),
        (pickle.dumps([{}] * 6, protocol=4), "6 parts"),
        (pickle.dumps({"train": {}}, protocol=4), "no dict 'valid'"),
        (pickle.dumps("text", protocol=4), "a str"),
    ],
)
def test_useless_files(tmp_path, content, message):
    path = tmp_path / "published" / LABELS["mosi"]
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_published(tmp_path, "mosi")


# What is wrong inside


def test_labels_that_cannot_be_used(tmp_path):
    bad = [float("nan"), np.float64("inf"), 3.5, -4, "positive", None, True, 10**400, [1.0]]

    def change(parts):
        videos = sorted(parts[0])
        places = [(v, k) for v in videos for k in range(len(parts[0][v]))][: len(bad)]
        for (v, k), label in zip(places, bad, strict=True):
            parts[1][v][k] = label

    write_parts(tmp_path, "mosi", change)
    corpus = read_published(tmp_path, "mosi")
    assert sorted(d.kind for d in corpus.dropped) == sorted(
        ["label that is not finite"] * 3
        + ["label outside -3 to 3"] * 2
        + ["label that is no number"] * 4
    )


@pytest.mark.parametrize("label", [4, -1, 0.5, np.int64(7)])
def test_labels_of_no_class(tmp_path, label):
    def change(parts):
        parts[1][video(parts)][0] = label

    write_parts(tmp_path, "iemocap4", change)
    (dropped,) = read_published(tmp_path, "iemocap4").dropped
    assert dropped.kind == "label of no class"


def test_lists_that_do_not_fit(tmp_path):
    def change(parts):
        parts[1][video(parts, 0)].pop()
        del parts[2][video(parts, 1)]
        parts[3][video(parts, 2)] = "text"
        parts[6].discard(video(parts, 4))
        parts[5].discard(video(parts, 4))
        parts[4].discard(video(parts, 4))
        parts[4].add("silent00001")

    write_parts(tmp_path, "mosei", change)
    corpus = read_published(tmp_path, "mosei")
    videos = sorted({u.dialogue for u in plan("mosei", num_videos=8)})
    assert kinds(corpus) == {
        *((v, "video whose lists do not fit together") for v in videos[:3]),
        (videos[4], "video in none of the published sets"),
        ("silent00001", "video of a published set without utterances"),
    }
    assert {u.dialogue for u in corpus.utterances} == {*videos[3:4], *videos[5:]}


def test_ids_that_occur_again(tmp_path):
    def change(parts):
        first = parts[0][video(parts)]
        first[1] = first[0]

    write_parts(tmp_path, "mosi", change)
    (dropped,) = read_published(tmp_path, "mosi").dropped
    assert dropped.kind == "id occurs again"


@pytest.mark.parametrize("id_", [900123, None, b"v_1", "", "v_\ud800", ("v", 1)])
def test_ids_that_are_no_text(tmp_path, id_):
    def change(parts):
        parts[0][video(parts)][0] = id_

    write_parts(tmp_path, "mosi", change)
    with pytest.raises(InputError, match="expected ids that are texts"):
        read_published(tmp_path, "mosi")


def test_turns_of_other_dialogues(tmp_path):
    def change(parts):
        parts[0][video(parts)][:2] = ["elsewhere_F000", "Ses05F_impro09_F099"]

    write_parts(tmp_path, "iemocap4", change)
    dropped = read_published(tmp_path, "iemocap4").dropped
    assert {d.kind for d in dropped} == {"id that is no turn of its dialogue"}
    assert len(dropped) == 2


def test_video_in_two_splits(tmp_path):
    write_parts(tmp_path, "mosi", lambda parts: parts[6].update(parts[4]))
    with pytest.raises(InputError, match="in two sets"):
        read_published(tmp_path, "mosi")
    clips = plan("mosei", num_videos=8)
    moved = [
        u if u.id != clips[0].id else type(u)(u.id, u.dialogue, "test", "", u.sentence, u.label)
        for u in clips
    ]
    write_labels(tmp_path / "published/label.npz", moved, has_sessions=False)
    with pytest.raises(InputError, match="in two splits"):
        read_published(tmp_path, "mosei")


@pytest.mark.parametrize("sentence", [None, 3, b"bytes", float("nan")])
def test_sentences_that_are_no_text(tmp_path, sentence):
    def change(parts):
        parts[3][video(parts)] = [sentence] * len(parts[3][video(parts)])

    write_parts(tmp_path, "iemocap4", change)
    corpus = read_published(tmp_path, "iemocap4")
    assert corpus.utterances[0].transcript == ""


def test_half_a_surrogate_pair_in_a_sentence(tmp_path):
    def change(parts):
        parts[3][video(parts)][0] = "caf\ud83d\0"

    write_parts(tmp_path, "iemocap4", change)
    corpus = read_published(tmp_path, "iemocap4")
    assert corpus.utterances[0].transcript == "caf?\0"
    assert corpus.fingerprint


@pytest.mark.parametrize("name", ALL)
def test_number_of_parts_belongs_to_the_corpus(tmp_path, name):
    write_parts(tmp_path, name, lambda parts: [*parts[:4], *parts[4:][:1] * (7 - len(parts) + 2)])
    with pytest.raises(InputError, match=r"expected [67] parts"):
        read_published(tmp_path, name)


def test_nothing_remains(tmp_path):
    def change(parts):
        for labels in parts[1].values():
            labels[:] = [float("nan")] * len(labels)

    write_parts(tmp_path, "mosi", change)
    with pytest.raises(InputError, match="no usable utterance"):
        read_published(tmp_path, "mosi")


def test_mmsa_lists_that_do_not_fit(tmp_path):
    published = write_mmsa(tmp_path / "published", "mosi", num_videos=8)
    content = pickle.loads(published.root.read_bytes())
    content["valid"]["raw_text"] = content["valid"]["raw_text"][:-1]
    write_pickle(published.root, content)
    with pytest.raises(InputError, match="no raw_text for each"):
        read_published(tmp_path, "mosi")


def test_mmsa_ids_without_a_clip(tmp_path):
    published = write_mmsa(tmp_path / "published", "mosi", num_videos=8)
    content = pickle.loads(published.root.read_bytes())
    content["train"]["id"][:2] = ["whole", "v$_$" + "9" * 5000]
    write_pickle(published.root, content)
    dropped = read_published(tmp_path, "mosi").dropped
    assert [d.kind for d in dropped] == ["id without a video and a clip number"] * 2


# Whatever the bytes

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=20,
)
PLANS = {name: plan(name, num_videos=6) for name in ALL}
QUICK = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def reads_or_refuses(raw, name, labels="auto"):
    try:
        corpus = read_published(raw, name, labels=labels)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert isinstance(corpus, Corpus)
    assert corpus.fingerprint
    assert corpus.utterances


def mutate(data, content):
    """Change, cut out or put in a few bytes."""
    content = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content)))
        length = data.draw(st.integers(0, 6))
        content[place : place + length] = data.draw(st.binary(max_size=6))
    return bytes(content)


@QUICK
@given(data=st.data(), name=st.sampled_from(ALL))
def test_mutated_label_pickles(tmp_path, data, name):
    parts = label_parts(PLANS[name], has_sessions=name in CLASSES)
    path = write_pickle(tmp_path / "published" / LABELS[name], parts)
    path.write_bytes(mutate(data, path.read_bytes()))
    reads_or_refuses(tmp_path, name)


@QUICK
@given(data=st.data(), name=st.sampled_from(ALL), value=VALUES)
def test_label_pickles_with_anything_anywhere(tmp_path, data, name, value):
    parts = label_parts(PLANS[name], has_sessions=name in CLASSES)
    number = data.draw(st.integers(0, len(parts) - 1))
    part = parts[number]
    where = data.draw(st.sampled_from(["part", "video", "item"]))
    if where == "part" or not isinstance(part, dict):
        parts[number] = value
    elif where == "video":
        part[video(parts)] = value
    else:
        part[video(parts)] = [value] * len(parts[0][video(parts)])
    write_pickle(tmp_path / "published" / LABELS[name], parts)
    reads_or_refuses(tmp_path, name)


@QUICK
@given(value=VALUES, name=st.sampled_from(ALL))
def test_pickles_of_anything(tmp_path, value, name):
    write_pickle(tmp_path / "published" / LABELS[name], value)
    reads_or_refuses(tmp_path, name)


@QUICK
@given(data=st.data(), name=st.sampled_from(ALL))
def test_mutated_npz(tmp_path, data, name):
    path = write_labels(tmp_path / "published/l.npz", PLANS[name], has_sessions=name in CLASSES)
    path.write_bytes(mutate(data, path.read_bytes()))
    reads_or_refuses(tmp_path, name, "l.npz")


@QUICK
@given(value=VALUES, part=st.sampled_from(["train_corpus", "whole_corpus", "x"]))
def test_npz_of_anything(tmp_path, value, part):
    buffer = io.BytesIO()
    array = np.empty((), dtype=object)
    array[()] = value
    np.savez(buffer, **{part: array})
    path = tmp_path / "published/l.npz"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(buffer.getvalue())
    for name in ("mosi", "iemocap4"):
        reads_or_refuses(tmp_path, name, "l.npz")


@QUICK
@given(data=st.data(), value=VALUES)
def test_mmsa_pickles_with_anything_anywhere(tmp_path, data, value):
    clips = PLANS["mosi"]
    vectors = {modality: mmsa.vectors(clips, modality) for modality in mmsa.KEYS}
    part = mmsa._part(clips[:5], vectors, is_aligned=True, is_padded_before=False)
    empty = {key: values[:0] for key, values in part.items()}
    part[data.draw(st.sampled_from(sorted(part)))] = value
    write_pickle(tmp_path / "published/p.pkl", {"train": part, "valid": empty, "test": empty})
    reads_or_refuses(tmp_path, "mosi", "p.pkl")


@settings(QUICK, max_examples=25)
@given(data=st.data())
def test_mutated_label_sequences(tmp_path, data):
    published = write_csd_set(tmp_path / "published", "mosi", num_videos=4)
    path = published.root / "labels" / published_csd.LABELS["mosi"]
    path.write_bytes(mutate(data, path.read_bytes()))
    reads_or_refuses(tmp_path, "mosi")
