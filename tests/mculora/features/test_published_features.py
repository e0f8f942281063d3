"""Published features become a store: every layout, every trap, and nothing from damaged files."""

import io
import os
import pickle

import mertools
import numpy as np
import pytest
from csd import write_csd
from gcnet import FOLDERS, FRAMES, save, write_gcnet, write_pickle
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from mertools import write_mertools
from mmsa import KEYS, write_mmsa
from published_csd import SECONDS, entry_name, write_csd_set
from published_plan import AUDIO, CLASSES, TEXT, VISUAL, WIDTHS

from mculora.corpora.published.reading import read_published
from mculora.corpora.utterance import Utterance
from mculora.errors import InputError
from mculora.features.input_digests import outcome_digest
from mculora.features.outcome import Absence
from mculora.features.published.cleaning import (
    EMPTY,
    NO_ENTRY,
    NO_FILE,
    NOT_FINITE,
    NOT_FINITE_VALUES,
    SINGLE_VALUE,
    ZERO_ROWS,
    ZERO_VECTOR,
    clean,
)
from mculora.features.published.csd import CsdSource
from mculora.features.published.folders import FolderSource
from mculora.features.published.settling import settle_features
from mculora.features.published.sources import find_features
from mculora.features.store.reader import read_store
from mculora.features.store.writer import StoreWriter
from mculora.modality import Modality

SCORES = ["mosei", "mosi"]
ALL = [*SCORES, *CLASSES]
WORDS = {modality.word: modality for modality in Modality}


def import_features(raw, name, word, entry, *, corpus=None):
    """What the stage does, for one modality."""
    corpus = corpus or read_published(raw, name)
    modality = WORDS[word]
    source = find_features(corpus, raw, modality, entry)
    read = list(source.read(corpus.utterances))
    return settle_features(read, corpus, modality, source=source)


def outcomes(features):
    return {one.utterance_id: one.outcome for one in features.extracted}


def reasons(features):
    return {
        id_: outcome.reason
        for id_, outcome in outcomes(features).items()
        if isinstance(outcome, Absence)
    }


def assert_as_meant(features, meant, *, but=(), tolerance=1e-6):
    """All vectors are those that the look-alike was made from, except for the absent ones."""
    found = outcomes(features)
    assert reasons(features).keys() == set(but)
    for id_ in found.keys() - set(but):
        np.testing.assert_allclose(found[id_].numpy(), meant[id_], atol=tolerance)
        assert found[id_].dtype.is_floating_point


# Folders


@pytest.mark.parametrize("name", ALL)
def test_audio_and_text_folders(tmp_path, name):
    published = write_gcnet(tmp_path / "published", name, num_videos=8)
    traps = published.traps
    audio = import_features(tmp_path, name, AUDIO, FOLDERS[AUDIO])
    absent = {
        traps["zeros"]: ZERO_VECTOR,
        traps["infinite"]: NOT_FINITE,
        traps["wide"]: "width 11 instead of 8",
        traps["truncated"]: "unreadable file: damaged",
        traps["empty"]: EMPTY,
    }
    assert reasons(audio) == absent
    assert_as_meant(audio, published.vectors[AUDIO], but=absent)
    assert audio.repairs == {ZERO_ROWS: 1, NOT_FINITE_VALUES: 1}
    text = import_features(tmp_path, name, TEXT, FOLDERS[TEXT])
    absent = {
        traps["nan scalar"]: SINGLE_VALUE,
        traps["missing"]: NO_FILE,
        traps["objects"]: "unreadable file: pickled objects",
    }
    assert reasons(text) == absent
    assert_as_meant(text, published.vectors[TEXT], but=absent)
    assert text.repairs == {"a file and a folder of frames: the file is used": 1}
    assert (audio.identity.width, text.identity.width) == (WIDTHS[AUDIO], WIDTHS[TEXT])


