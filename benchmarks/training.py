"""Seconds per training step and per epoch: ours, the plain way, and the least that is necessary.

Run: python benchmarks/training.py [--threads 1] [--full] [--side-by-side]

Corpora are drawn at random with the lengths of MOSEI's and IEMOCAP's dialogues; the network has
the paper's size. The ways take turns, an epoch each, and medians are printed:
- plain: `plain_training.py`, with adapters in the layers as published, or at the input only.
- ours: `train_network`, encoders trained along or frozen (the default).
- floor: the multiply-adds that no way can do without, at the speed at which this machine
  multiplies large square matrices. `Work` derives them.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import plain_training as plain
import torch
from scipy.stats import gamma  # type: ignore[import-untyped]
from torch import Tensor

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.modality import NUM_COMBINATIONS, NUM_MODALITIES, Modality, presence_table
from mculora.model.network import MCULoRA, NetworkConfig
from mculora.training.data import TrainingConfig, TrainingData
from mculora.training.trainer import train_network

PAPER = NetworkConfig(widths=(512, 1024, 1024), outputs=1)
BATCH = 32
ROUNDS = 3
FOREVER = 10**9


@dataclass(frozen=True)
class Lengths:
    """How many utterances dialogues have: a gamma distribution, cut at both ends."""

    name: str
    shape: float
    mean: float
    shortest: int
    longest: int
    train: int
    validation: int

    def draw(self, num: int) -> list[int]:
        """The distribution's own quantiles in random order: small corpora are typical, too."""
        places = (np.arange(num) + 0.5) / num
        quantiles = gamma.ppf(places, self.shape, scale=self.mean / self.shape).round()
        shuffled = np.random.default_rng(0).permutation(quantiles)
        return [int(n) for n in shuffled.clip(self.shortest, self.longest)]


MOSEI = Lengths("MOSEI-like", 1.5, 7.0, 1, 98, train=160, validation=20)
"""Published: mean 7.1, median 5, longest 98; a random batch of 32 is padded 3.3 times over."""
IEMOCAP = Lengths("IEMOCAP-like", 6.5, 37.0, 5, 110, train=96, validation=24)
"""Published: mean 36.6, median 37, from 5 to 110; padded 2.0 times over."""


def draw_table(lengths: list[int]) -> FeatureTable:
    """Features and scores at random."""
    num = sum(lengths)
    return FeatureTable(
        ids=tuple(f"u{i}" for i in range(num)),
        dialogue=torch.arange(len(lengths)).repeat_interleave(torch.tensor(lengths)),
        features=tuple(torch.randn(num, width) for width in PAPER.widths),
        available=torch.ones(num, NUM_MODALITIES, dtype=torch.bool),
        labels=torch.randn(num),
    )


def draw_data(lengths: Lengths, times: int = 1) -> TrainingData:
    """A corpus with so many times the usual dialogues to train on."""
    train, validation = (lengths.draw(n) for n in (lengths.train * times, lengths.validation))
    return TrainingData(Task.REGRESSION, draw_table(train), draw_table(validation))


# --- the floor ---


@dataclass
class Work:
    """Necessary multiply-adds by part: forward, and backward if it is learned.

    What is not necessary is not counted: absent modalities, padding, adapters of other
    combinations, the gradient of the features, anything element by element.
    """

    forward: dict[str, float] = field(default_factory=dict)
    backward: dict[str, float] = field(default_factory=dict)

    def add(self, part: str, macs: float, *, weights: float = 1, inputs: float = 1) -> None:
        """Count a product, and its backward: once for the weights, once for the inputs."""
        self.forward[part] = self.forward.get(part, 0.0) + macs
        self.backward[part] = self.backward.get(part, 0.0) + macs * (weights + inputs)

    @property
    def total(self) -> float:
        """Both directions."""
        return sum(self.forward.values()) + sum(self.backward.values())


