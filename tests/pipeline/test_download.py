"""Stage `download`: makes the sample, or brings and links what params.yaml names."""

import pytest
import yaml

from pipeline import download
from pipeline.layout import DOWNLOADS
from pipeline.params import PARAMS

PROJECT = PARAMS.resolve().parent


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with params.yaml; returns a function that changes its top-level keys."""
    content = yaml.safe_load((PROJECT / PARAMS).read_text())

    def change(**values):
        (tmp_path / PARAMS).write_text(yaml.safe_dump({**content, **values}))

    monkeypatch.chdir(tmp_path)
    return change


@pytest.mark.slow
def test_sample_is_made(project, tmp_path, capsys):
    project(sample={"seed": 3, "num_videos": 12})
    download.run(DOWNLOADS)
    output = capsys.readouterr().out
    assert "download: reads params.yaml (seed 3)" in output
    assert "wrote data/raw/sample (11 videos; " in output
    raw = tmp_path / "data/raw/sample"
    videos = sorted((raw / "Raw/Videos/Full/Combined").iterdir())
    assert len(videos) == 11
    assert sorted(path.name for path in raw.iterdir()) == ["Raw", "cmu_mosei_std_folds.py"]
