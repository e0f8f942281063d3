"""What is brought of each corpus is what its reader takes: no kind of file more, and none less."""

import re
from contextlib import suppress
from pathlib import Path

import pytest
from gcnet import FOLDERS as GCNET
from gcnet import FRAMES, LABELS, write_gcnet, write_pickle
from iemocap import build_iemocap
from mertools import FOLDERS as MERTOOLS
from mertools import write_mertools
from mmsa import write_mmsa
from mosei import build_mosei
from mosi import build_mosi
from published_csd import FEATURES, entry_name, write_csd_set

from mculora.acquire.links import link_tree
from mculora.corpora.artefacts import published_artefacts, raw_artefacts
from mculora.corpora.iemocap.corpus import read_iemocap
from mculora.corpora.mosei.corpus import read_mosei
from mculora.corpora.mosi.corpus import read_mosi
from mculora.corpora.published.reading import read_published
from mculora.errors import InputError
from mculora.features.published.settling import settle_features
from mculora.features.published.sources import find_features
from mculora.modality import Modality

REAL = ("mosei", "mosi", "iemocap4", "iemocap6")


def bring(artefacts, raw, brought):
    """Link the members of each artefact, as the stage `download` does; skip what is not there."""
    for artefact in artefacts:
        if (raw / artefact.name).is_dir():
            link_tree(raw / artefact.name, brought / artefact.name, members=artefact.members)
    return brought


def kinds(folder):
    """The files below a folder by kind: a path without what names a session or a dialogue."""
    found = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        place = [p for p in path.relative_to(folder).parts[:-1] if not re.match(r"Ses0|Session", p)]
        found.setdefault("/".join([*place, f"*{path.suffix}"]), []).append(path)
    return found


def assert_each_kind_counts(folder, read):
    """Without all files of one kind the corpus is another one, or none."""
    whole = read(folder)
    for kind, paths in kinds(folder).items():
        targets = [path.readlink() for path in paths]
        for path in paths:
            path.unlink()
        with suppress(InputError):
            assert read(folder) != whole, f"{kind} makes no difference"
        for path, target in zip(paths, targets, strict=True):
            path.symlink_to(target)
    assert read(folder) == whole


MOSEI_KINDS = {
    "raw/Raw/Transcript/Segmented/Combined/*.txt",
    "raw/Raw/Audio/Full/WAV_16000/*.wav",
    "raw/Raw/Videos/Full/Combined/*.mp4",
    "folds/*.py",
}


@pytest.mark.parametrize(
    ("labels", "more"),
    [
        ("csv", {"raw/Raw/Labels/*.csv"}),
        ("csd", {"labels/*.csd"}),
        ("both", {"raw/Raw/Labels/*.csv", "labels/*.csd"}),  # the report says that both are there
    ],
)
def test_mosei(tmp_path, labels, more):
    raw = build_mosei(tmp_path / "source", labels=labels, media=False).folder
    brought = bring(raw_artefacts("mosei"), raw, tmp_path / "brought")
    assert read_mosei(brought) == read_mosei(raw)
    assert kinds(brought).keys() == MOSEI_KINDS | more
    assert_each_kind_counts(brought, read_mosei)


@pytest.mark.parametrize("root", ["raw", "raw/CMU_MOSEI", "raw/again/and/again/Raw"])
@pytest.mark.parametrize("labels", ["Labels", "labels"])
def test_mosei_renamed_and_rearranged(tmp_path, root, labels):
    raw = build_mosei(tmp_path / "source", media=False, root=root).folder
    place = raw / root
    for old, new in {
        "Transcript/Segmented/Combined": "Transcript/Combined",
        "Audio/Full/WAV_16000": "Audio/WAV_16000",
        "Videos/Full/Combined": "Videos/Combined",
        "Labels": labels,
    }.items():
        (place / old).rename(place / new)
    brought = bring(raw_artefacts("mosei"), raw, tmp_path / "brought")
    assert read_mosei(brought) == read_mosei(raw)
    assert len(kinds(brought)) == 5


