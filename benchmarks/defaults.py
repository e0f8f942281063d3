"""Which defaults: variants on random draws from a large sample corpus of another seed.

The shipped sample corpus takes no part, so its test split decides nothing. Each draw gives every
variant the same dialogues to train, to validate and to judge by; differences are paired.

Run: python benchmarks/defaults.py FOLDER [--draws 10] [--train 34] [--validation 10]
            [--variant NAME]... (all; the first is what the others are compared with)
FOLDER keeps the corpus (300 videos: about four minutes on 2 cores) and is made if need be.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from functools import lru_cache
from math import sqrt
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch
import yaml

from mculora.model.network import MCULoRA
from mculora.training.data import TrainingData
from mculora.training.encoder_pretraining import pretrain_encoders
from mculora.training.trainer import train_network, validation_scores
from pipeline.inputs import Inputs, read_inputs
from pipeline.layout import Layout
from pipeline.params import PARAMS, parse_params
from pipeline.recipe import MAIN_METHOD, network_config, training_config

CORPUS = {"seed": 7, "num_videos": 300}
JUDGED_DIALOGUES = 150
STAGES = [
    *("download", "prepare", "extract --modality audio", "extract --modality text"),
    *("extract --modality visual", "split"),
]
VARIANTS: dict[str, dict[str, Any]] = {
    "dropout": {},  # the baseline that all are compared with
    "default": {},
    "specific: with_base": {"model.specific": "with_base"},
    "freeze_encoders: false": {"model.freeze_encoders": False},
    "dpft: symmetric": {"train.dpft": "symmetric"},
    "dpft: off": {"train.dpft": "off"},
    "weight_mlp: false": {"model.weight_mlp": False},
    "no L_ort": {"train.separation_weight": 0.0, "train.keep_weight": 0.0},
    "rank: 1": {"rank": 1},
    "rank: 4": {"rank": 4},
    "encoder_learning_rate: 0.0003": {"train.encoder_learning_rate": 0.0003},
    "learning_rate: 0.001": {"train.learning_rate": 0.001},
    "dropout, learning_rate: 0.001": {"train.learning_rate": 0.001},
}


@dataclass(frozen=True)
class Job:
    """One variant on one draw."""

    folder: Path
    content: Mapping[str, Any]
    method: str
    draw: int
    num_train: int
    num_validation: int


@dataclass(frozen=True)
class Judged:
    """Primary metric, mean of the seven combinations: where it was chosen by, and elsewhere."""

    validation: float
    elsewhere: float


def main() -> None:
    """Train every variant on every draw and print a table."""
    chosen = read_arguments()
    make_corpus(chosen.folder)
    names = chosen.names or list(VARIANTS)
    jobs = [
        Job(chosen.folder, varied(name), method_of(name), draw, chosen.train, chosen.validation)
        for name in names
        for draw in range(chosen.draws)
    ]
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        judged = list(pool.map(train_and_judge, jobs))
    print("| variant | validation | held out | against the first | ahead |")
    print("| --- | ---: | ---: | ---: | ---: |")
    rows = [judged[i : i + chosen.draws] for i in range(0, len(judged), chosen.draws)]
    for name, row in zip(names, rows, strict=True):
        print(table_row(name, row, rows[0]), flush=True)


def read_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--variant", action="append", choices=[*VARIANTS], dest="names")
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--train", type=int, default=34)
    parser.add_argument("--validation", type=int, default=10)
    return parser.parse_args()


def make_corpus(folder: Path) -> None:
    """Synthesise and extract, unless it was done before."""
    if Layout("sample", folder).folds.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    content = yaml.safe_load(PARAMS.read_text(encoding="utf-8")) | {"sample": CORPUS}
    (folder / PARAMS).write_text(yaml.safe_dump(content), encoding="utf-8")
    program = Path(sys.executable).with_name("mculora")
    for stage in STAGES:
        subprocess.run([program, *stage.split()], cwd=folder, check=True)


def method_of(name: str) -> str:
    """The method that a variant trains."""
    return "dropout" if name.startswith("dropout") else MAIN_METHOD


def varied(name: str) -> dict[str, Any]:
    """The project's parameters with a variant's keys changed."""
    content: dict[str, Any] = deepcopy(yaml.safe_load(PARAMS.read_text(encoding="utf-8")))
    for key, value in VARIANTS[name].items():
        *groups, last = key.split(".")
        place = content
        for group in groups:
            place = place[group]
        place[last] = value
    return content


@lru_cache(maxsize=1)
def inputs_of(folder: Path) -> Inputs:
    """The corpus and its features, read once per process."""
    return read_inputs(Layout("sample", folder))


def train_and_judge(job: Job) -> Judged:
    """Train on a draw of dialogues, choose by a second, judge by a third."""
    torch.set_num_threads(1)
    params, inputs = parse_params(job.content), inputs_of(job.folder)
    dialogues = sorted({u.dialogue for u in inputs.corpus.utterances})
    random.Random(job.draw).shuffle(dialogues)
    first, second = job.num_train, job.num_train + job.num_validation
    parts = (dialogues[:first], dialogues[first:second], dialogues[second:][:JUDGED_DIALOGUES])
    train, validation, judged = (inputs.table(part) for part in parts)
    data = TrainingData(inputs.corpus.task, train, validation)
    config = training_config(params, job.method)
    torch.manual_seed(job.draw)
    generator = torch.Generator().manual_seed(job.draw)
    network = MCULoRA(
        network_config(params, job.method, widths=inputs.widths, outputs=inputs.outputs)
    )
    network.fit_normalisation(train.features, train.available)
    torch.manual_seed(job.draw)
    for _ in pretrain_encoders(network, data, config, generator):
        pass
    torch.manual_seed(job.draw)
    records = list(train_network(network, data, config, generator))
    elsewhere = validation_scores(network, TrainingData(data.task, train, judged))
    best = max(record.validation_mean for record in records)
    return Judged(best, fmean(elsewhere.values()))


def table_row(name: str, row: Sequence[Judged], reference: Sequence[Judged]) -> str:
    """One line: means, the paired difference with its standard error, and how often ahead."""
    held_out = [judged.elsewhere for judged in row]
    gains = [a.elsewhere - b.elsewhere for a, b in zip(row, reference, strict=True)]
    error = stdev(gains) / sqrt(len(gains)) if len(gains) > 1 else 0.0
    ahead = f"{sum(gain > 0 for gain in gains)} of {len(gains)}"
    validation = fmean(judged.validation for judged in row)
    return (
        f"| {name} | {validation:.4f} | {fmean(held_out):.4f} "
        f"| {fmean(gains):+.4f} ± {error:.4f} | {ahead} |"
    )


if __name__ == "__main__":
    main()