@pytest.mark.parametrize("name", ALL)
def test_faces_are_those_of_the_speaker(tmp_path, name):
    published = write_gcnet(tmp_path / "published", name, num_videos=8)
    absent = dict.fromkeys(published.traps["faceless"], ZERO_VECTOR)
    frames = import_features(tmp_path, name, VISUAL, FRAMES)
    assert reasons(frames) == absent
    assert_as_meant(frames, published.vectors[VISUAL], but=absent)
    assert frames.repairs[ZERO_ROWS] > 10
    absent[published.traps["empty folder"]] = NO_FILE
    if name in CLASSES:
        absent[published.traps["other actor only"]] = "no published file of the speaker"
    means = import_features(tmp_path, name, VISUAL, FOLDERS[VISUAL])
    assert reasons(means) == absent
    assert_as_meant(means, published.vectors[VISUAL], but=absent)


@pytest.mark.parametrize("name", ALL)
def test_mertools_folders(tmp_path, name):
    published = write_mertools(tmp_path / "published", name, num_videos=8)
    for word, entry in mertools.FOLDERS.items():
        features = import_features(tmp_path, name, word, entry)
        assert_as_meant(features, published.vectors[word])
        assert not features.repairs


def test_routing_by_letters(tmp_path):
    def read(names, turn):
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        for number, name in enumerate(names, start=1):
            save(folder / turn / name, np.full(2, number, np.float32))
        utterance = Utterance(turn, "d", "", None, "s", 0.0, 1.0, "", 0)
        (cleaned,) = FolderSource(folder).read([utterance])
        outcome = cleaned.outcome
        return outcome.reason if isinstance(outcome, Absence) else float(outcome[0])

    woman, man = "Ses01M_impro09_F000", "Ses01F_impro09_M000"
    assert (read(["x_F", "x_M"], woman), read(["x_F", "x_M"], man)) == (1, 2)
    assert (read(["FM", "x_M"], woman), read(["FM", "x_M"], man)) == (1, 2)
    assert (read(["000000", "x_F"], woman), read(["000000", "x_F"], man)) == (2, 1)
    assert read(["000000", "000001"], woman) == read(["000000", "000001"], man) == 1.5
    assert read(["x_F"], man) == "no published file of the speaker"
    assert read(["x_F", "y_M"], "video_3") == 1.5


def test_frames_that_cannot_be_used(tmp_path):
    utterance = Utterance("v_0", "v", "", None, "", 0.0, 1.0, "", 0)
    folder = tmp_path / "v_0"

    def read():
        (cleaned,) = FolderSource(tmp_path).read([utterance])
        return cleaned

    folder.write_text("a file in its place")
    assert read().outcome == Absence(NO_FILE)
    folder.unlink()
    save(folder / "000000", np.ones(3))
    save(folder / "000001", np.full(3, 3.0))
    (folder / "000002.npy").write_bytes(b"\x93NUMPY")
    (folder / "._000003.npy").write_bytes(b"\0")
    (folder / "000004.npy.bak").write_bytes(b"\0")
    (folder / "000005.npy").symlink_to("nowhere")
    assert read().outcome.tolist() == [2, 2, 2]
    assert read().repairs == ("unreadable frames left out of the mean",)
    save(folder / "000006", np.ones(4))
    assert read().outcome == Absence("frames of several widths")
    for path in folder.iterdir():
        path.unlink()
    (folder / "000005.npy").symlink_to("nowhere")
    assert read().outcome == Absence("unreadable file: No such file or directory")


# One rule


@pytest.mark.parametrize("shape", [(3,), (1, 3), (1, 1, 3), (4, 3), (1, 4, 3), (4, 1, 3)])
@pytest.mark.parametrize("dtype", ["f2", "<f4", ">f8", "i4", "u1"])
def test_shapes_and_types(shape, dtype):
    array = np.broadcast_to(np.array([1, 2, 3]), shape).astype(dtype)
    cleaned = clean(array)
    assert cleaned.outcome.dtype == np.float32
    assert cleaned.outcome.tolist() == [1, 2, 3]
    assert not cleaned.repairs


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.float32("nan"), SINGLE_VALUE),
        (np.float64(1), SINGLE_VALUE),
        (np.zeros(3), ZERO_VECTOR),
        (np.zeros((5, 3)), ZERO_VECTOR),
        (np.array([[1.0, -1], [-1, 1]]), ZERO_VECTOR),
        (np.array([1, np.nan]), NOT_FINITE),
        (np.array([1, -np.inf]), NOT_FINITE),
        (np.array([[1, np.nan], [1, np.inf]]), NOT_FINITE),
        (np.array([1e300, 1]), NOT_FINITE),
        (np.array([[1e308, 1]] * 3), NOT_FINITE),
        (np.zeros((0, 3)), EMPTY),
        (np.zeros((3, 0)), EMPTY),
        (np.ones((2, 2, 2)), "too many axes: 3"),
        (np.array(["words"]), "values that are no numbers: U"),
        (np.array([True]), "values that are no numbers: b"),
        (np.array([1j]), "values that are no numbers: c"),
    ],
)
def test_what_is_absent(array, reason):
    assert clean(np.asarray(array)).outcome == Absence(reason)


