"""Which defaults: variants on random draws from the sample corpus and from human votes.

Neither the shipped sample corpus nor the votes' test split takes part, so no test split decides
anything. Each draw gives every variant the same utterances to train by, to choose the epoch by and
to judge the result by; differences are paired.

Run: python benchmarks/defaults.py [--sample FOLDER] [--votes cremad_votes.npz] [--draws 5]
            [--variant NAME]... (all; the first is what the others are compared with)
FOLDER keeps the large sample corpus (300 videos: about four minutes on 2 cores), made if need be.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean

from corpora import BenchmarkCorpus, corpora
from harness import Bench, Judged, Variant, both, main_of, named, network, training

from mculora.evaluation.comparison import compare
from mculora.training.combination_sampling import DPFTForm

VARIANTS: dict[str, Variant] = {
    "dropout": named("dropout"),  # the baseline that all are compared with
    "joint": named("joint"),
    "specialists": named("specialists"),
    "default": network(),
    "specific: with_base": network(specific="with_base"),
    "specific: none": named("without_specific"),
    "adapters: every_layer": network(adapters="every_layer"),
    "adapter_alpha: 8": network(adapter_alpha=8.0),
    "rank: 1": network(rank=1),
    "rank: 4": network(rank=4),
    "weight_mlp: false": network(weight_mlp=False),
    "freeze_encoders: false": training(freeze_encoders=False),
    "without stage one": named("without_stage_one"),
    "dpft: symmetric": training(dpft=DPFTForm.SYMMETRIC),
    "dpft: off": training(dpft=DPFTForm.OFF),
    "no L_ort": named("without_orthogonality"),
    "separation_weight: 0": training(separation_weight=0.0),
    "keep_weight: 0": training(keep_weight=0.0),
    "average_decay: 0": training(average_decay=0.0),
    "smoothing_epochs: 1": training(smoothing_epochs=1),
    "hidden: 16": network(hidden=16),
    "dropout, hidden: 16": both(network(hidden=16), named("dropout")),
    "hidden: 64": network(hidden=64),
    "dropout, hidden: 64": both(network(hidden=64), named("dropout")),
    "hidden: 256, depth: 4": network(hidden=256, depth=4),
    "dropout, hidden: 256, depth: 4": both(network(hidden=256, depth=4), named("dropout")),
}


@dataclass(frozen=True)
class Job:
    """All variants on one draw, in one process: they share stage one."""

    corpus: BenchmarkCorpus
    draw: int
    names: Sequence[str]


def main() -> None:
    """Train every variant on every draw and print a table per corpus."""
    chosen = read_arguments()
    names = chosen.names or list(VARIANTS)
    for corpus in corpora(chosen.sample, chosen.votes):
        corpus.draw(0)  # makes it where it is missing
        jobs = [Job(corpus, draw, names) for draw in range(chosen.draws)]
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            by_draw = list(pool.map(run_job, jobs))
        print(f"\n{corpus.name}, {chosen.draws} draws\n")
        print("| variant | epochs | validation | judged | against the first | 95 % | ahead |")
        print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
        for place, name in enumerate(names):
            print(table_row(name, [d[place] for d in by_draw], [d[0] for d in by_draw]), flush=True)


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--sample", type=Path)
    parser.add_argument("--votes", type=Path)
    parser.add_argument("--variant", action="append", choices=[*VARIANTS], dest="names")
    parser.add_argument("--draws", type=int, default=5)
    return parser.parse_args()


def run_job(job: Job) -> list[Judged]:
    """Train on one draw."""
    bench = Bench(job.corpus, job.corpus.draw(job.draw), seed=job.draw)
    main_method = main_of(job.corpus)
    return [bench.run(VARIANTS[name](main_method)) for name in job.names]


def table_row(name: str, row: Sequence[Judged], reference: Sequence[Judged]) -> str:
    """One line: means, the paired difference with its 95 % interval, and how often ahead."""
    ours, theirs = ({d: [run.judged] for d, run in enumerate(runs)} for runs in (row, reference))
    gain = compare(ours, theirs)
    assert gain
    interval = "" if gain.low is None else f"{gain.low:+.4f} to {gain.high:+.4f}"
    return (
        f"| {name} | {fmean(r.num_epochs for r in row):.0f} "
        f"| {fmean(r.validation for r in row):.4f} | {fmean(r.judged for r in row):.4f} "
        f"| {gain.difference:+.4f} | {interval} | {gain.num_ahead} of {gain.num_pairs} |"
    )


if __name__ == "__main__":
    main()
