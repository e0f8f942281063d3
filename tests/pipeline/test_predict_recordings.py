"""`mculora predict` on many recordings and long ones, and every file that it writes."""

import csv
import io
import json
import shutil

import pytest
from media_clips import write_clip

from mculora.media.container import media_duration
from mculora.media.video import read_frames

pytestmark = pytest.mark.slow
SRT = "1\n00:00:00,200 --> 00:00:01,800\nwhat a day\n\n2\n00:00:02,000 --> 00:00:03,900\nlovely\n"


@pytest.fixture
def talk(road):
    """A video of the sample corpus, of half a minute, as talks/talk.mp4."""
    videos = sorted((road.folder / "data/raw/sample/Raw/Videos/Full/Combined").iterdir())
    (road.folder / "talks").mkdir()
    largest = max(videos, key=lambda path: path.stat().st_size)
    return shutil.copy(largest, road.folder / "talks" / "talk.mp4")


def test_every_file_of_one_recording(run, road, talk):
    wanted = {
        "--json": "o/all.json",
        "--csv": "o/all.csv",
        "--timeline": "o/time.svg",
        "--subtitles": "o/talk.vtt",
        "--annotated": "o/talk.mp4",
    }
    (road.folder / "talks/talk.srt").write_text(SRT)
    done = run("predict talks/talk.mp4", *(word for pair in wanted.items() for word in pair))
    assert done.code == 0, done.err
    assert "talks/talk.mp4: 2 utterances, cut at its subtitles" in done.out
    assert all(f"wrote {name}" in done.out for name in wanted.values())
    (recording,) = json.loads((road.folder / "o/all.json").read_text())["recordings"]
    first, second = recording["utterances"]
    assert (first["start"], first["end"], first["transcript"]) == (0.2, 1.8, "what a day")
    assert first["used"] == ["audio", "text", "visual"]
    assert set(first["without"]) == {"audio", "text", "visual"}
    assert second["mattered_most"] in second["used"]
    rows = list(csv.DictReader((road.folder / "o/all.csv").open()))
    assert [float(r["score"]) for r in rows] == pytest.approx(
        [u["values"]["score"] for u in recording["utterances"]], abs=1e-4
    )
    assert (road.folder / "o/time.svg").read_text().startswith("<svg")
    assert "lovely" in (road.folder / "o/talk.vtt").read_text()
    before, after = (
        read_frames(road.folder / p, frames_per_second=1) for p in (talk, "o/talk.mp4")
    )
    assert after.frames.shape[1] > before.frames.shape[1]
    assert media_duration(road.folder / "o/talk.mp4") == pytest.approx(
        media_duration(talk), abs=0.2
    )
    assert not list(road.folder.rglob("*.partial"))


def test_a_folder_with_one_bad_file(run, road, talk):
    (road.folder / "talks/bad.mp4").write_bytes(b"nothing")
    write_clip(road.folder / "talks/short.mp4")
    done = run("predict talks gone.wav --csv -")
    assert done.code == 0, done.err
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert len({row["file"] for row in rows}) == 2 and len(rows) > 3
    bad, gone = done.err.splitlines()
    assert bad.startswith("skipped: talks/bad.mp4: found nothing to predict from (audio: ")
    assert gone.startswith("skipped: gone.wav: found no such file")


def test_one_dialogue_is_seen_as_one(run, road, talk):
    """Each utterance alone is predicted otherwise than beside the others."""
    (road.folder / "t.csv").write_text(
        "path,start,end,transcript,dialogue\n"
        "talks/talk.mp4,0:01,0:04,well,d\ntalks/talk.mp4,0:05,0:09,lovely,d\n"
    )
    (road.folder / "u.csv").write_text(
        "path,start,end,transcript,dialogue\n"
        "talks/talk.mp4,0:01,0:04,well,d\ntalks/talk.mp4,0:05,0:09,lovely,e\n"
    )

    def scores(table):
        recordings = json.loads(run(f"predict {table} --json -").out)["recordings"]
        return [u["values"]["score"] for r in recordings for u in r["utterances"]]

    together, apart = scores("t.csv"), scores("u.csv")
    assert len(together) == len(apart) == 2
    assert together != pytest.approx(apart, abs=1e-6)


