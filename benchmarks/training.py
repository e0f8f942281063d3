"""Seconds per training step and per epoch: ours, the plain way, and the least that is necessary.

Run: python benchmarks/training.py [--threads 1] [--full] [--side-by-side]

Corpora are drawn at random with the lengths of MOSEI's and IEMOCAP's dialogues; the network has
the paper's size. The ways take turns, an epoch each, and medians are printed:
- plain: `plain_training.py`, with adapters in the layers as published, or at the input only.
- ours: `train_network`, encoders trained along or frozen (the default).
- floor: the multiply-adds that no way can do without, at the speed at which this machine
  multiplies large square matrices. `floor.py` derives them.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import torch
from floor import FORMULAS, Shown, floors, measured_rate, shown_in_training, step_work
from printed_table import print_head, print_row
from side_by_side import print_side_by_side
from training_corpora import BATCH, IEMOCAP, MOSEI, PAPER, Lengths, draw_data, num_steps
from training_ways import our_epochs, our_steps, our_way, plain_way
from turns import seconds, take_turns

from mculora.modality import NUM_MODALITIES
from mculora.training.data import TrainingData


def print_derivation(name: str, data: TrainingData) -> None:
    """Multiply-adds of a mean step by part, and those of an utterance that shows all three."""
    shown, steps, works = shown_in_training(data.train), num_steps(data), floors(data)
    num, present = len(shown.present) / steps, int(shown.present.sum()) / steps
    print(f"\n## {name}\n\nA step: {BATCH} dialogues, {num:.0f} utterances, {present:.0f} vectors.")
    names = ("forward", "back, trained", "back, frozen")
    print_head("million multiply-adds of a step", *names, "forward is")
    trained, frozen = works["trained"], works["frozen"]
    columns = (trained.forward, trained.backward, frozen.backward)
    for part in trained.forward:
        macs = (f"{column[part] / steps / 1e6:.1f}" for column in columns)
        print_row(part, *macs, FORMULAS[part])
    print_row("all", *(f"{sum(column.values()) / steps / 1e6:.1f}" for column in columns), "")
    full = Shown(shown.dialogue, torch.ones_like(shown.present))
    whole = step_work(PAPER, full, steps=steps, learned=True)
    forward, both = (
        macs / num / steps / 1e6 for macs in (sum(whole.forward.values()), whole.total)
    )
    output_maps = NUM_MODALITIES * PAPER.depth * PAPER.hidden**2 / 1e6
    print(f"\nAn utterance with all three: {forward:.2f} M forward, {both:.2f} M both ways;")
    print(f"without attention's output maps {forward - output_maps:.2f} and ", end="")
    print(f"{both - 3 * output_maps:.2f} M: the published blocks have none.")


def print_comparison(lengths: Lengths) -> None:
    """All ways on one corpus, and the floor of each."""
    data = draw_data(lengths)
    print_derivation(lengths.name, data)
    rate = measured_rate()
    costs = take_turns(
        {
            "plain, adapters in the layers": plain_way(data, "layers"),
            "plain, adapters at the input": plain_way(data, "input"),
            "ours, encoders trained": our_way(data, frozen=False),
            "ours, encoders frozen": our_way(data, frozen=True),
        }
    )
    rate = max(rate, measured_rate())
    print(f"\nLarge products: {2 * rate / 1e9:.0f} GFLOP/s.")
    names = ("step", "floor", "times", "epoch and evaluation", "floor", "times")
    print_head("way", *names, "plain takes")
    works, steps = floors(data), num_steps(data)
    slowest = costs["plain, adapters in the layers"].epoch
    for name, cost in costs.items():
        learning = works["frozen" if name.endswith("frozen") else "trained"].total / rate
        step, epoch = learning / steps, learning + works["evaluation"].total / rate
        print_row(
            name,
            *(f"{1e3 * cost.step:.1f} ms", f"{1e3 * step:.1f} ms", f"{cost.step / step:.2f}"),
            *(f"{cost.epoch:.3f} s", f"{epoch:.3f} s", f"{cost.epoch / epoch:.2f}"),
            f"{slowest / cost.epoch:.1f} times",
        )


def print_growth() -> None:
    """Twice and four times the utterances."""
    corpora = {times: draw_data(MOSEI, times) for times in (1, 2, 4)}
    costs = take_turns({str(n): our_steps(data, frozen=True) for n, data in corpora.items()})
    print_head("utterances to train on", "epoch without evaluation", "per utterance")
    for times, data in corpora.items():
        epoch, num = costs[str(times)].epoch, len(data.train.ids)
        print_row(f"{num:,}", f"{epoch:.3f} s", f"{epoch / num * 1e6:.0f} µs")


def print_ranks() -> None:
    """Ranks from 1 to 16, and how much more they need."""
    data = draw_data(MOSEI)
    configs = {rank: replace(PAPER, rank=rank) for rank in (1, 4, 8, 16)}
    works = {rank: floors(data, config) for rank, config in configs.items()}
    print_head("encoders", "rank", "step", "times rank 1", "floor, times rank 1")
    for mode in ("trained", "frozen"):
        costs = take_turns(
            {
                str(rank): our_steps(data, frozen=mode == "frozen", config=config)
                for rank, config in configs.items()
            }
        )
        for rank in configs:
            step, floor = costs[str(rank)].step, works[rank][mode].total
            times, least = step / costs["1"].step, floor / works[1][mode].total
            print_row(mode, str(rank), f"{1e3 * step:.1f} ms", f"{times:.3f}", f"{least:.3f}")


# --- memory ---

FULL_TRAIN, FULL_VALIDATION = 2330, 267
"""Dialogues that hold as many utterances as MOSEI's splits: about 16,300 and 1,870."""

FULL_WAYS: dict[str, Callable[[TrainingData], object]] = {
    "plain": lambda data: plain_way(data, "layers")(),
    "trained": lambda data: next(our_epochs(data, frozen=False)),
    "frozen": lambda data: next(our_epochs(data, frozen=True)),
}


def print_full(threads: int) -> None:
    """An epoch of MOSEI's size, each way in a process of its own."""
    print_head("MOSEI's size", "before training", "peak", "epoch and evaluation")
    for name in FULL_WAYS:
        program = [sys.executable, __file__, "--full-way", name, "--threads", str(threads)]
        subprocess.run(program, check=True)


def run_full(name: str) -> None:
    """Measure one way; print its line of the table."""
    FULL_WAYS[name](draw_data(replace(MOSEI, train=1, validation=8)))  # warm up
    data = draw_data(replace(MOSEI, train=FULL_TRAIN, validation=FULL_VALIDATION))
    before = peak_mebibytes()
    taken = seconds(lambda: FULL_WAYS[name](data))
    peaks = (f"{mebibytes:,.0f} MiB" for mebibytes in (before, peak_mebibytes()))
    print_row(name, *peaks, f"{taken:.1f} s")


def peak_mebibytes() -> float:
    """The most that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--full", action="store_true", help="also an epoch of MOSEI's size")
    parser.add_argument("--full-way", choices=FULL_WAYS, help="only that, in this process")
    parser.add_argument("--side-by-side", action="store_true", help="only `side_by_side.py`")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.full_way:
        return run_full(options.full_way)
    if options.side_by_side:
        return print_side_by_side(options.threads)
    for lengths in (MOSEI, IEMOCAP):
        print_comparison(lengths)
    print("\n## Growth")
    print_growth()
    print_ranks()
    if options.full:
        print_full(options.threads)


if __name__ == "__main__":
    main()
