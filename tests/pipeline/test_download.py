"""Stage `download`: makes the sample, finds a corpus in place, or says what to put where."""

import pytest
import yaml

from mculora.errors import InputError
from pipeline import download
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
    download.run()
    output = capsys.readouterr().out
    assert "download: reads params.yaml (seed 3)" in output
    assert "wrote data/raw/sample (11 videos; " in output
    raw = tmp_path / "data/raw/sample"
    videos = sorted((raw / "Raw/Videos/Full/Combined").iterdir())
    assert len(videos) == 11
    assert sorted(path.name for path in raw.iterdir()) == ["Raw", "cmu_mosei_std_folds.py"]


def test_mosei_that_is_not_there_says_what_to_put_where(project):
    project(dataset="mosei")
    with pytest.raises(InputError) as error:
        download.run()
    message = str(error.value)
    assert message.startswith("data/raw/mosei: found nothing, expected the unpacked CMU_MOSEI.zip")
    assert "\n" not in message and "dataset: sample" in message


def test_mosei_that_is_there_is_left_alone(project, tmp_path, capsys):
    project(dataset="mosei")
    transcripts = tmp_path / "data/raw/mosei/Raw/Transcript/Segmented/Combined"
    transcripts.mkdir(parents=True)
    download.run()
    assert "already there: Raw/Transcript/Segmented/Combined" in capsys.readouterr().out


def test_mosei_folder_without_transcripts_is_an_error(project, tmp_path):
    project(dataset="mosei")
    (tmp_path / "data/raw/mosei/Raw/Videos").mkdir(parents=True)
    with pytest.raises(InputError, match=r"found no Transcript/\*\*/Combined"):
        download.run()