def test_what_is_left_out_of_a_mean():
    nan, inf = np.nan, np.inf
    cleaned = clean(np.array([[0, 0, 0], [1, nan, 3], [3, 5, -inf], [0, 0, 0]]))
    assert cleaned.outcome.tolist() == [2, 5, 3]
    assert cleaned.repairs == (ZERO_ROWS, NOT_FINITE_VALUES)
    assert clean(np.array([[0.0, 2, 4], [0, 4, 8]])).outcome.tolist() == [0, 3, 6]


@given(
    arrays.arrays(
        st.sampled_from([np.float16, np.float32, np.float64, np.int8, np.uint64, np.bool_, "S3"]),
        arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
    )
)
def test_any_array_is_a_finite_vector_or_absent(array):
    before = array.copy()
    outcome = clean(array).outcome
    assert array.tobytes() == before.tobytes()
    if not isinstance(outcome, Absence):
        assert outcome.shape == array.shape[-1:]
        assert np.isfinite(outcome).all()
        assert outcome.any()


# MMSA


@pytest.mark.parametrize("name", SCORES)
@pytest.mark.parametrize("is_aligned", [True, False])
@pytest.mark.parametrize("is_padded_before", [True, False])
def test_mmsa_pickles(tmp_path, name, is_aligned, is_padded_before):
    published = write_mmsa(
        tmp_path / "published",
        name,
        is_aligned=is_aligned,
        is_padded_before=is_padded_before,
        num_videos=8,
    )
    entry, traps = published.root.name, published.traps
    absent = {
        AUDIO: {traps["nan column"]: NOT_FINITE},
        TEXT: {},
        VISUAL: {traps["zeros"]: ZERO_VECTOR},
    }
    for word in KEYS:
        features = import_features(tmp_path, name, word, entry)
        assert reasons(features) == absent[word]
        holed = {traps["infinite"]} if word == AUDIO else set()
        for id_ in outcomes(features).keys() - absent[word].keys() - holed:
            meant = published.vectors[word][id_]
            np.testing.assert_allclose(outcomes(features)[id_].numpy(), meant, atol=1e-5)
        for id_ in holed:
            others = [k for k in range(WIDTHS[AUDIO]) if k != 2]
            meant = published.vectors[word][id_][others]
            np.testing.assert_allclose(outcomes(features)[id_][others].numpy(), meant, atol=1e-5)
            assert features.repairs[NOT_FINITE_VALUES] == 1


def test_mmsa_without_attention_or_lengths(tmp_path):
    published = write_mmsa(tmp_path / "published", "mosi", is_aligned=False, num_videos=8)
    content = pickle.loads(published.root.read_bytes())
    for part in content.values():
        del part["text_bert"], part["audio_lengths"]
        part["vision_lengths"] = ["many"] * len(part["id"])
    write_pickle(published.root, content)
    for word in (AUDIO, VISUAL):
        assert len(reasons(import_features(tmp_path, "mosi", word, "unaligned_50.pkl"))) == 1
    assert not reasons(import_features(tmp_path, "mosi", TEXT, "unaligned_50.pkl"))


