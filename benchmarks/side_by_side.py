"""Is there something to gain from stacked weights, more processes or a compiler?

Run: python benchmarks/side_by_side.py [--threads 1]

Four networks are trained for an epoch each, one after the other or in two processes; then a step
of four text encoders alone: one after the other, with their weights stacked, or compiled.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from printed_table import print_head, print_row
from torch import Tensor
from training_corpora import BATCH, MOSEI, PAPER, draw_data, draw_table
from training_ways import our_epochs
from turns import Cost, Way, seconds, take_turns

from mculora.model.encoder import UnimodalEncoder
from mculora.model.packing import grid_of

NETWORKS = 4


def print_side_by_side(threads: int) -> None:
    """Both tables."""
    print_several(threads)
    print_stacked()


def print_several(threads: int) -> None:
    """Four networks in one process, and in two."""
    print_head("four networks (encoders trained), an epoch each", "seconds")
    print_row("one process, one after the other", f"{train_several(NETWORKS):.2f}")
    program = [sys.executable, __file__, "--threads", str(threads), "--networks"]
    both = [
        subprocess.Popen([*program, str(NETWORKS // 2)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    slowest = max(float(process.communicate()[0]) for process in both)
    print_row("two processes, two each", f"{slowest:.2f}")


def train_several(num: int) -> float:
    """Seconds that so many networks take for an epoch each, after one to warm up."""
    data = replace(draw_data(MOSEI), validation=draw_table([2]))
    networks = [our_epochs(data, frozen=False) for _ in range(num)]
    for epochs in networks:
        next(epochs)
    return seconds(lambda: [next(epochs) for epochs in networks])


def print_stacked() -> None:
    """Steps of the text encoder alone, in the best case for stacking and compiling.

    All networks get the same dialogues, drop nothing, and no shape ever changes.
    """
    make = functools.partial(
        UnimodalEncoder, PAPER.widths[1], PAPER.hidden, depth=PAPER.depth, heads=PAPER.heads
    )
    encoders = [make(dropout=0.0) for _ in range(NETWORKS)]
    data = draw_data(MOSEI).train
    dialogue = data.dialogue[data.dialogue < BATCH // 2]
    inputs, grid = data.features[1][: len(dialogue)], grid_of(dialogue, torch.device("cpu"))
    weights, _ = torch.func.stack_module_state(encoders)

    def loss(parameters: Mapping[str, Tensor]) -> Tensor:
        called = torch.func.functional_call(encoders[0], dict(parameters), (inputs, grid))
        mean: Tensor = called.states.square().mean()
        return mean

    compiled = torch.compile(encoders[0])
    alone = [dict(encoder.named_parameters()) for encoder in encoders]
    ways = {
        "one after the other": [stepper(each, loss) for each in alone],
        "stacked weights": [stepper(weights, lambda w: torch.vmap(loss)(w).sum())],
        "one, compiled": [
            stepper(alone[0], lambda _: compiled(inputs, grid).states.square().mean())
        ]
        * NETWORKS,
    }
    costs = take_turns({name: turns(steps) for name, steps in ways.items()}, rounds=9)
    print_head(f"four text encoders, {len(inputs)} utterances", "step of each")
    for name, cost in costs.items():
        print_row(name, f"{1e3 * cost.step:.1f} ms")


def stepper(
    parameters: Mapping[str, Tensor], loss: Callable[[Mapping[str, Tensor]], Tensor]
) -> Callable[[], None]:
    """A training step on given weights."""
    optimizer = torch.optim.AdamW(parameters.values(), fused=True)

    def run() -> None:
        optimizer.zero_grad()
        loss(parameters).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return run


def turns(steps: Sequence[Callable[[], None]]) -> Way:
    """Take each of the steps; what one network's step costs."""

    def run() -> Cost:
        taken = seconds(lambda: [step() for step in steps])
        return Cost(taken / NETWORKS, taken)

    return run


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--networks", type=int, help="only so many networks after each other")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.networks:
        return print(train_several(options.networks))
    print_side_by_side(options.threads)


if __name__ == "__main__":
    main()
