"""What is kept of unfinished work is found again by who would do the very same, and nobody else."""

from dataclasses import replace

import pytest
import torch

from mculora.modality import Modality
from mculora.model.network import NetworkConfig
from mculora.training.data import TrainingConfig
from mculora.training.methods import main_method
from pipeline.device import Computing
from pipeline.inputs import read_inputs
from pipeline.layout import Layout
from pipeline.params import read_params
from pipeline.recipe import comparison
from pipeline.training import kept
from pipeline.training.jobs import plan_jobs
from pipeline.training.kept import Kept, kept_work

pytestmark = pytest.mark.slow
MAIN = main_method(NetworkConfig((3, 4, 5), 1), TrainingConfig())
CPU = Computing(torch.device("cpu"))


def folder(computing=CPU):
    """Where this project folder's unfinished work would be."""
    layout, params = Layout("sample"), read_params()
    inputs = read_inputs(layout)
    main = comparison(params, widths=inputs.widths, outputs=inputs.outputs).methods[0]
    return kept_work(layout, main, inputs, computing).folder


def test_the_same_is_found_again_and_more_of_it_is_no_change(road):
    before = folder()
    assert folder() == before
    assert before.parent == Layout("sample").unfinished
    road.change(num_seeds=9, seed=3, train={"ranks": [1], "baselines": [], "ablations": ["dpft"]})
    assert folder() == before


def of_params(road):
    road.change(train={"learning_rate": 0.0123})


def of_rank(road):
    road.change(rank=3)


def of_features(road):
    path = Layout("sample").features(Modality.TEXT) / "index.json"
    first, _, body = path.read_text().partition("\n")
    path.write_text(f"{first} \n{body}")


def of_folds(road):
    path = Layout("sample").folds
    path.write_text(path.read_text() + " ")


@pytest.mark.parametrize("change", [of_params, of_rank, of_features, of_folds])
def test_whatever_decides_a_number_begins_anew(road, change):
    before = folder()
    change(road)
    assert folder() != before


def test_other_code_begins_anew(road, monkeypatch, tmp_path):
    before = folder()
    path = tmp_path / "more.py"
    path.write_text("LEARNING_RATE = 1\n")
    code = kept._code()
    assert {p.name for p in code} >= {"trainer.py", "metrics.py", "recipe.py", "worker.py"}
    monkeypatch.setattr(kept, "_code", lambda: [*code, path])
    other = folder()
    assert other != before
    path.write_text("LEARNING_RATE = 2\n")
    assert folder() not in (before, other)


def test_other_libraries_and_another_device_begin_anew(road, monkeypatch):
    folders = {folder(), folder(Computing(torch.device("cuda")))}
    folders.add(folder(Computing(torch.device("cuda"), is_deterministic=True)))
    monkeypatch.setattr(kept, "version", lambda name: "0.1")
    folders.add(folder())
    assert len(folders) == 4


def test_a_job_is_done_when_its_weights_are_there(tmp_path):
    plan = plan_jobs([MAIN], folds=["a.b"], seeds=[0])
    work, (job,) = Kept(tmp_path), plan.networks
    assert not work.is_done(job) and not work.is_begun(job)
    work.resume_file(job).write({"epoch": 1})
    assert work.is_begun(job)
    work.write_account(job, {"history": []})
    assert work.account(job) == {"history": []} and not work.is_done(job)
    work.weights(job).write_bytes(b"")
    assert work.is_done(job) and not work.is_begun(job)
    paths = {work.weights(job), work.resume_file(job).path}
    other = replace(job, fold="a.c")
    assert not paths & {work.weights(other), work.resume_file(other).path}
