"""Common and specific representations in two dimensions, and how far apart they really are.

The picture is t-SNE, which keeps neighbours together and no distances; so the numbers beside it are
taken in the space of the representations themselves.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.evaluation.projected import Places, Projected
from mculora.evaluation.representations import Represented, draw_rows, represent
from mculora.modality import ModalityCombination
from mculora.model.network import MCULoRA

MOST = 250
"""Utterances that are looked at, at most."""
FEWEST = 5
"""Utterances below which there is no picture."""
_KEPT_DIMENSIONS = 30  # of a principal component analysis, before t-SNE
_PERPLEXITY = 30.0
_NUM_FOLDS = 5
_PENALTIES = tuple(10.0**power for power in range(-1, 6))
"""Of the linear probe; which one is chosen inside each training part."""

Values = npt.NDArray[np.float64]


def project_all(
    network: MCULoRA, table: FeatureTable, task: Task, *, seed: int
) -> Iterator[Projected]:
    """Project some of a table's utterances under each of the seven combinations.

    Args:
        network: In evaluation mode; without specific adapters there is nothing to project.
        table: The test utterances.
        task: What their labels ask for.
        seed: Draws which utterances, and what `project` draws.
    """
    if network.config.has_specific:
        rows = draw_rows(table, MOST, seed=seed)
        for combination in ModalityCombination:
            yield project(represent(network, table, combination, rows=rows), task, seed=seed)


def project(represented: Represented, task: Task, *, seed: int) -> Projected:
    """Project what was represented, and measure it where it was.

    Args:
        represented: Utterances under one combination.
        task: What the labels ask for.
        seed: Draws what t-SNE and the probes' folds draw.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # so little work that threads mostly wait; the numbers are the same
        return _project(represented, task, seed)


def _project(represented: Represented, task: Task, seed: int) -> Projected:
    from sklearn.metrics import silhouette_score
    from sklearn.preprocessing import StandardScaler

    num = len(represented.ids)
    sides = [side.double().numpy() for side in (represented.common, represented.specific)]
    labels, groups = represented.labels.numpy(), represented.dialogue.numpy()
    probes = [_label_from(side, labels, groups, task=task, seed=seed) for side in sides]
    common = specific = silhouette = None
    if num >= FEWEST:
        both = StandardScaler().fit_transform(np.concatenate(sides))
        if both.any():
            kinds = np.repeat([0, 1], num)
            silhouette = float(silhouette_score(both, kinds))
            common, specific = np.split(_in_two_dimensions(both, seed), 2)
    return Projected(
        represented.combination,
        represented.ids,
        tuple(represented.labels.tolist()),
        common,
        specific,
        silhouette,
        *probes,
    )


def _in_two_dimensions(values: Values, seed: int) -> Places:
    """PCA and then t-SNE: the same values and seed give the same picture."""
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    reduced = PCA(min(_KEPT_DIMENSIONS, *values.shape), random_state=seed).fit_transform(values)
    perplexity = min(_PERPLEXITY, (len(values) - 1) / 3)
    tsne = TSNE(init="pca", perplexity=perplexity, random_state=seed)
    return np.asarray(tsne.fit_transform(reduced), dtype=np.float64)


def _label_from(
    values: Values, labels: Values, groups: npt.NDArray[np.int64], *, task: Task, seed: int
) -> float | None:
    """Mean recall of a ridge classifier that is asked about dialogues that it was not fitted on."""
    from sklearn.linear_model import RidgeClassifierCV
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if task is Task.REGRESSION:
        values, groups, labels = values[labels != 0], groups[labels != 0], labels[labels != 0] > 0
    classes, counts = np.unique(labels, return_counts=True)
    num_folds = min(_NUM_FOLDS, len(np.unique(groups)), int(counts.min(initial=_NUM_FOLDS)))
    if len(classes) < 2 or num_folds < 2:
        return None
    folds = StratifiedGroupKFold(num_folds, shuffle=True, random_state=seed)
    told = np.empty_like(labels)
    for train, test in folds.split(values, labels, groups):
        if len(np.unique(labels[train])) < 2:
            return None
        ridge = RidgeClassifierCV(_PENALTIES, class_weight="balanced")
        probe = make_pipeline(StandardScaler(), ridge).fit(values[train], labels[train])
        told[test] = probe.predict(values[test])
    return float(balanced_accuracy_score(labels, told))