@dataclass(frozen=True)
class Shown:
    """What is computed: per utterance its dialogue (N,) and what is present (N, M)."""

    dialogue: Tensor
    present: Tensor

    def num(self, modality: Modality) -> int:
        """How many utterances show the modality."""
        return int(self.present[:, modality].sum())

    def together(self, modality: Modality) -> Tensor:
        """How many of each dialogue show it, where there are several that attend to each other."""
        counts = torch.bincount(self.dialogue[self.present[:, modality]])
        return counts[counts > 1]


def encoder_work(work: Work, config: NetworkConfig, shown: Shown, *, learned: bool) -> None:
    """Input map, blocks and attention of each encoder, for the utterances that it is shown."""
    square, back = config.hidden**2, int(learned)
    for modality in Modality:
        num, width = shown.num(modality), config.widths[modality]
        work.add("input maps", num * width * config.hidden, weights=back, inputs=0)
        together = shown.together(modality)
        maps = {  # who is alone in a dialogue attends to itself, whatever query and key say
            "q and k": 2 * int(together.sum()) * square,
            "v and output": 2 * num * square,
            "MLP": 2 * num * square,
            "attention": 2 * int((together**2).sum()) * config.hidden,
        }
        for part, macs in maps.items():
            work.add(part, config.depth * macs, weights=back, inputs=back)


def step_work(config: NetworkConfig, shown: Shown, *, steps: int, learned: bool) -> Work:
    """An epoch of so many steps; `learned` is whether the encoders are.

    W (B z) = (W B) z: a map of a rank-R representation costs W B once per step and R columns per
    utterance. Where that is less than W itself, it is what is necessary.
    """
    work, rank, hidden = Work(), config.rank, config.hidden
    fused, num = NUM_MODALITIES * hidden, len(shown.present)
    encoder_work(work, config, shown, learned=learned)
    both = 2  # the common adapter and the utterance's own
    for modality in Modality:
        present, width = shown.num(modality), config.widths[modality]
        own = NUM_COMBINATIONS // 2 + 1  # combinations that contain the modality
        work.add("adapters", both * present * rank * width, inputs=0)
        work.add("adapters", both * present * rank * hidden)

        def least(outputs: int, adapters: int, present: int = present) -> float:
            merged = steps * adapters * outputs * hidden * rank + present * rank * outputs
            return min(merged, present * hidden * outputs)

        full = present * hidden * fused
        back = 1.0 if learned else least(fused, 1) / full  # else only the common adapter asks
        work.add("fusion and head, shared", full, inputs=back)
        work.add("fusion and head, specific", least(fused, own))
        if config.weight_mlp:
            work.add("weight", least(hidden, own))
    work.add("fusion and head, shared", num * fused * config.outputs)
    work.add("fusion and head, specific", num * fused * config.outputs)
    return work


def evaluation_work(config: NetworkConfig, shown: Shown) -> Work:
    """All seven combinations: encoders, input maps of adapters and fusion blocks serve them all."""
    work, rank, hidden = Work(), config.rank, config.hidden
    fused, num = NUM_MODALITIES * hidden, len(shown.present)
    encoder_work(work, config, shown, learned=False)
    for modality in Modality:
        present, own = shown.num(modality), NUM_COMBINATIONS // 2 + 1
        down = present * (1 + own) * rank * config.widths[modality]
        work.add("adapters", down + present * rank * hidden, weights=0, inputs=0)
        work.add("fusion and head, shared", present * hidden * fused, weights=0, inputs=0)
        outputs = fused + (hidden if config.weight_mlp else 0)
        merged = own * rank * outputs * (hidden + present)
        work.add("fusion and head, specific", merged, weights=0, inputs=0)
    heads = 2 * NUM_COMBINATIONS * num * fused * config.outputs
    work.add("fusion and head, shared", heads, weights=0, inputs=0)
    return work


