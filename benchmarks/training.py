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
import functools
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import plain_training as plain
import torch
from scipy.stats import gamma  # type: ignore[import-untyped]
from torch import Tensor

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.modality import (
    NUM_COMBINATIONS,
    NUM_MODALITIES,
    Modality,
    ModalityCombination,
    presence_table,
)
from mculora.model.encoder import UnimodalEncoder
from mculora.model.network import MCULoRA, NetworkConfig
from mculora.model.packing import grid_of
from mculora.training.data import TrainingConfig, TrainingData
from mculora.training.trainer import train_network

PAPER = NetworkConfig(
    widths=(512, 1024, 1024), outputs=1, hidden=256, depth=4, heads=2, rank=8, dropout=0.5
)
AVERAGE_DECAY = 0.95
"""As params.yaml has it: averaging the weights is a part of what training costs."""
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


MOSEI = Lengths("MOSEI-like", 1.5, 7.0, 1, 98, train=256, validation=32)
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


FORMULAS = {
    "input maps": "D H per vector",
    "q and k": "2 depth H² per vector that is not alone in its dialogue",
    "v and output": "2 depth H² per vector",
    "MLP": "2 depth H² per vector",
    "attention": "2 depth H per pair",
    "adapters": "2 R (D + H) per vector",
    "fusion and head, shared": "3 H² per vector, 3 H K per utterance",
    "fusion and head, specific": "3 H R per vector, 12 x 3 H² R per step for W B, 3 H K",
    "weight": "H R per vector, 12 H² R per step",
}
"""What stands behind each number: a vector is an utterance's modality that is present."""


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
        rates.append(size**3 / seconds(functools.partial(torch.mm, matrix, matrix)))
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


def our_way(data: TrainingData, *, frozen: bool) -> Way:
    """Two trainings: one for its steps, one that validates as well."""
    steps, whole = our_steps(data, frozen=frozen), our_epochs(data, frozen=frozen)
    return lambda: Cost(steps().step, seconds(lambda: next(whole)))


def our_steps(data: TrainingData, *, frozen: bool, config: NetworkConfig = PAPER) -> Way:
    """A training that has next to nothing to validate: an epoch is its steps."""
    few = replace(data, validation=draw_table([2]))
    epochs = our_epochs(few, frozen=frozen, config=config, judged=(ModalityCombination.ATV,))

    def run() -> Cost:
        taken = seconds(lambda: next(epochs))
        return Cost(taken / num_steps(data), taken)

    return run


def our_epochs(
    data: TrainingData,
    *,
    frozen: bool,
    config: NetworkConfig = PAPER,
    judged: tuple[ModalityCombination, ...] = tuple(ModalityCombination),
) -> Iterator[object]:
    """The project's trainer, without an end."""
    torch.manual_seed(0)
    training = TrainingConfig(
        epochs=FOREVER,
        patience=FOREVER,
        batch_dialogues=BATCH,
        freeze_encoders=frozen,
        average_decay=AVERAGE_DECAY,
        judged=judged,
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


# --- several networks at once, and compiled code ---

NETWORKS = 4


def print_side_by_side(threads: int) -> None:
    """Is there something to gain from stacked weights, more processes or a compiler?"""
    print_head("four networks (encoders trained), an epoch each", "seconds")
    print_row("one process, one after the other", f"{train_several(NETWORKS):.2f}")
    program = [sys.executable, __file__, "--threads", str(threads), "--networks"]
    both = [
        subprocess.Popen([*program, str(NETWORKS // 2)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    slowest = max(float(process.communicate()[0]) for process in both)
    print_row("two processes, two each", f"{slowest:.2f}")
    print_stacked()


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
    parser.add_argument("--full", action="store_true", help="also an epoch of MOSEI's size")
    parser.add_argument("--full-way", choices=FULL_WAYS, help="only that, in this process")
    parser.add_argument("--side-by-side", action="store_true", help="only that measurement")
    parser.add_argument("--networks", type=int, help="only so many networks after each other")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.full_way:
        return run_full(options.full_way)
    if options.networks:
        return print(train_several(options.networks))
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
