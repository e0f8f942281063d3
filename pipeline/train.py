"""Stage `train`: features and folds -> checkpoints and their history; never a test utterance."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from pipeline.console import progress, say, stage
from pipeline.device import Computing, num_processes, pick_device
from pipeline.inputs import input_paths, read_inputs
from pipeline.layout import Layout
from pipeline.params import read_params
from pipeline.recipe import comparison, keeps_epochs
from pipeline.training.collecting import collect
from pipeline.training.jobs import Plan, plan_jobs
from pipeline.training.kept import kept_work
from pipeline.training.live import live_table
from pipeline.training.processes import run_jobs
from pipeline.training.telling import Teller, what_was_done
from pipeline.training.worker import Workplace


def run(*, device: str, workers: int | None = None, is_deterministic: bool = False) -> None:
    """Train every method with every seed on every fold, or what is left to do of that.

    Args:
        device: Where.
        workers: Processes, at most; None for as many as suit the device.
        is_deterministic: Whether CUDA is to give the same bits in every run.
    """
    params = read_params()
    layout = Layout(params.dataset)
    inputs = read_inputs(layout)
    compared = comparison(params, widths=inputs.widths, outputs=inputs.outputs)
    plan = plan_jobs(
        compared.methods,
        folds=[fold.name for fold in inputs.folds],
        seeds=params.seeds,
        keeping={m.name for m in compared.methods if keeps_epochs(params, m)},
    )
    computing = Computing(pick_device(device), is_deterministic)
    kept = kept_work(layout, compared.methods[0], inputs, computing)
    del inputs  # the processes read them themselves
    with stage("train", reads=input_paths(layout), writes=layout.models) as facts, _turn(layout):
        for name in compared.same_as_main:
            say(f"  {name} is {compared.methods[0].name} itself here, and not trained twice")
        with live_table(layout.live, plan, kept):
            num_workers = workers or num_processes(computing.device)
            _train(plan, Workplace(layout, kept, computing), num_workers)
        collect(layout, plan, kept)
        facts += [f"{len(compared.methods)} methods", f"{params.num_seeds} seeds"]


def _train(plan: Plan, workplace: Workplace, num_workers: int) -> None:
    """Do all jobs that are not done yet, and say how they went."""
    kept = workplace.kept
    if line := what_was_done(plan, kept):
        say(f"  {line}")
    phases = [[j for j in jobs if not kept.is_done(j)] for jobs in (plan.encoders, plan.networks)]
    teller = Teller(plan, kept)
    done = run_jobs(phases, workplace, num_workers)
    for job in progress(done, label="trainings", total=sum(map(len, phases))):
        for line in teller.lines(job):
            say(f"  {line}")


@contextmanager
def _turn(layout: Layout) -> Iterator[None]:
    """Wait for another training of the dataset in this folder."""
    layout.training_lock.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(layout.training_lock)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say("  waits for another training of this dataset")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