def test_nothing_in_any_of_them(run, road):
    for name in ("a.mp4", "b.wav"):
        (road.folder / name).write_bytes(b"nothing")
    done = run("predict a.mp4 b.wav --json out.json")
    assert (done.code, done.out) == (1, "")
    *skipped, error = done.err.splitlines()
    assert len(skipped) == 2 and all(line.startswith("skipped: ") for line in skipped)
    assert error.startswith("error: recordings: found nothing to predict from in any of 2")
    assert not (road.folder / "out.json").exists()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("predict empty", "empty: found no audio or video file"),
        ("predict gone.mp4", "gone.mp4: found no such file"),
        ("predict clip.mp4", "clip.srt: found bytes in line 3 that are not UTF-8 text"),
        ("predict clip.mp4 --without text --asr x/y", "--asr: found --without text beside it"),
        ("predict clip.mp4 --without a", "modality: found 'a'"),
        ("predict clip.mp4 clip.srt --transcript hi", "--transcript: found beside 2 paths"),
        ("predict clip.mp4 --timeline x.png", "--timeline: found x.png"),
        ("predict clip.wav --annotated x.mp4", "clip.wav: no video track"),
        ("predict clip.mp4 --annotated clip.mp4", "clip.mp4, which is read"),
        ("predict clip.mp4 --model empty", "empty: found no bundle.json"),
        ("predict clip.wav --asr empty", "empty: found a folder that does not load"),
        (
            "predict clip.mp4 --without text --without audio --without visual",
            "--without: found all three",
        ),
    ],
)
def test_an_error_is_one_line(run, road, line, said):
    write_clip(road.folder / "clip.mp4")
    write_clip(road.folder / "clip.wav", video=None, audio="pcm_s16le")
    (road.folder / "clip.srt").write_bytes(b"1\n00:00:00,000 --> 00:00:01,000\nsch\xf6n\n")
    (road.folder / "empty").mkdir()
    (road.folder / "empty/notes.txt").write_text("no media")
    if "clip.wav" in line:
        (road.folder / "clip.srt").unlink()
    done = run(line)
    assert (done.code, done.out) == (1, "")
    (told,) = done.err.splitlines()
    assert told.startswith("error: ") and said in told


def test_words_in_a_wrong_encoding_can_be_left_out(run, road):
    write_clip(road.folder / "clip.mp4")
    (road.folder / "clip.txt").write_bytes("schön".encode("latin-1"))
    done = run("predict clip.mp4 --without text")
    assert done.code == 0 and "not used: text (left out by --without)" in done.out


def test_without_speech_a_long_silent_video_is_cut_evenly(run, road):
    write_clip(road.folder / "silent.mp4", seconds=16.0, audio=None)
    done = run("predict silent.mp4 --transcript hello")
    assert done.code == 0, done.err
    done = run("predict silent.mp4")
    assert done.code == 1 and "visual: no face in" in done.err


def test_speech_recognition_gives_words(run, road, monkeypatch):
    from mculora.inference import speech_recognition

    class Hearing:
        name = "tiny (1)"

        def __init__(self, model, *, device):
            assert model == "owner/name@1"

        def with_words(self, utterance):
            return speech_recognition.replace(utterance, transcript="what a lovely day")

    monkeypatch.setattr("pipeline.predict.SpeechRecognition", Hearing)
    write_clip(road.folder / "clip.mp4")
    done = run("predict clip.mp4 --asr owner/name@1 --json -")
    content = json.loads(done.out)
    assert content["speech_recognition"] == "tiny (1)"
    (utterance,) = content["recordings"][0]["utterances"]
    assert utterance["transcript"] == "what a lovely day" and "text" in utterance["used"]
