"""Invented test utterances and what was predicted of them, in the form that `evaluate` writes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from mculora.corpora.manifest import Corpus, Task, write_manifest
from mculora.corpora.utterance import Split, Utterance
from mculora.evaluation.predicted import PredictedTest, write_predictions
from mculora.evaluation.projected import Projected
from mculora.modality import NUM_COMBINATIONS, Modality, ModalityCombination, presence_table
from pipeline.evaluating.representation_tables import write_representations

CLASSES = ("angry", "happy/excited", "neutral", "sad")
NUM = 12


def example_corpus(task=Task.REGRESSION, *, dataset="sample", transcript="well & <b>truly</b>"):
    """Six dialogues of two utterances, without a file."""
    labels = [1.0, 2.0] * (NUM // 2) if task is Task.CLASSIFICATION else [1.5, -1.0] * (NUM // 2)
    return Corpus(
        name=dataset,
        task=task,
        class_names=CLASSES if task is Task.CLASSIFICATION else (),
        utterances=tuple(
            Utterance(
                id=f"d{n // 2}_{n % 2}",
                dialogue=f"d{n // 2}",
                speaker="",
                split=Split.TEST,
                session="",
                start_seconds=4.0 * (n % 2),
                end_seconds=4.0 * (n % 2) + 2.5,
                transcript=transcript,
                label=label,
                absent={Modality.VISUAL: "published without videos"},
            )
            for n, label in enumerate(labels)
        ),
    )


def example_record(corpus, *, num_seeds=3):
    """What a network says of them: the specific part helps in the first half, harms in the second.

    Every utterance offers audio and text.
    """
    outputs = max(1, len(corpus.class_names))
    labels = torch.tensor([u.label for u in corpus.utterances])
    truth = torch.nn.functional.one_hot(labels.long() % outputs, outputs) * 2.0 - 1
    if not corpus.class_names:
        truth = labels.sign()[:, None]
    helps = torch.where(torch.arange(NUM) < NUM // 2, 1.0, -1.0)[:, None]
    shape = (num_seeds, NUM_COMBINATIONS, NUM, outputs)
    common = (-0.3 * helps * truth).expand(shape)
    available = torch.tensor([True, True, False])
    return PredictedTest(
        ids=tuple(u.id for u in corpus.utterances),
        folds=("official",),
        fold=torch.zeros(NUM, dtype=torch.int64),
        labels=labels,
        task=corpus.task,
        class_names=corpus.class_names,
        seeds=tuple(range(num_seeds)),
        left={
            c.word: (available & presence_table()[c]).expand(NUM, 3) for c in ModalityCombination
        },
        predictions={"mculora": common + (0.8 * helps * truth).expand(shape)},
        common=common,
        weight=torch.full(shape[:3], 0.5),
    )


def example_projected(corpus):
    """Two panels, and combinations that no utterance offers."""
    draw = np.random.default_rng(0)
    for combination in ModalityCombination:
        num = 0 if combination.contains(Modality.VISUAL) else NUM
        shown = corpus.utterances[:num]
        places = draw.normal(size=(2, num, 2)) if num else (None, None)
        numbers = (0.25, 0.875, None) if num else (None, None, None)
        ids, labels = tuple(u.id for u in shown), tuple(u.label for u in shown)
        yield Projected(combination, ids, labels, *places, *numbers)


def write_tested(root: Path, *, dataset: str, task: str) -> None:
    """The manifest, the predictions and the representations in a project folder."""
    corpus = example_corpus(Task(task), dataset=dataset)
    write_manifest(root / "data" / "corpus" / dataset, corpus)
    results = root / "results"
    write_predictions(results / "predictions.safetensors", example_record(corpus))
    points, numbers = results / "representations.csv", results / "separation.csv"
    write_representations(points, numbers, list(example_projected(corpus)))
