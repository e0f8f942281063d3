"""Does it rank the combinations, and do adapters pay? Human votes, official splits, test read once.

Run: python benchmarks/votes.py cremad_votes.npz [--seeds 5] [--hidden 256]...
Every method with every seed; validation chooses the epoch, test reports. Several `--hidden` show
how much of a difference is the size of the shared network.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, stdev

from corpora import VotesCorpus
from harness import Bench, Judged, combination_words, main_of, named, network

from mculora.evaluation.comparison import Comparison, compare

BASELINES = ["joint", "dropout", "specialists"]
ABLATIONS = ["specific", "orthogonality", "dpft", "weight_mlp", "stage_one"]
METHODS = ["mculora", *BASELINES, *(f"without_{name}" for name in ABLATIONS)]


@dataclass(frozen=True)
class Job:
    """All methods with one seed."""

    path: Path
    seed: int
    hidden: int | None


def main() -> None:
    """Print a table per size of the network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("path", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--hidden", type=int, action="append")
    chosen = parser.parse_args()
    for hidden in chosen.hidden or [None]:
        jobs = [Job(chosen.path, seed, hidden) for seed in range(chosen.seeds)]
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            by_seed = list(pool.map(run_job, jobs))
        size = "the default size" if hidden is None else f"hidden {hidden}"
        print(f"\naccuracy on test, {chosen.seeds} seeds, {size}\n")
        words = list(combination_words())
        print(f"| method | {' | '.join(words)} | mean | validation | mculora minus it, 95 % |")
        print(f"| --- |{' ---: |' * (len(words) + 3)}")
        for place, name in enumerate(METHODS):
            print(table_row(name, [s[place] for s in by_seed], [s[0] for s in by_seed]), flush=True)


def run_job(job: Job) -> list[Judged]:
    """Train every method with one seed."""
    corpus = VotesCorpus(job.path)
    bench = Bench(corpus, corpus.official(), seed=job.seed)
    ours = main_of(corpus)
    if job.hidden is not None:
        ours = network(hidden=job.hidden)(ours)
    variants = [ours, *(named(name)(ours) for name in METHODS[1:])]
    return [bench.run(method) for method in variants]


def table_row(name: str, row: Sequence[Judged], ours: Sequence[Judged]) -> str:
    """One line: a mean per combination, the mean of all with its spread, and the difference."""
    cells = [f"{fmean(r.by_combination[word] for r in row):.3f}" for word in combination_words()]
    judged = [r.judged for r in row]
    spread = f" ± {stdev(judged):.4f}" if len(judged) > 1 else ""
    cells += [f"{fmean(judged):.4f}{spread}", f"{fmean(r.validation for r in row):.4f}"]
    return f"| {name} | {' | '.join(cells)} | {difference(row, ours)} |"


def difference(row: Sequence[Judged], ours: Sequence[Judged]) -> str:
    """How far ours is ahead, seed by seed."""
    if row is ours or row == ours:
        return ""
    first, second = ({s: [run.judged] for s, run in enumerate(runs)} for runs in (ours, row))
    gain: Comparison | None = compare(first, second)
    if gain is None or gain.low is None:
        return ""
    return f"{gain.difference:+.4f} ({gain.low:+.4f} to {gain.high:+.4f})"


if __name__ == "__main__":
    main()
