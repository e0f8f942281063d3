"""Every corpus goes the whole road, from a look-alike to a report, and loses nothing in silence."""

import csv
import hashlib
import json
import math
import subprocess
import sys
import tarfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from clips import write_own_clips
from gcnet import write_gcnet
from iemocap import build_iemocap
from markupsafe import escape
from mertools import FOLDERS as MERTOOLS
from mertools import write_mertools
from mmsa import write_mmsa
from mosei import build_mosei
from mosi import build_mosi
from published_csd import FEATURES, entry_name, write_csd_set

from mculora.corpora.manifest import Corpus, read_manifest
from mculora.features.store.reader import read_store
from mculora.modality import Modality, ModalityCombination
from pipeline.layout import Layout

pytestmark = pytest.mark.slow
SESSIONS = [f"Session{number}" for number in range(1, 6)]
SMALL_RELEASE = {"dialogues_per_session": 3, "turns": 8}
BEYOND = "reaches beyond its media"
ALONE = ["a", "t", "v"]


@dataclass(frozen=True)
class Arrival:
    """What a finished road left behind."""

    shown: dict
    corpus: Corpus
    dropped: list
    evaluation: dict
    metrics: dict
    page: str

    @classmethod
    def of(cls, road, dataset):
        layout = Layout(dataset, road.folder)
        with open(layout.corpus / "dropped.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return cls(
            road.shown,
            read_manifest(layout.corpus),
            sorted((row["id"], row["reason"].partition(":")[0]) for row in rows),
            json.loads(layout.evaluation.read_bytes()),
            json.loads(layout.metrics.read_bytes()),
            layout.report.read_text(encoding="utf-8"),
        )

    def closing(self, line):
        """The last line that a command wrote."""
        return self.shown[line].splitlines()[-1]

    def tested(self, combination):
        """What the first method reached under a combination."""
        return self.evaluation["methods"]["mculora"]["combinations"][combination]


@pytest.fixture
def arrive(travel):
    """Go the road on a dataset, check what holds of all of them, and look at what it left."""

    def arrive_at(dataset, sources, *, dropped, untestable=(), **values):
        road = travel(dataset=dataset, sources={dataset: sources}, **values)
        arrival = Arrival.of(road, dataset)
        assert arrival.dropped == sorted(dropped)
        check_stages(arrival, dataset)
        check_numbers(arrival, untestable)
        check_page(arrival)
        return arrival

    return arrive_at


def check_stages(arrival, dataset):
    """Each stage says what it read and wrote, and counts what it could not use."""
    layout, corpus = Layout(dataset), arrival.corpus
    for line in arrival.shown:
        name = line.replace("--modality ", "")
        assert arrival.shown[line].startswith(f"{name}: reads ")
        assert arrival.closing(line).startswith(f"{name}: wrote ")
        assert arrival.closing(line).endswith(" s)")
    kinds = Counter(kind for _, kind in arrival.dropped)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    assert (
        f"({len(corpus.utterances)} utterances; {len(corpus.dialogues)} dialogues; "
        f"{len(arrival.dropped)} in dropped.csv{': ' * bool(told)}{told}; "
        f"fingerprint {corpus.fingerprint[:12]}; "
    ) in arrival.closing("prepare")
    for note in corpus.notes:
        assert f"note: {note}\n" in arrival.shown["prepare"]
    for modality in Modality:
        stored, shown = (
            read_store(layout.features(modality)),
            arrival.closing(f"extract --modality {modality.word}"),
        )
        assert len(stored.ids) + len(stored.absent) == len(corpus.utterances)
        assert stored.vectors.any(1).all()  # nothing is replaced by zeros
        assert f"{len(stored.ids)} vectors of width {stored.identity.width} by" in shown
        for utterance in corpus.utterances:  # what the corpus knows is what the store says
            if modality in utterance.absent:
                assert stored.absent[utterance.id] == utterance.absent[modality]


def check_numbers(arrival, untestable):
    """Everything that can be tested has a number, and nothing else has."""
    primary, regression = arrival.evaluation["primary"], arrival.corpus.class_names == ()
    assert arrival.evaluation["task"] == ("regression" if regression else "classification")
    assert primary == ("weighted_f1_nonzero" if regression else "wa")
    assert arrival.metrics.keys() == {"mculora", "dropout", "specialists"}
    for reached in arrival.metrics.values():
        means = dict(reached["mean_of_combinations"])
        means.pop("corr_nonzero", None)  # undefined where all non-zero labels are alike
        assert all(map(math.isfinite, means.values()))
        assert math.isfinite(reached["validation"])
        assert reached[primary].keys() == {c.word for c in ModalityCombination}
        for combination, value in reached[primary].items():
            assert value is None if combination in untestable else math.isfinite(value)
    for combination in (c.word for c in ModalityCombination):
        tested = arrival.tested(combination)
        assert bool(tested["num_utterances"]) == (combination not in untestable)
        assert (tested["realised"] is None) == (combination in untestable)


