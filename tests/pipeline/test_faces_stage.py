"""Stage `faces`, on somebody's own clips: two with a face, one without, one that broke."""

import csv
from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from clips import write_own_clips
from small_corpora import write_params

from mculora.corpora.manifest import read_manifest, write_manifest
from mculora.errors import InputError
from pipeline import download, faces, prepare


def write_wall(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        wall = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 90, np.uint8), format="rgb24")
        for _ in range(20):
            container.mux(stream.encode(wall))
        container.mux(stream.encode())


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    table = write_own_clips(tmp_path / "my", num_speakers=2)
    with table.open("a", encoding="utf-8", newline="") as file:
        for name in ("wall", "breaks"):
            write_wall(table.parent / f"media files/{name}.mp4")
            csv.writer(file).writerow([f"media files/{name}.mp4", "", "", "", name, "low"])
    sources = {"clips": {"table": {"at": str(table)}}}
    write_params(tmp_path, sources=sources, dataset="clips")
    download.run(Path("data/downloads"))
    prepare.run()
    (table.parent / "media files/breaks.mp4").write_bytes(b"")
    return tmp_path


def test_sheets_show_every_chosen_utterance(project, monkeypatch, capsys):
    rows = []
    real = faces.contact_sheet
    monkeypatch.setattr(
        faces, "contact_sheet", lambda page, **how: rows.append(page) or real(page, **how)
    )
    monkeypatch.setattr(faces, "_ROWS", 3)
    (project / "sheets").mkdir()
    (project / "sheets/faces-009.png").touch()
    (project / "sheets/mine.png").touch()
    faces.run(project / "sheets", count=40)
    names = sorted(path.name for path in (project / "sheets").iterdir())
    assert names == ["faces-001.png", "faces-002.png", "faces-003.png", "mine.png"]
    assert [len(page) for page in rows] == [3, 3, 1]
    titles = {row.title: len(row.pictures) for page in rows for row in page}
    assert titles["wall_1: no face in 8 frames"] == 12
    assert titles["breaks_1: zero bytes"] == 0
    assert sum(title.endswith(": 4 of 4 frames") for title in titles) == 4
    assert titles["silent_1: 8 of 8 frames"] == 8
    page = cv2.imread(str(project / "sheets/faces-001.png"))
    assert page.shape[1] == 4 + 12 * 100
    closing = capsys.readouterr().out.splitlines()[-1]
    for part in ("3 pages", "5 of 7 utterances with a face by haar", "1 no face", "1 zero bytes"):
        assert part in closing


def test_utterances_are_spread_over_the_corpus(project, capsys):
    faces.run(Path("sheets"), count=2)
    assert "of 2 utterances" in capsys.readouterr().out


def test_a_corpus_without_video_is_an_error(project):
    folder = project / "data/corpus/clips"
    corpus = read_manifest(folder)
    heard = tuple(replace(u, video_path=None) for u in corpus.utterances)
    write_manifest(folder, replace(corpus, utterances=heard))
    with pytest.raises(InputError, match="found no video"):
        faces.run(Path("sheets"), count=2)
    assert not Path("sheets").exists()
