"""What is said while training: a line per network or, of many, a line per seed and fold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from statistics import fmean

from mculora.training.methods import Group
from pipeline.training.account import line_of, selected_row
from pipeline.training.jobs import Job, NetworkJob, Plan
from pipeline.training.kept import Kept

MOST_LINES = 40
"""More networks than this are not told one by one."""


def what_was_done(plan: Plan, kept: Kept) -> str:
    """What an earlier run has left to go on with; nothing if there is nothing."""
    num_done = sum(kept.is_done(job) for job in plan.jobs)
    num_begun = sum(kept.is_begun(job) for job in plan.jobs)
    if not num_done and not num_begun:
        return ""
    begun = f", {num_begun} begun" if num_begun else ""
    return f"goes on: {num_done} of {len(plan.jobs)} trainings were done already{begun}"


class Teller:
    """Knows what is worth a line when a job is done.

    Args:
        plan: All jobs.
        kept: What is done of them so far.
    """

    def __init__(self, plan: Plan, kept: Kept) -> None:
        self._plan, self._kept = plan, kept
        self._left = Counter(_run(job) for job in plan.networks if not kept.is_done(job))

    def lines(self, job: Job) -> Iterator[str]:
        """What to say now that a job is done."""
        if not isinstance(job, NetworkJob):
            return
        if len(self._plan.networks) <= MOST_LINES:
            yield line_of(job, self._kept.account(job))
            return
        self._left[_run(job)] -= 1
        if not self._left[_run(job)]:
            yield self._run_line([j for j in self._plan.networks if _run(j) == _run(job)])

    def _run_line(self, jobs: Sequence[NetworkJob]) -> str:
        """The validation scores of one seed on one fold, of what is not merely a variant of ours.

        A specialised method has the mean of its networks.
        """
        scores: dict[str, list[float]] = {}
        for job in jobs:
            best = selected_row(self._kept.account(job))
            if best is not None and job.method.group in (Group.MAIN, Group.BASELINE):
                scores.setdefault(job.method.name, []).append(best["validation_mean"])
        told = ", ".join(f"{method} {fmean(values):.4f}" for method, values in scores.items())
        return f"seed {jobs[0].seed}, fold {jobs[0].fold}: {len(jobs)} networks; validation {told}"


def _run(job: NetworkJob) -> tuple[str, int]:
    return job.fold, job.seed
