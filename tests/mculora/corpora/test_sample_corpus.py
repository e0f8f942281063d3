"""The corpus on disk: MOSEI's raw layout, real media, the same bytes for the same seed."""

import ast
import csv
import hashlib

import av
import numpy as np
import pytest

from mculora.corpora.sample.corpus import UNFINISHED, synthesise
from mculora.corpora.sample.papers import (
    COLUMNS,
    FOLD_FILE,
    LABELS,
    TRANSCRIPTS,
    VIDEOS,
    write_papers,
)
from mculora.corpora.sample.plan import SamplePlan, plan_sample
from mculora.corpora.sample.video import FRAME_RATE, write_video
from mculora.corpora.sample.voice import SAMPLE_RATE
from mculora.corpora.utterance import Split
from mculora.files import write_text


def _digests(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def plan() -> SamplePlan:
    return plan_sample(11, 12)


@pytest.fixture(scope="module")
def folder(plan, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sample")
    paths = list(synthesise(plan, folder, workers=2))
    assert [path.stem for path in paths] == [video.id for video in plan.available]
    return folder


def _find(plan, condition):
    return next(video for video in plan.videos if condition(video))


def test_same_plan_same_bytes_whatever_the_workers_and_stops(plan, folder, tmp_path):
    smaller = SamplePlan(plan.videos[:4])
    stranger, stale = (
        tmp_path / VIDEOS / name for name in ("other.mp4.partial", f"{plan.videos[0].id}.mp4")
    )
    write_text(stranger, "of an earlier run")
    write_text(stale, "of other code")

    stopped = synthesise(smaller, tmp_path, workers=1)
    first = next(stopped)
    stopped.close()
    assert (tmp_path / UNFINISHED).exists() and not stranger.exists()

    stamp = first.stat().st_mtime_ns
    assert len(list(synthesise(smaller, tmp_path, workers=1))) == 3
    assert first.stat().st_mtime_ns == stamp and not (tmp_path / UNFINISHED).exists()
    again, before = _digests(tmp_path / VIDEOS), _digests(folder / VIDEOS)
    assert len(again) == 3 and again.items() <= before.items()


def test_same_plan_same_papers(plan, folder, tmp_path):
    write_papers(plan, tmp_path)
    assert _digests(tmp_path).items() <= _digests(folder).items()
    assert not (folder / UNFINISHED).exists()


def test_one_file_is_missing_and_small_is_the_rest(plan, folder):
    missing = _find(plan, lambda video: not video.is_available)
    assert (folder / TRANSCRIPTS / f"{missing.id}.txt").exists()
    assert not (folder / VIDEOS / f"{missing.id}.mp4").exists()
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert total < len(plan.videos) * 0.6e6


def test_tracks_are_h264_and_aac_as_long_as_planned(plan, folder):
    for video in plan.available:
        with av.open(str(folder / VIDEOS / f"{video.id}.mp4")) as container:
            kinds = {stream.type: stream for stream in container.streams}
            tracks = {"audio": video.has_sound, "video": video.has_picture}
            assert set(kinds) == {kind for kind, is_there in tracks.items() if is_there}
            if video.has_picture:
                assert kinds["video"].codec_context.name == "h264"
                assert kinds["video"].frames == int(video.media_seconds * FRAME_RATE)
            if video.has_sound:
                assert kinds["audio"].codec_context.name == "aac"
                assert kinds["audio"].rate == SAMPLE_RATE
                seconds = float(kinds["audio"].duration * kinds["audio"].time_base)
                assert seconds == pytest.approx(video.media_seconds, abs=0.15)


def test_sound_is_where_the_plan_says(plan, folder):
    video = _find(plan, lambda v: v.has_sound and v.is_available and v.split is Split.TEST)
    with av.open(str(folder / VIDEOS / f"{video.id}.mp4")) as container:
        sound = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    spoken = np.zeros(len(sound), bool)
    for u in video.utterances:
        spoken[int(u.start_seconds * SAMPLE_RATE) : int(u.end_seconds * SAMPLE_RATE)] = True
    assert sound[spoken].std() > 3 * sound[~spoken].std()


def test_transcripts_follow_the_grammar(plan, folder):
    for video in plan.videos:
        lines = (folder / TRANSCRIPTS / f"{video.id}.txt").read_text().splitlines()
        spoken = [u for u in video.utterances if u.is_transcribed]
        assert len(lines) == len(spoken)
        for line, utterance in zip(lines, spoken, strict=True):
            assert line.startswith(f"{video.id}___{utterance.clip}___")
            start, end, text = line[len(video.id) + 3 :].split("___", 3)[1:]
            assert float(start) == pytest.approx(utterance.start_seconds, abs=0.2)
            assert float(end) == pytest.approx(utterance.end_seconds, abs=0.35)
            assert text == utterance.text


def test_rating_tables_have_the_columns_and_every_rating(plan, folder):
    assert len(COLUMNS) >= 40
    assert [COLUMNS.index(n) for n in ("WorkerId", "Input.VIDEO_ID", "Answer.sentiment")] == [
        *(15, 27, 38)
    ]
    found: dict[str, list[int]] = {}
    has_folder = False
    for path in (folder / LABELS).glob("*.csv"):
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                has_folder |= "/" in row["Input.VIDEO_ID"]
                key = f"{row['Input.VIDEO_ID'].split('/')[-1]}_{row['Input.CLIP']}"
                found.setdefault(key, []).append(int(row["Answer.sentiment"]))
    wanted = {
        f"{video.id}_{u.clip}": list(u.ratings)
        for video in plan.videos
        for u in video.utterances
        if u.ratings
    }
    assert found == wanted and has_folder


def test_fold_file_is_plain_python(plan, folder):
    tree = ast.parse((folder / FOLD_FILE).read_text())
    folds = {node.targets[0].id: ast.literal_eval(node.value) for node in tree.body}
    assert list(folds) == [f"standard_{name}_fold" for name in ("train", "valid", "test")]
    assert [identifier for fold in folds.values() for identifier in fold] == [
        video.id for video in plan.videos
    ]


def test_a_failed_video_leaves_no_file(plan, tmp_path, monkeypatch):
    monkeypatch.setattr("mculora.corpora.sample.video.frames_of", _fail)
    with pytest.raises(RuntimeError, match="stopped"):
        write_video(plan.videos[0], tmp_path / "video.mp4")
    assert list(tmp_path.iterdir()) == []


def _fail(*_):
    raise RuntimeError("stopped")
    yield
