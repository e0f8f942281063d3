"""The table of a training under way: whole at every moment, and no part of what comes out."""

import csv
import time

import pytest

from mculora.model.network import NetworkConfig
from mculora.training.data import TrainingConfig
from mculora.training.methods import compared_methods, main_method
from pipeline.training.account import HISTORY_COLUMNS
from pipeline.training.jobs import plan_jobs
from pipeline.training.kept import Kept
from pipeline.training.live import live_table, table_of_all

MAIN = main_method(NetworkConfig((3, 4, 5), 1), TrainingConfig())
PLAN = plan_jobs(compared_methods(MAIN, baselines=["joint"]), folds=["official"], seeds=[0, 1])


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "digest")


def tell(kept, job, num_epochs):
    key = {"method": job.trained.name, "seed": job.seed, "fold": job.fold}
    history = [{**key, "epoch": n, "validation_mean": 0.5} for n in range(num_epochs)]
    kept.write_account(job, {"history": history, "conflict": []})


def rows(text):
    return list(csv.DictReader(text.splitlines()))


def test_it_has_what_has_begun_in_the_plans_order(kept):
    assert table_of_all(PLAN, kept) == ",".join(HISTORY_COLUMNS) + "\n"
    for job, num_epochs in ((PLAN.networks[2], 1), (PLAN.networks[1], 2)):
        tell(kept, job, num_epochs)
    kept.folder.joinpath("mculora", "seed-0-official.json").write_text('{"history": [')
    told = [(row["method"], row["seed"], row["epoch"]) for row in rows(table_of_all(PLAN, kept))]
    assert told == [("joint", "0", "0"), ("joint", "0", "1"), ("mculora", "1", "0")]


def test_it_follows_the_training_and_ends_with_it(kept, tmp_path):
    path = tmp_path / "live.csv"
    with live_table(path, PLAN, kept, every_seconds=0.01):
        for num_epochs in (1, 2):
            tell(kept, PLAN.networks[0], num_epochs)
            end = time.monotonic() + 30
            while not path.exists() or len(rows(path.read_text())) < num_epochs:
                assert time.monotonic() < end
                time.sleep(0.005)
    path.unlink()
    tell(kept, PLAN.networks[0], 3)
    time.sleep(0.05)
    assert not path.exists()


def test_an_error_of_the_training_passes(kept, tmp_path):
    with pytest.raises(KeyboardInterrupt), live_table(tmp_path / "live.csv", PLAN, kept):
        raise KeyboardInterrupt