def measured_rate() -> float:
    """Multiply-adds per second of the fastest of some large square products in float32."""
    rates = []
    for size in (1024, 2048, 3072) * 3:
        matrix = torch.randn(size, size)
        rates.append(size**3 / seconds(lambda matrix=matrix: matrix @ matrix))
    return max(rates)


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


# --- the ways ---


@dataclass(frozen=True)
class Cost:
    """Seconds of a step, and of an epoch with the evaluation of all seven combinations."""

    step: float
    epoch: float


Way = Callable[[], Cost]
"""One more epoch of something that is being trained."""


def num_steps(data: TrainingData) -> int:
    """Batches in an epoch."""
    return int(data.train.dialogue[-1]) // BATCH + 1


def plain_way(data: TrainingData, placement: plain.Placement) -> Way:
    """The plain network through its own loop."""
    torch.manual_seed(0)
    network = plain.PlainNetwork(PAPER, placement)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    train, validation = (plain_dialogues(table) for table in (data.train, data.validation))

    def run() -> Cost:
        learning = seconds(
            lambda: plain.train_epoch(network, optimizer, train, batch_dialogues=BATCH)
        )
        judging = seconds(lambda: plain.evaluate(network, validation, batch_dialogues=BATCH))
        return Cost(learning / num_steps(data), learning + judging)

    return run


def plain_dialogues(table: FeatureTable) -> list[plain.Dialogue]:
    """The same corpus as the plain loop wants it."""
    sizes = table.dialogue.bincount().tolist()
    parts = zip(*(torch.split(f, sizes) for f in table.features), strict=True)
    labels = torch.split(table.labels, sizes)
    return [plain.Dialogue(*each) for each in zip(parts, labels, strict=True)]


def our_way(data: TrainingData, *, frozen: bool, config: NetworkConfig = PAPER) -> Way:
    """Two trainings: one has but a few utterances to validate on, so its epochs are its steps."""
    few = replace(data, validation=draw_table([2]))
    learning, whole = (our_epochs(each, frozen=frozen, config=config) for each in (few, data))

    def run() -> Cost:
        step = seconds(lambda: next(learning)) / num_steps(data)
        return Cost(step, seconds(lambda: next(whole)))

    return run


def our_epochs(data: TrainingData, *, frozen: bool, config: NetworkConfig) -> Iterator[object]:
    """The project's trainer, without an end."""
    torch.manual_seed(0)
    training = TrainingConfig(
        epochs=FOREVER, patience=FOREVER, batch_dialogues=BATCH, freeze_encoders=frozen
    )
    return train_network(MCULoRA(config), data, training, seed=0)


def take_turns(ways: dict[str, Way], rounds: int = ROUNDS) -> dict[str, Cost]:
    """Medians of rounds in which every way has its turn, each time in another place."""
    taken: dict[str, list[Cost]] = {name: [] for name in ways}
    order = list(ways)
    for number in range(rounds + 1):
        for name in order:
            cost = ways[name]()
            if number:  # the first round warms up
                taken[name].append(cost)
        order.append(order.pop(0))
    return {
        name: Cost(
            statistics.median(c.step for c in each), statistics.median(c.epoch for c in each)
        )
        for name, each in taken.items()
    }


# --- the tables ---


def print_head(*names: str) -> None:
    """Begin a table; all columns but the first are numbers."""
    print()
    print_row(*names)
    print_row("---", *["---:"] * (len(names) - 1))


def print_row(*cells: str) -> None:
    """One line of a table."""
    print(f"| {' | '.join(cells)} |", flush=True)