def check_page(arrival):
    """The report shows what must be known of the corpus, and why something is missing."""
    dataset, facts = arrival.corpus.name, arrival.evaluation["corpus"]
    assert f"corpus <b>{dataset}</b>" in arrival.page
    assert arrival.corpus.notes
    for note in [*arrival.corpus.notes, *facts["notes"]]:
        assert f"<li>{escape(note)}</li>" in arrival.page
    assert facts["dropped"] == Counter(kind for _, kind in arrival.dropped)
    absent = (reason for m in arrival.evaluation["features"].values() for reason in m["absent"])
    for reason in (*facts["dropped"], *absent):
        assert f'<th scope="row">{escape(reason)}</th>' in arrival.page


def is_compared(arrival):
    """Whether the report tells how the corpus differs from the real one."""
    start = f"This corpus has {len(arrival.corpus.utterances):,} utterances, the real "
    return any(note.startswith(start) for note in arrival.corpus.notes)


# The corpora themselves


def test_mosei(arrive, tmp_path):
    built = build_mosei(tmp_path / "given", labels="csd")
    cut = [(id_, BEYOND) for id_ in built.beyond_media] * 2  # both of its media
    arrival = arrive("mosei", places(built.folder), dropped=[*built.dropped, *cut])
    assert {u.id: u.label for u in arrival.corpus.utterances} == {
        id_: kept.label for id_, kept in built.kept.items()
    }
    (late,) = (u for u in arrival.corpus.utterances if u.id in built.beyond_media)
    assert late.absent.keys() == {Modality.AUDIO, Modality.VISUAL}
    assert is_compared(arrival)
    assert "Labels are the official ones of CMU_MOSEI_Labels.csd." in arrival.corpus.notes
    assert arrival.evaluation["folds"] == ["official"]


def places(folder):
    """The sources of a look-alike that lies in folders named as its artefacts."""
    found = {name: folder / name for name in ("raw", "labels", "folds")}
    return {name: {"at": str(path)} for name, path in found.items() if path.is_dir()}


def test_mosi(arrive, tmp_path):
    built = build_mosi(tmp_path / "given", labels="csv")
    arrival = arrive("mosi", places(built.folder), dropped=built.dropped)
    assert {u.id: u.split for u in arrival.corpus.utterances} == {
        id_: kept.split for id_, kept in built.kept.items()
    }
    assert is_compared(arrival)
    assert "no line N in " in arrival.shown["extract --modality text"]


def test_iemocap_4_way_from_its_archive(arrive, tmp_path):
    built = build_iemocap(tmp_path / "given", **SMALL_RELEASE)
    archive = tmp_path / "IEMOCAP_full_release.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path in sorted(built.root.parent.iterdir()):
            tar.add(path, path.name)
    source = {"at": str(archive), "bytes": archive.stat().st_size}
    source["md5"] = hashlib.md5(archive.read_bytes()).hexdigest()
    dropped = [*built.dropped(4), (built.beyond_video, BEYOND)]
    arrival = arrive("iemocap4", {"raw": source}, dropped=dropped)
    assert {
        u.id: arrival.corpus.class_names[int(u.label)] for u in arrival.corpus.utterances
    } == built.labels(4)
    assert arrival.evaluation["folds"] == SESSIONS
    assert arrival.evaluation["majority"].keys() == {"wa", "ua", "weighted_f1"}
    assert arrival.tested("atv")["metrics"].keys() == {"wa", "ua", "weighted_f1"}
    assert arrival.tested("a")["num_utterances"] == len(arrival.corpus.utterances)
    assert is_compared(arrival)
    unpacked = [path for path in Path("data/downloads").rglob("*") if path.is_file()]
    assert len({path.suffix for path in unpacked} & {".wav", ".avi", ".txt"}) == 3
    assert not [path for path in unpacked if path.name[:2] == "._" or "MOCAP_hand" in path.parts]


def test_iemocap_6_way_without_videos(arrive, tmp_path):
    built = build_iemocap(tmp_path / "given", with_videos=False, **SMALL_RELEASE)
    source = {"raw": {"at": str(built.root)}}
    arrival = arrive("iemocap6", source, dropped=built.dropped(6), untestable=["v"])
    count = len(built.labels(6))
    shown = arrival.shown["extract --modality visual"]
    assert "0 vectors" in shown and f"{count}  100.0%  release without videos" in shown
    for sentence in (
        "This is the release without videos: the visual modality is absent everywhere.",
        "No utterance offers visual: `v` alone cannot be tested",
        "The 6-way set is strict",
    ):
        assert str(escape(sentence)) in arrival.page
    assert arrival.tested("av")["metrics"] == arrival.tested("a")["metrics"]
    assert arrival.evaluation["folds"] == SESSIONS


# One's own clips


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    return write_own_clips(tmp_path_factory.mktemp("own"))


