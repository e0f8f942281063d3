"""What is said while training, and what stands in its tables."""

import os

import pytest

from mculora.modality import ModalityCombination
from mculora.model.network import NetworkConfig
from mculora.training.data import TrainingConfig
from mculora.training.methods import compared_methods, main_method
from mculora.training.trainer import EpochRecord
from pipeline.layout import Layout
from pipeline.training.account import HISTORY_COLUMNS, account_of, table
from pipeline.training.collecting import collect
from pipeline.training.jobs import plan_jobs
from pipeline.training.kept import Kept
from pipeline.training.telling import Teller, what_was_done

MAIN = main_method(NetworkConfig((3, 4, 5), 1), TrainingConfig())
METHODS = compared_methods(MAIN, baselines=["specialists"], ranks=[2])


def record(epoch, score, *, is_selected=False, conflict=None):
    return EpochRecord(
        epoch=epoch,
        score=score,
        is_selected=is_selected,
        losses={"train_loss": 0.5, "task_loss": 0.25},
        validation={"atv": score},
        presence_probability=(0.5, 0.5, 0.5),
        combination_share=(1 / 7,) * 7,
        separability=(),
        conflict=conflict or {},
    )


RECORDS = [record(0, 0.5, is_selected=True), record(1, 0.75, is_selected=True), record(2, 0.25)]


@pytest.fixture
def work(tmp_path):
    return Kept(tmp_path / ".progress/sample/digest")


def finish(work, job, records=RECORDS):
    work.write_account(job, account_of(job, records) if hasattr(job, "trained") else {})
    work.weights(job).write_bytes(job.name.encode())


def test_few_networks_have_a_line_each(work):
    plan = plan_jobs(METHODS, folds=["official"], seeds=[0])
    teller = Teller(plan, work)
    said = []
    for job in plan.jobs:
        finish(work, job)
        said += teller.lines(job)
    assert len(said) == len(plan.networks) == 9
    assert said[0] == "mculora, seed 0, fold official: validation 0.7500 at epoch 1 of 3"
    assert said[1].startswith("specialists-atv, seed 0, ")


def test_of_many_networks_there_is_a_line_per_seed_and_fold(work):
    plan = plan_jobs(METHODS, folds=["Ses01", "Ses02"], seeds=range(3))
    teller = Teller(plan, work)
    said = []
    for job in reversed(plan.networks):  # in whatever order they are done
        finish(work, job)
        said += teller.lines(job)
    assert len(said) == 6
    told = "seed 0, fold Ses01: 9 networks; validation mculora 0.7500, specialists 0.7500"
    assert said[-1] == told


def test_what_was_done_before_is_told_once(work):
    plan = plan_jobs(METHODS, folds=["official"], seeds=range(5))
    assert what_was_done(plan, work) == ""
    for job in plan.jobs[:17]:
        finish(work, job)
    work.resume_file(plan.jobs[17]).write({})
    told = what_was_done(plan, work)
    assert told == "goes on: 17 of 60 trainings were done already, 1 begun"
    teller = Teller(plan, work)
    said = []
    for job in plan.jobs[17:]:
        finish(work, job)
        said += teller.lines(job)
    assert len(said) == 5  # the seed that was begun before has its line, too


def test_a_specialist_that_could_not_learn_says_so(work):
    plan = plan_jobs(METHODS, folds=["official"], seeds=[0])
    job = plan.networks[-2]
    finish(work, job, records=[])
    line = "specialists-v, seed 0, fold official: nothing to learn from"
    assert list(Teller(plan, work).lines(job)) == [line]


def test_rows_leave_empty_what_a_method_does_not_have():
    (job,) = plan_jobs([MAIN], folds=["official"], seeds=[7]).networks
    account = account_of(job, [record(0, 0.5, is_selected=True, conflict={("atv", "v"): -0.25})])
    header, row = table(HISTORY_COLUMNS, account["history"]).splitlines()
    cells = dict(zip(header.split(","), row.split(","), strict=True))
    assert (cells["validation_mean"], cells["is_selected"]) == ("0.500000", "1")
    assert cells["orthogonality_loss"] == cells["validation_v"] == cells["separability_a"] == ""
    (conflict,) = account["conflict"]
    assert (conflict["first"], conflict["second"], conflict["cosine"]) == ("atv", "v", -0.25)


@pytest.fixture
def finished(work, tmp_path):
    """All of a small plan is done: what is left is to collect it."""
    plan = plan_jobs(METHODS, folds=["official"], seeds=[0])
    for job in plan.jobs:
        finish(work, job)
    return Layout("sample", tmp_path), plan


def test_collecting_gives_everything_its_place_and_forgets_the_rest(finished, work):
    layout, plan = finished
    stale = layout.checkpoint("rank_4", 0, "official")
    stale.parent.mkdir(parents=True)
    for path in (stale, layout.models / "mculora.partial"):
        path.write_text("of an earlier training")
    collect(layout, plan, work)
    specialist = layout.checkpoint("specialists", 0, "official", ModalityCombination.TV)
    assert specialist.read_text() == "specialists-tv/seed-0-official"
    assert not layout.unfinished.exists()
    assert not stale.parent.exists()
    files = [path for path in layout.models.rglob("*") if path.is_file()]
    assert len(files) == len(plan.networks) + 2
    assert len(layout.history.read_text().splitlines()) == 1 + 3 * len(plan.networks)


@pytest.mark.parametrize("can_link", [True, False])
def test_collecting_can_be_broken_off_anywhere(finished, work, monkeypatch, can_link):
    """Each rename, the last ones of the tables included, may be the last that happens."""
    layout, plan = finished
    if not can_link:
        monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError("another disk")))
    real, allowed = os.replace, 0

    def replace(source, target):
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        real(source, target)

    monkeypatch.setattr("mculora.files.os.replace", replace)
    while True:
        left = allowed
        try:
            collect(layout, plan, work)
        except KeyboardInterrupt:
            assert all(work.is_done(job) for job in plan.jobs)
            allowed += 1
            continue
        break
    assert allowed == len(plan.networks) + 2
    assert layout.checkpoint("mculora", 0, "official").read_text() == "mculora/seed-0-official"