def test_lengths_tell_where_padding_is_no_zeros(tmp_path):
    for is_padded_before in (False, True):
        published = write_mmsa(
            tmp_path / "published",
            "mosi",
            is_aligned=False,
            is_padded_before=is_padded_before,
            num_videos=8,
        )
        content = pickle.loads(published.root.read_bytes())
        for part in content.values():
            rows = part["audio"]
            edge = -1 if is_padded_before else 0
            is_padding = (rows == 0).all(axis=-1)
            is_padding[:, -1 - edge] = False  # the outermost row of zeros shows the side
            rows[is_padding] = 5
        write_pickle(published.root, content)
        features = import_features(tmp_path, "mosi", AUDIO, "unaligned_50.pkl")
        usual = {u.id for u in published.utterances} - set(published.traps.values())
        for id_ in usual:
            meant, found = published.vectors[AUDIO][id_], outcomes(features)[id_]
            np.testing.assert_allclose(found.numpy(), meant, atol=1e-5)


@pytest.mark.parametrize("value", [None, 3, np.zeros((2, 2)), np.zeros((1, 2, 3))])
def test_mmsa_arrays_that_do_not_fit(tmp_path, value):
    published = write_mmsa(tmp_path / "published", "mosi", num_videos=8)
    content = pickle.loads(published.root.read_bytes())
    content["test"]["audio"] = value
    write_pickle(published.root, content)
    with pytest.raises(InputError, match="no array 'audio'"):
        import_features(tmp_path, "mosi", AUDIO, "aligned_50.pkl")


# Computational sequences


@pytest.mark.parametrize("name", SCORES)
def test_sequences_are_cut_by_time(tmp_path, name):
    published = write_csd_set(tmp_path / "published", name, num_videos=8)
    for word in (AUDIO, TEXT, VISUAL):
        features = import_features(tmp_path, name, word, entry_name(name, word))
        absent = published.traps["no entry"] if word == VISUAL else []
        assert_as_meant(features, published.vectors[word], but=absent, tolerance=1e-4)
        assert set(reasons(features).values()) <= {NO_ENTRY}


def test_rows_that_overlap_a_half_open_window(tmp_path):
    path = tmp_path / "x.csd"
    times = np.array([[4, 5], [0, 1], [1, 2], [2, 3], [0.5, 1.5]], float)  # not sorted
    write_csd(path, "x", {"v": (np.array([[16.0], [1], [2], [4], [8]]), times)})

    def read(start, end, id_="v_0", dialogue="v"):
        utterance = Utterance(id_, dialogue, "", None, "", start, end, "", 0)
        (cleaned,) = CsdSource(path).read([utterance])
        return cleaned.outcome

    assert read(1, 2).item() == (2 + 8) / 2
    assert read(0, 5).item() == np.float32(31 / 5)
    assert read(1.5, 4).item() == 3
    assert read(3, 4) == Absence("no published rows in its time")
    assert read(0, 1, dialogue="w") == Absence(NO_ENTRY)
    write_csd(path, "x", {"v[3]": (np.array([[2.0], [4]]), times[:2])})
    assert read(90, 91, id_="v[3]").item() == 3  # an aligned file: by id


def test_sequences_need_times_and_numbers(tmp_path):
    write_csd_set(tmp_path / "published", "mosi", num_videos=8)
    with pytest.raises(InputError, match="found words"):
        import_features(tmp_path, "mosi", TEXT, "CMU_MOSI_TimestampedWords.csd")
    write_gcnet(tmp_path / "published", "mosi", num_videos=8)
    with pytest.raises(InputError, match="only tell the order"):
        import_features(tmp_path, "mosi", AUDIO, "CMU_MOSI_COVAREP.csd")


def test_damaged_entry_is_absent(tmp_path):
    published = write_csd_set(tmp_path / "published", "mosi", num_videos=8)
    path = next((tmp_path / "published").rglob("*COVAREP.csd"))
    video = published.utterances[0].dialogue
    write_csd(
        path,
        "COVAREP",
        {
            video: (np.ones((3, 2)), np.ones((2, 2))),
            published.utterances[-1].dialogue: (np.ones((3, 2)), np.array([[0, SECONDS]] * 3)),
        },
    )
    found = reasons(import_features(tmp_path, "mosi", AUDIO, path.name))
    assert found[published.utterances[0].id].startswith("unreadable entry: ")


# Finding, identity, store


