"""`mculora compare`: experiments in folders and revisions, and what cannot be compared."""

import contextlib
import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from two_classes import alternating, two_class_record

from mculora.evaluation.predicted import write_predictions
from mculora.modality import ModalityCombination
from pipeline import cli
from pipeline.layout import Layout

NUM = 12
COMBINATIONS = [c.word for c in ModalityCombination]


def record(*, num_wrong=3, seeds=(0, 1)):
    """Of the first method, so many are wrong; the second is always right."""
    labels = alternating(NUM)
    right = torch.nn.functional.one_hot(labels, 2).float().repeat(len(seeds), 7, 1, 1)
    wrong = right.clone()
    wrong[:, :, :num_wrong] = wrong[:, :, :num_wrong].flip(3)
    return replace(two_class_record({"mculora": wrong, "dropout": right}), seeds=seeds)


def compare(line, monkeypatch, capsys):
    """Run the command; what it printed, and what it said went wrong."""
    monkeypatch.setattr(sys, "argv", ["mculora", "compare", *line.split()])
    with contextlib.suppress(SystemExit):
        cli.main()
    return capsys.readouterr()


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with an experiment, in which the command runs."""
    monkeypatch.chdir(tmp_path)
    write_predictions(Layout("").predictions, record())
    return tmp_path


def test_two_folders_and_the_workspace(here, monkeypatch, capsys):
    for experiment, num_wrong in (("better", 1), ("worse", 6)):
        write_predictions(Layout("", here / experiment).predictions, record(num_wrong=num_wrong))
    lines = compare("better worse --json c.json", monkeypatch, capsys).out.splitlines()
    assert lines[0] == "compare: A is mculora of better, B is mculora of worse"
    assert lines[1] == "wa of 12 test utterances, 2 seeds"
    assert lines[3].split()[:4] == ["atv", "0.9167", "0.5000", "+0.4167"]
    assert [line.split()[0] for line in lines[3:11]] == [*COMBINATIONS, "mean"]
    content = json.loads((here / "c.json").read_text())
    assert content["mean_of_combinations"]["difference"] == pytest.approx(5 / 12)
    assert content["conditions"]["tv"]["num_ahead"] == 2
    assert content["bootstrap"]["resampled"] == "utterances"  # no manifest is at hand
    for name in ("workspace", "."):
        (line,) = [
            line for line in compare(f"{name} worse", monkeypatch, capsys).out.splitlines()
            if line.startswith("mean")
        ]  # fmt: skip
        assert "+0.2500" in line


def test_methods_and_metrics_are_chosen(here, monkeypatch, capsys):
    shown = compare(". . --method mculora --method dropout --metric ua", monkeypatch, capsys).out
    assert "A is mculora of ., B is dropout of ." in shown
    assert "ua of 12" in shown
    assert "-0.2500" in shown
    both = compare(". . --method dropout", monkeypatch, capsys).out
    assert "A is dropout of ., B is dropout of ." in both


def test_a_revision_is_read_from_git_and_dvc(here, monkeypatch, capsys):
    for line in ("git init -q", "dvc init -q", "git add -f results/predictions.safetensors"):
        subprocess.run(line.split(), check=True)
    identity = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run(["git", *identity, "commit", "-q", "-m", "before"], check=True)
    write_predictions(Layout("").predictions, record(num_wrong=0))
    assert "+0.2500" in compare("workspace HEAD", monkeypatch, capsys).out
    subprocess.run(["git", "rm", "-q", "-f", "results/predictions.safetensors"], check=True)
    subprocess.run(["git", *identity, "commit", "-q", "-m", "after"], check=True)
    refusals = {"HEAD": "HEAD: results/predictions.safetensors: found nothing", "exp": "exp: found"}
    for name, said in refusals.items():
        (error,) = compare(f"{name} HEAD~1", monkeypatch, capsys).err.splitlines()
        assert error.startswith(f"error: {said}")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (". nowhere", "nowhere: results/predictions.safetensors: found nothing"),
        (". empty", "empty/results/predictions.safetensors: found nothing"),
        (". other", "different labels of u0"),
        (". . --metric f1", "one of wa, ua, weighted_f1"),
        (". . --method joint", "method: found joint, expected mculora, dropout"),
        (". . --method a --method b --method c", "one for both, or one of each"),
    ],
)
def test_what_cannot_be_compared_is_one_line(here, monkeypatch, capsys, line, said):
    (here / "empty").mkdir()
    other = replace(record(), labels=1 - record().labels)
    write_predictions(Layout("", here / "other").predictions, other)
    shown = compare(line, monkeypatch, capsys)
    (error,) = shown.err.splitlines()
    assert said in error
    assert shown.out == ""
