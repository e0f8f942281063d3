"""One run of the whole road on a small sample corpus, made once and copied for each test."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import pytest
import yaml

from pipeline import cli

PROJECT = Path(__file__).parents[2]
ROAD = [
    *("download", "prepare", "extract --modality audio", "extract --modality text"),
    *("extract --modality visual", "split", "train", "evaluate", "report"),
]
SMALL = {
    "missing_rates": [0.0, 0.5],
    "model": {"hidden": 16, "depth": 1},
    "train": {"encoder_epochs": 2, "epochs": 3, "patience": 3},
}
"""Parameters of a network that trains in seconds."""


@dataclass(frozen=True)
class Finished:
    """How one command ended."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Road:
    """A project folder in which every stage has run."""

    folder: Path
    shown: dict

    def change(self, **values):
        """Change keys of params.yaml; a dict changes keys inside."""
        path = self.folder / "params.yaml"
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        sources = {**content["sources"], **values.pop("sources", {})}  # each as it is given
        content = merged({**content, "sources": sources}, values)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")

    def files(self):
        """Every file below the folder with its bytes."""
        return {
            path.relative_to(self.folder): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }


def merged(content, changes, depth=2):
    """Nested keys and values with some of them changed; below `depth` whole values change."""
    return content | {
        key: merged(content[key], value, depth - 1) if isinstance(value, dict) and depth else value
        for key, value in changes.items()
    }


def run_process(line, folder):
    """Run one command as a user does: a process of its own in `folder`."""
    done = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", *line.split()],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def finished_road(tmp_path_factory):
    """All commands from nothing to the report, with a small network and two seeds."""
    road = Road(tmp_path_factory.mktemp("road"), {})
    shutil.copy(PROJECT / "params.yaml", road.folder)
    road.change(**SMALL, num_seeds=2, sample={"num_videos": 12})
    for line in ROAD:
        done = run_process(line, road.folder)
        assert (done.code, done.err) == (0, ""), done
        road.shown[line] = done.out
    return road


@pytest.fixture
def road(finished_road, tmp_path, monkeypatch):
    """A copy of the finished road to spoil; the current folder."""
    folder = tmp_path / "road"
    shutil.copytree(finished_road.folder, folder)
    monkeypatch.chdir(folder)
    return Road(folder, finished_road.shown)


@pytest.fixture
def run(monkeypatch, capsys):
    """Run one command in this process, as the installed script does."""

    def run_here(line, *more):
        monkeypatch.setattr(sys, "argv", ["mculora", *line.split(), *map(str, more)])
        capsys.readouterr()
        code = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        shown = capsys.readouterr()
        return Finished(code, shown.out, shown.err)

    return run_here


@pytest.fixture
def same_torch_after():
    """Undo what a training process sets for itself: sums depend on the number of threads."""
    import torch

    threads, is_strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(is_strict)


@pytest.fixture
def train_here(same_torch_after):
    """Train all of a plan in this process; give the content of every file that comes of it."""
    import torch

    from pipeline.device import Computing
    from pipeline.layout import Layout
    from pipeline.training.kept import Kept
    from pipeline.training.worker import Worker, Workplace

    def train(plan, folder):
        kept = Kept(folder)
        worker = Worker(Workplace(Layout("sample"), kept, Computing(torch.device("cpu"))))
        for job in plan.jobs:
            worker.run(job)
        return {job.name: kept.weights(job).read_bytes() for job in plan.jobs}

    return train


@pytest.fixture
def travel(tmp_path, monkeypatch, run, same_torch_after):
    """Run all commands in a new project folder, the current one; training starts no process."""
    from pipeline.training.worker import Worker

    def run_here(phases, workplace, num_workers):
        return map(Worker(workplace).run, chain.from_iterable(phases))

    folder = tmp_path / "project"
    folder.mkdir()
    shutil.copy(PROJECT / "params.yaml", folder)
    monkeypatch.chdir(folder)
    monkeypatch.setattr("pipeline.train.run_jobs", run_here)

    def travel_here(**values):
        road = Road(folder, {})
        road.change(**SMALL, num_seeds=1, **values)
        road.change(train={"baselines": ["dropout", "specialists"], "ablations": [], "ranks": []})
        for line in ROAD:
            done = run(line)
            assert (done.code, done.err) == (0, ""), done
            road.shown[line] = done.out
        return road

    return travel_here