def shown_in_training(table: FeatureTable) -> Shown:
    """Every utterance with a combination drawn at random."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(NUM_COMBINATIONS, (len(table.ids),), generator=generator)
    return Shown(table.dialogue, presence_table()[drawn])


def floors(data: TrainingData, config: NetworkConfig = PAPER) -> dict[str, Work]:
    """What an epoch needs with encoders trained, with encoders frozen, and to evaluate."""
    shown, steps = shown_in_training(data.train), num_steps(data)
    validation = Shown(data.validation.dialogue, data.validation.available)
    return {
        "trained": step_work(config, shown, steps=steps, learned=True),
        "frozen": step_work(config, shown, steps=steps, learned=False),
        "evaluation": evaluation_work(config, validation),
    }


def print_derivation(name: str, data: TrainingData) -> None:
    """Multiply-adds of a mean step by part, and those of an utterance that shows all three."""
    shown, steps, works = shown_in_training(data.train), num_steps(data), floors(data)
    num, present = len(shown.present) / steps, int(shown.present.sum()) / steps
    print(f"\n## {name}\n\nA step: {BATCH} dialogues, {num:.0f} utterances, {present:.0f} vectors.")
    print_head("million multiply-adds of a step", "forward", "back, trained", "back, frozen")
    trained, frozen = works["trained"], works["frozen"]
    columns = (trained.forward, trained.backward, frozen.backward)
    for part in trained.forward:
        print_row(part, *(f"{column[part] / steps / 1e6:.1f}" for column in columns))
    print_row("all", *(f"{sum(column.values()) / steps / 1e6:.1f}" for column in columns))
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
    costs = take_turns({str(n): our_way(data, frozen=True) for n, data in corpora.items()})
    print_head("utterances to train on", "epoch without evaluation", "per utterance")
    for times, data in corpora.items():
        epoch, num = costs[str(times)].step * num_steps(data), len(data.train.ids)
        print_row(f"{num:,}", f"{epoch:.3f} s", f"{epoch / num * 1e6:.0f} µs")


def print_ranks() -> None:
    """Ranks from 1 to 16."""
    data, ranks = draw_data(MOSEI), (1, 4, 8, 16)
    costs = {
        frozen: take_turns(
            {
                str(rank): our_way(data, frozen=frozen, config=replace(PAPER, rank=rank))
                for rank in ranks
            }
        )
        for frozen in (False, True)
    }
    print_head("rank", "step, encoders trained", "times rank 1", "frozen", "times rank 1")
    for rank in ranks:
        cells = []
        for each in costs.values():
            step, first = each[str(rank)].step, each["1"].step
            cells += [f"{1e3 * step:.1f} ms", f"{step / first:.3f}"]
        print_row(str(rank), *cells)


# --- memory ---

FULL_TRAIN, FULL_VALIDATION = 2330, 267
"""Dialogues that hold as many utterances as MOSEI's splits: about 16,300 and 1,870."""

FULL_WAYS: dict[str, Callable[[TrainingData], Way]] = {
    "plain": lambda data: plain_way(data, "layers"),
    "trained": lambda data: our_way(data, frozen=False),
    "frozen": lambda data: our_way(data, frozen=True),
}


def print_full(threads: int) -> None:
    """An epoch of MOSEI's size, each way in a process of its own."""
    print_head("MOSEI's size", "before training", "peak", "step", "epoch and evaluation")
    for name in FULL_WAYS:
        program = [sys.executable, __file__, "--full-way", name, "--threads", str(threads)]
        subprocess.run(program, check=True)


def run_full(name: str) -> None:
    """Measure one way; print its line of the table."""
    data = draw_data(replace(MOSEI, train=FULL_TRAIN, validation=FULL_VALIDATION))
    before = peak_mebibytes()
    cost = FULL_WAYS[name](data)()
    peaks = (f"{mebibytes:,.0f} MiB" for mebibytes in (before, peak_mebibytes()))
    print_row(name, *peaks, f"{1e3 * cost.step:.1f} ms", f"{cost.epoch:.1f} s")


def peak_mebibytes() -> float:
    """The most that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--full-way", choices=FULL_WAYS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.full_way:
        run_full(options.full_way)
        return
    for lengths in (MOSEI, IEMOCAP):
        print_comparison(lengths)
    print("\n## Growth")
    print_growth()
    print_ranks()
    if options.full:
        print_full(options.threads)


if __name__ == "__main__":
    main()