def test_own_clips(arrive, own):
    arrival = arrive("clips", {"table": {"at": str(own)}}, dropped=[])
    assert arrival.corpus.class_names == ("calm", "glad", "low")
    assert len(arrival.corpus.utterances) == 20
    assert arrival.evaluation["folds"] == ["grouped"]
    assert "test speakers are heard" not in arrival.closing("split")
    assert not is_compared(arrival)


def test_own_clips_with_scores(arrive, own, tmp_path):
    """As JSONL, beside the same recordings; one row names a file that is not there."""
    scores = {"calm": 0.0, "glad": 1.5, "low": -2.0}
    with own.open(encoding="utf-8", newline="") as file:
        rows = [{**row, "label": scores[row["label"]]} for row in csv.DictReader(file)]
    for row in rows:
        row["path"] = str(own.parent / row["path"])
    rows.append({"path": "gone.mp4", "label": 1.0})
    table = tmp_path / "mine.jsonl"
    table.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    arrival = arrive("clips", {"table": {"at": str(table)}}, dropped=[("gone_1", "no such file")])
    assert {u.label for u in arrival.corpus.utterances} == set(scores.values())


# What others have published


@pytest.fixture
def arrive_published(arrive, tmp_path):
    """Go the road without an encoder."""

    def arrive_at(dataset, *, dropped=(), **entries):
        sources = {"published": {"at": str(tmp_path / "given")}}
        arrival = arrive(dataset, sources, dropped=dropped, features="published", published=entries)
        for modality in Modality:
            identity = read_store(Layout(dataset).features(modality)).identity
            assert "published" in identity.settings
            facts = arrival.evaluation["features"][modality.word]
            assert facts["encoder"] == entries.get(modality.word, facts["encoder"])
        assert "were not extracted here but published by others" in arrival.page
        assert is_compared(arrival)
        return arrival

    return arrive_at


def test_gcnet_iemocap(arrive_published, tmp_path):
    given = write_gcnet(tmp_path / "given", "iemocap4")
    arrival = arrive_published("iemocap4")
    assert [u.id for u in arrival.corpus.utterances] == sorted_ids(given.utterances)
    assert arrival.evaluation["folds"] == SESSIONS
    assert arrival.tested("atv")["metrics"].keys() == {"wa", "ua", "weighted_f1"}
    for sentence in (
        "32 dialogues to train on, 8 to test on and none to validate on.",
        "the epoch is chosen on dialogues drawn from the other sessions.",
    ):
        assert sentence in arrival.page
    absent = read_store(Layout("iemocap4").features(Modality.VISUAL)).absent
    assert set(given.traps["faceless"]) <= absent.keys()


def sorted_ids(planned):
    """Ids by dialogue, in each in the published order."""
    return [u.id for u in sorted(planned, key=lambda u: u.dialogue)]


def test_gcnet_mosei_needs_no_encoder(arrive_published, tmp_path):
    given = write_gcnet(tmp_path / "given", "mosei")
    arrival = arrive_published("mosei")
    assert [u.id for u in arrival.corpus.utterances] == sorted_ids(given.utterances)
    assert arrival.evaluation["folds"] == ["official"]
    code = (
        "import sys\n"
        "from pipeline import extract\n"
        "for word in ('audio', 'text', 'visual'):\n"
        "    extract.run(word)\n"
        "print(*sorted({'opensmile', 'cv2', 'transformers', 'decord'} & sys.modules.keys()))\n"
    )
    before = {p: p.read_bytes() for p in Path("data/features").rglob("*") if p.is_file()}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == ""
    assert before == {p: p.read_bytes() for p in Path("data/features").rglob("*") if p.is_file()}


def test_mertools_iemocap(arrive_published, tmp_path):
    write_mertools(tmp_path / "given", "iemocap6")
    arrival = arrive_published("iemocap6", **MERTOOLS)
    assert "The published labels have no transcripts." in arrival.page
    assert arrival.evaluation["folds"] == SESSIONS


@pytest.mark.parametrize(
    ("name", "entry"), [("mosi", "aligned_50.pkl"), ("mosei", "unaligned_50.pkl")]
)
def test_mmsa(arrive_published, tmp_path, name, entry):
    given = write_mmsa(tmp_path / "given", name, is_aligned=entry == "aligned_50.pkl")
    arrival = arrive_published(name, **{m.word: entry for m in Modality})
    assert {u.id for u in arrival.corpus.utterances} == {u.id for u in given.utterances}
    assert f"published by others: {entry}." in arrival.page
    absent = read_store(Layout(name).features(Modality.VISUAL)).absent
    assert absent.keys() == {given.traps["zeros"]}


def test_computational_sequences(arrive_published, tmp_path):
    given = write_csd_set(tmp_path / "given", "mosei")
    arrival = arrive_published(
        "mosei",
        dropped=[("silent00001", "video of a standard fold without labels")],
        **{modality: entry_name("mosei", modality) for modality in FEATURES},
    )
    assert {u.id for u in arrival.corpus.utterances} == {u.id for u in given.utterances}
    absent = read_store(Layout("mosei").features(Modality.VISUAL)).absent
    assert sorted(absent) == sorted(given.traps["no entry"])