def test_the_folder_with_the_corpus_is_taken(tmp_path):
    write_gcnet(tmp_path / "published/x", "mosei", num_videos=8)
    published = write_gcnet(tmp_path / "published", "mosi", num_videos=8)
    decoy = tmp_path / "published" / FOLDERS[AUDIO]
    save(decoy / "somebody_1", np.ones(3))
    (tmp_path / "published/__MACOSX" / FOLDERS[AUDIO]).mkdir(parents=True)
    features = import_features(tmp_path, "mosi", AUDIO, FOLDERS[AUDIO])
    assert len(reasons(features)) == 5
    assert features.identity.encoder == FOLDERS[AUDIO]
    assert published.root.name == "CMUMOSI"


def test_links_are_followed_as_the_stage_lays_them(tmp_path):
    write_gcnet(tmp_path / "a/published", "iemocap4")
    for parent, _, files in os.walk(tmp_path / "a"):
        there = tmp_path / "b" / os.path.relpath(parent, tmp_path / "a")
        there.mkdir(parents=True)
        for name in files:
            (there / name).symlink_to(os.path.join(parent, name))
    for word in FOLDERS:
        direct, linked = (
            import_features(tmp_path / raw, "iemocap4", word, FOLDERS[word]) for raw in "ab"
        )
        assert direct.identity == linked.identity


def test_a_file_named_alone_lies_in_a_folder_of_its_name(tmp_path):
    """As the stage links it: `published/aligned_50.pkl/aligned_50.pkl`."""
    built = write_mmsa(tmp_path / "source", "mosi")
    (path,) = (tmp_path / "source").rglob("*.pkl")
    place = tmp_path / "raw/published" / path.name / path.name
    place.parent.mkdir(parents=True)
    place.symlink_to(path)
    features = import_features(tmp_path / "raw", "mosi", "text", path.name)
    assert len(features.extracted) == len(built.utterances)
    assert features.identity.width == WIDTHS[TEXT]


def test_a_header_that_lies_about_its_shape_costs_its_file(tmp_path):
    np.save(tmp_path / "x_0.npy", np.ones(8, dtype=np.float32))
    content = (tmp_path / "x_0.npy").read_bytes().replace(b"(8,)", b"(True,8)")
    (tmp_path / "x_0.npy").write_bytes(content.replace(b"    \n", b"\n", 1))
    one = Utterance("x_0", "x", "", None, "", 0.0, 1.0, "", 0.0)
    [read] = FolderSource(tmp_path).read([one])
    assert isinstance(read.outcome, Absence)
    assert read.outcome.reason.startswith("unreadable file")


def test_nothing_to_import(tmp_path):
    write_gcnet(tmp_path / "published", "mosi", num_videos=8)
    with pytest.raises(InputError, match=r"found nothing of the name none.*published\.audio"):
        import_features(tmp_path, "mosi", AUDIO, "none")
    save(tmp_path / "published/strange/v_1", np.ones(3))
    with pytest.raises(InputError, match=r"none of the .* utterances of mosi"):
        import_features(tmp_path, "mosi", AUDIO, "strange")
    (tmp_path / "published/page.pkl").write_text("<html>")
    with pytest.raises(InputError, match="HTML page"):
        import_features(tmp_path, "mosi", AUDIO, "page.pkl")
    for place in "xy":
        write_pickle(tmp_path / f"published/{place}/aligned_50.pkl", {})
    with pytest.raises(InputError, match=r"2 of the name aligned_50\.pkl"):
        import_features(tmp_path, "mosi", AUDIO, "aligned_50.pkl")


def test_identity_follows_the_vectors(tmp_path):
    published = write_gcnet(tmp_path / "published", "mosi", num_videos=8)
    first = import_features(tmp_path, "mosi", AUDIO, FOLDERS[AUDIO]).identity
    assert import_features(tmp_path, "mosi", AUDIO, FOLDERS[AUDIO]).identity == first
    save(published.folder(FOLDERS[AUDIO]) / "of_nobody_9", np.ones(8))
    assert import_features(tmp_path, "mosi", AUDIO, FOLDERS[AUDIO]).identity == first
    id_ = published.utterances[-1].id
    save(published.folder(FOLDERS[AUDIO]) / id_, published.vectors[AUDIO][id_] + 1)
    changed = import_features(tmp_path, "mosi", AUDIO, FOLDERS[AUDIO]).identity
    assert changed.revision != first.revision
    assert (changed.width, changed.settings) == (first.width, first.settings)