@pytest.mark.parametrize("labels", ["csv", "csd", "both"])
@pytest.mark.parametrize("root", ["raw/Raw", "raw"])
def test_mosi(tmp_path, labels, root):
    raw = build_mosi(tmp_path / "source", labels=labels, media=False, root=root).folder
    brought = bring(raw_artefacts("mosi"), raw, tmp_path / "brought")
    assert read_mosi(brought) == read_mosi(raw)
    expected = {
        f"{root}/Transcript/Segmented/*.annotprocessed",
        f"{root}/Audio/WAV_16000/Full/*.wav",
        f"{root}/Audio/WAV_16000/Segmented/*.wav",
        f"{root}/Video/Full/*.mp4",
        f"{root}/Video/Segmented/*.mp4",
        "folds/*.py",
    }
    expected |= {f"{root}/Labels/*.csv"} if labels != "csd" else set()
    expected |= {"labels/*.csd"} if labels != "csv" else set()
    assert kinds(brought).keys() == expected
    assert_each_kind_counts(brought, read_mosi)


IEMOCAP_KINDS = {
    "dialog/EmoEvaluation/*.txt",
    "dialog/transcriptions/*.txt",
    "dialog/wav/*.wav",
    "sentences/wav/*.wav",
    "dialog/avi/DivX/*.avi",
}


@pytest.fixture(scope="module", params=[True, False], ids=["videos", "no videos"])
def iemocap(request, tmp_path_factory):
    """A small release in which one turn has no recording of its own; its wav is the dialogue's."""
    folder = tmp_path_factory.mktemp("iemocap") / "raw"
    small = {"num_sessions": 2, "dialogues_per_session": 2, "turns": 8, "media": False}
    built = build_iemocap(folder, with_videos=request.param, **small)
    turn = next(turn for turn in built.turns if turn.id in built.labels(4))
    (built.root / f"{turn.session}/sentences/wav/{turn.dialogue}/{turn.id}.wav").unlink()
    return built


@pytest.mark.parametrize("classes", [4, 6])
def test_iemocap(iemocap, tmp_path, classes):
    def read(folder):
        return read_iemocap(folder, f"iemocap{classes}", classes=classes)

    brought = bring(raw_artefacts(f"iemocap{classes}"), iemocap.root.parents[1], tmp_path)
    assert read(brought) == read(iemocap.root.parents[1])
    has_videos = read(brought).utterances[0].video_path is not None
    expected = {f"raw/{iemocap.root.name}/{kind}" for kind in IEMOCAP_KINDS}
    assert kinds(brought).keys() == {k for k in expected if has_videos or ".avi" not in k}
    assert_each_kind_counts(brought, read)


def test_iemocap_leaves_the_bulk_behind(iemocap, tmp_path):
    """Motion capture, alignments, single raters: most files of the release."""
    raw = iemocap.root.parents[1]
    brought = kinds(bring(raw_artefacts("iemocap4"), raw, tmp_path))
    assert sum(map(len, brought.values())) < 0.3 * sum(map(len, kinds(raw).values()))
    for word in ("/MOCAP_", "/Categorical", ".anvil", "/Self-", "/ForcedAlignment", "/lab/"):
        assert any(word in kind for kind in kinds(raw))
        assert not any(word in kind for kind in brought)


@pytest.mark.parametrize("depth", ["", "Session1/.."])
def test_iemocap_wherever_the_source_begins(iemocap, tmp_path, depth):
    members = raw_artefacts("iemocap4")[0].members
    link_tree(iemocap.root / depth, tmp_path / "at the sessions", members=members)
    link_tree(iemocap.root.parent, tmp_path / "nested/again/release", members=members)
    corpora = [
        read_iemocap(folder, "iemocap4", classes=4)
        for folder in (tmp_path / "at the sessions", tmp_path / "nested", iemocap.root)
    ]
    assert len({tuple(u.id for u in corpus.utterances) for corpus in corpora}) == 1
    assert len({tuple(u.transcript for u in corpus.utterances) for corpus in corpora}) == 1
    assert len({corpus.dropped for corpus in corpora}) == 1


