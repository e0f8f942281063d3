"""Records of predictions, invented and small, with every trap that metrics have."""

import numpy as np
import torch

from mculora.corpora.manifest import Task
from mculora.evaluation.predicted import PredictedTest
from mculora.modality import ModalityCombination

RATES = ("rate-0.0", "rate-0.3", "rate-0.7")


def make_record(task=Task.REGRESSION, *, num=60, num_folds=2, seeds=(0, 1, 2), seed=0, better=0.5):
    """`mculora` is nearer to the truth than `joint`; some rows have nothing left."""
    rng = np.random.default_rng(seed)
    names = ("ang", "hap", "sad", "neu") if task is Task.CLASSIFICATION else ()
    outputs = max(1, len(names))
    if names:
        labels = rng.integers(3, size=num).astype(np.float32)  # nobody is neutral
        target = np.eye(outputs)[labels.astype(int)] * 2
    else:
        labels = (np.rint(rng.normal(0, 1.5, num) * 3) / 3).clip(-3, 3).astype(np.float32)
        target = labels[:, None]
    offered = rng.random((num, 3)) < 0.9
    offered[~offered.any(1), 1] = True
    kept = {
        c.word: np.array(c.presence, dtype=bool)[None].repeat(num, 0) for c in ModalityCombination
    }
    kept |= {name: rng.random((num, 3)) >= float(name[5:]) for name in RATES}
    left = {name: torch.from_numpy(offered & k) for name, k in kept.items()}
    predictions = {}
    for method, noise in (("mculora", 1 - better), ("joint", 1.0)):
        said = target + rng.normal(0, 2 * noise, (len(seeds), len(left), num, outputs))
        said[:, ~torch.stack([*left.values()]).any(2).numpy()] = np.nan
        predictions[method] = torch.from_numpy(said).float()
    return PredictedTest(
        ids=tuple(f"u{n}" for n in range(num)),
        folds=tuple(f"f{n}" for n in range(num_folds)),
        fold=torch.arange(num) * num_folds // num,
        labels=torch.from_numpy(labels),
        task=task,
        class_names=names,
        seeds=seeds,
        left=left,
        predictions=predictions,
        common=torch.zeros(len(seeds), 7, num, outputs),
        weight=torch.zeros(len(seeds), 7, num),
    )


def dialogues_of(record, length=4):
    """Dialogues of so many utterances each."""
    return {name: f"d{n // length}" for n, name in enumerate(record.ids)}