@pytest.mark.parametrize("name", ["mosei", "iemocap6"])
def test_it_fills_a_store(tmp_path, name):
    write_gcnet(tmp_path / "published", name, num_videos=12)
    corpus = read_published(tmp_path, name)
    features = import_features(tmp_path, name, VISUAL, FOLDERS[VISUAL], corpus=corpus)
    inputs = {one.utterance_id: outcome_digest(one) for one in features.extracted}
    with StoreWriter(tmp_path / "store", features.identity, inputs) as writer:
        for one in features.extracted:
            writer.add(one)
        writer.finish()
    stored = read_store(tmp_path / "store")
    assert stored.absent == reasons(features)
    assert stored.absent_by_reason[ZERO_VECTOR] == len(
        [r for r in reasons(features).values() if r == ZERO_VECTOR]
    )
    assert stored.vectors.shape == (len(corpus.utterances) - len(stored.absent), WIDTHS[VISUAL])


@pytest.mark.parametrize("word", [AUDIO, TEXT, VISUAL])
def test_labels_can_be_learnt_from_each_look_alike(tmp_path, word):
    """What a test of the whole pipeline relies on: the vectors tell more than the majority."""
    from sklearn.linear_model import LogisticRegression

    write_gcnet(tmp_path / "published", "iemocap4")
    corpus = read_published(tmp_path, "iemocap4")
    found = outcomes(import_features(tmp_path, "iemocap4", word, FOLDERS[word], corpus=corpus))
    usable = [u for u in corpus.utterances if not isinstance(found[u.id], Absence)]
    x, y = (np.stack([found[u.id] for u in usable]), np.array([u.label for u in usable]))
    is_test = np.array([u.session == "Session5" for u in usable])
    model = LogisticRegression(max_iter=500).fit(x[~is_test], y[~is_test])
    assert model.score(x[is_test], y[is_test]) > 0.6


# Whatever the bytes

QUICK = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def mutate(data, content):
    content = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(content), 140)))
        content[place : place + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=6))
    return bytes(content)


@QUICK
@given(data=st.data(), is_noise=st.booleans())
def test_mutated_arrays(tmp_path, data, is_noise):
    buffer = io.BytesIO()
    np.save(buffer, np.arange(12, dtype=np.float32).reshape(3, 4))
    content = data.draw(st.binary()) if is_noise else mutate(data, buffer.getvalue())
    (tmp_path / "v_0.npy").write_bytes(content)
    utterance = Utterance("v_0", "v", "", None, "", 0.0, 1.0, "", 0)
    (cleaned,) = FolderSource(tmp_path).read([utterance])
    assert isinstance(cleaned.outcome, Absence) or np.isfinite(cleaned.outcome).all()


@settings(QUICK, max_examples=60)
@given(data=st.data(), word=st.sampled_from([AUDIO, TEXT, VISUAL]))
def test_mmsa_arrays_of_anything(tmp_path, data, word):
    published = write_mmsa(tmp_path / "published", "mosi", num_videos=6)
    corpus = read_published(tmp_path, "mosi")
    content = pickle.loads(published.root.read_bytes())
    part = content[data.draw(st.sampled_from(sorted(content)))]
    key = data.draw(st.sampled_from(sorted(part)))
    length = len(part["id"])
    part[key] = data.draw(
        st.none()
        | st.integers()
        | st.lists(st.integers() | st.none(), min_size=length, max_size=length)
        | arrays.arrays(
            st.sampled_from([np.float32, np.float16, np.bool_, np.int64]),
            st.tuples(st.just(length), st.integers(0, 4), st.integers(0, 4)),
        )
    )
    write_pickle(published.root, content)
    try:
        import_features(tmp_path, "mosi", word, "aligned_50.pkl", corpus=corpus)
    except InputError as error:
        assert "\n" not in str(error)