# Published features


def gcnet(folder, name):
    write_gcnet(folder, name, num_videos=12)
    return GCNET


def mertools(folder, name):
    write_mertools(folder, name, num_videos=12)
    return MERTOOLS


def mmsa(folder, name):
    write_mmsa(folder, name, is_aligned=False, num_videos=12)
    return dict.fromkeys(GCNET, "unaligned_50.pkl")


def csd(folder, name):
    write_csd_set(folder, name, num_videos=12)
    return {modality: entry_name(name, modality) for modality in FEATURES}


@pytest.mark.parametrize(
    ("write", "name"),
    [
        *((gcnet, name) for name in REAL),
        *((mertools, name) for name in REAL),
        *((mmsa, name) for name in ("mosei", "mosi")),
        *((csd, name) for name in ("mosei", "mosi")),
    ],
)
def test_published(tmp_path, write, name):
    raw = tmp_path / "source"
    entries = write(raw / "published", name)
    brought = bring(published_artefacts(name, tuple(entries.values())), raw, tmp_path / "brought")
    corpus = read_published(brought, name)
    assert corpus == read_published(raw, name)
    for word, entry in entries.items():
        modality = Modality.parse(word)
        assert read_features(corpus, brought, modality, entry) == read_features(
            corpus, raw, modality, entry
        )
    assert not [path for path in brought.rglob("*") if FRAMES in path.parts]
    assert not list(brought.rglob("._*"))


def read_features(corpus, raw, modality, entry):
    """What features are, by a digest of every vector, and what had to be repaired."""
    source = find_features(corpus, raw, modality, entry)
    read = list(source.read(corpus.utterances))
    published = settle_features(read, corpus, modality, source=source)
    return published.identity, published.repairs


def test_published_labels_that_lie_elsewhere(tmp_path):
    raw = tmp_path / "source"
    write_gcnet(raw / "published", "iemocap4")
    (labels,) = (raw / "published").rglob(LABELS["iemocap4"])
    corpus = read_published(raw, "iemocap4")
    place = raw / "published_labels/dataset/IEMOCAP" / labels.name
    place.parent.mkdir(parents=True)
    labels.rename(place)
    write_pickle(place.with_name("._" + place.name), [])
    brought = bring(
        published_artefacts("iemocap4", tuple(GCNET.values())), raw, tmp_path / "brought"
    )
    assert read_published(brought, "iemocap4") == corpus


def test_other_published_entries_stay_where_they_are(tmp_path):
    raw = tmp_path / "source"
    entries = gcnet(raw / "published", "mosi")
    only = bring(published_artefacts("mosi", (entries["audio"],)), raw, tmp_path / "brought")
    folders = {p.parent.name for p in only.rglob("*.npy")}
    assert entries["audio"] in folders
    assert not folders & {entries["text"], entries["visual"], FRAMES}


# What a person is told


def test_nothing_is_brought_for_the_sample_and_nothing_is_published_of_clips():
    assert raw_artefacts("sample") == ()
    assert published_artefacts("sample", ("x",)) == published_artefacts("clips", ("x",)) == ()


@pytest.mark.parametrize("name", [*REAL, "clips"])
def test_every_part_says_how_to_get_it(name):
    artefacts = [*raw_artefacts(name), *published_artefacts(name, ())]
    assert artefacts
    assert len({artefact.name for artefact in artefacts}) == len(artefacts)
    for artefact in artefacts:
        assert len(artefact.how_to_get) > 20 and "\n" not in artefact.how_to_get
        assert Path(artefact.name).name == artefact.name  # it becomes a folder
