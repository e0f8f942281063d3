"""What a user types and sees: mistakes are one line and a failing exit code, never a traceback."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import cli

PROJECT = Path(__file__).parents[2]
STAGES = ["prepare", "extract --modality audio", "split", "train", "evaluate", "report"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    shutil.copy(PROJECT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(line, monkeypatch):
    """Run one command as the installed script does; return its exit code."""
    monkeypatch.setattr(sys, "argv", ["mculora", *line.split()])
    try:
        cli.main()
    except SystemExit as stop:
        return stop.code or 0
    return 0


@pytest.mark.parametrize("line", STAGES)
def test_stage_before_its_input_names_the_command(line, folder, monkeypatch, capsys):
    assert run(line, monkeypatch) == 1
    shown = capsys.readouterr()
    (message,) = shown.err.splitlines()
    assert message.startswith("error: ")
    assert "run `mculora " in message
    assert shown.out == ""
    assert [path.name for path in folder.iterdir()] == ["params.yaml"]


@pytest.mark.parametrize("line", ["download", *STAGES])
def test_stage_with_wrong_params_names_the_key(line, folder, monkeypatch, capsys):
    path = folder / "params.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("rank: 8", "rank: -8"), encoding="utf-8")
    assert run(line, monkeypatch) == 1
    (message,) = capsys.readouterr().err.splitlines()
    assert "key rank: found -8" in message
    assert [path.name for path in folder.iterdir()] == ["params.yaml"]


def test_outside_the_project(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("prepare", monkeypatch) == 1
    (message,) = capsys.readouterr().err.splitlines()
    assert "params.yaml: found nothing" in message


@pytest.mark.parametrize("line", ["extract --modality smell", "predict clip.mp4 --without smell"])
def test_unknown_modality_is_one_line(line, folder, monkeypatch, capsys):
    assert run(line, monkeypatch) == 1
    expected = "error: modality: found 'smell', expected audio, text or visual\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("line", ["extract", "fly", "split --fast", "train --workers 0"])
def test_what_cannot_be_typed(line, folder, monkeypatch, capsys):
    assert run(line, monkeypatch) == 2
    message = capsys.readouterr().err
    assert "Error: " in message
    assert "Traceback" not in message


def test_dataset_without_its_files(folder, monkeypatch, capsys):
    path = folder / "params.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("dataset: sample", "dataset: iemocap4"), encoding="utf-8")
    assert run("download", monkeypatch) == 1
    (message,) = capsys.readouterr().err.splitlines()
    assert "sources.iemocap4.raw.at" in message and "sail.usc.edu/iemocap" in message


def test_help_lists_the_stages_in_flow_order(monkeypatch, capsys):
    assert run("--help", monkeypatch) == 0
    text = capsys.readouterr().out
    stages = ["download", "prepare", "extract", "split", "train", "evaluate", "report", "predict"]
    places = [text.index(f"\n  {stage} ") for stage in stages]
    assert places == sorted(places)


def test_help_of_train_says_what_changes_no_number(monkeypatch, capsys):
    assert run("train --help", monkeypatch) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "they change the wait only" in text
    assert "a CPU always gives them" in text


def test_help_needs_nothing_heavy():
    heavy = "{'torch', 'transformers', 'numpy', 'cv2', 'av', 'decord', 'matplotlib', 'dvc'}"
    script = (
        "import sys; from pipeline.cli import app; app(['--help'], standalone_mode=False); "
        f"sys.exit(', '.join({heavy} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_real_process_shows_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "prepare"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
