"""Two experiments that met the same test, compared condition by condition in pairs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from statistics import fmean

from mculora.errors import InputError
from mculora.evaluation.bootstrap import MEAN, draw, resample
from mculora.evaluation.metrics import LOWER_IS_BETTER
from mculora.evaluation.predicted import PredictedTest
from mculora.evaluation.statistics import Intervals
from mculora.evaluation.tallies import Clusters
from mculora.modality import NUM_COMBINATIONS


@dataclass(frozen=True)
class Side:
    """One side of a comparison: a method of an experiment, under the experiment's name."""

    experiment: str
    record: PredictedTest
    method: str


@dataclass(frozen=True)
class PairedDifference:
    """How far A is from B in a metric, with their means over the shared seeds.

    Attributes:
        a: A's mean; None where the metric is undefined for a seed of either. So below.
        b: B's mean.
        difference: A's less B's.
        num_ahead: With how many seeds A is better, which may be less: `LOWER_IS_BETTER`.
        num_seeds: How many there are.
        intervals: Of the difference.
    """

    a: float | None
    b: float | None
    difference: float | None
    num_ahead: int
    num_seeds: int
    intervals: Intervals


def compare_pairs(
    a: Side, b: Side, metric: str, *, clusters: Clusters, seed: int = 0
) -> dict[str, PairedDifference]:
    """Compare two methods on the same utterances, with the seeds that both have.

    Args:
        a: What is ahead where differences are above 0.
        b: What it is compared with; see `check_comparable`.
        metric: Its name.
        clusters: Of the utterances.
        seed: Of the bootstrap.

    Returns:
        By combination, under `MEAN`, and by the conditions of missing rates that both have.

    Raises:
        InputError: The two did not meet the same test, or a method or the metric does not exist.
    """
    check_comparable(a, b)
    seeds = [s for s in a.record.seeds if s in b.record.seeds]
    draws = draw(clusters, len(seeds), seed=seed)
    sides = [
        resample(_with_seeds(side.record, seeds), side.method, clusters=clusters, draws=draws)
        for side in (a, b)
    ]
    known = sides[0].metrics
    if metric not in known:
        raise InputError("metric", found=repr(metric), expected=f"one of {', '.join(known)}")
    ours, theirs = (side.only(metric, _shared(a.record, b.record)) for side in sides)
    difference, sign = ours.minus(theirs), -1 if metric in LOWER_IS_BETTER else 1
    found = {}
    for name in difference.metrics[metric]:
        pairs = [d for d in difference.by_seed(metric, name) if d is not None]
        is_defined = len(pairs) == len(seeds)
        found[name] = PairedDifference(
            a=_mean(ours.by_seed(metric, name)) if is_defined else None,
            b=_mean(theirs.by_seed(metric, name)) if is_defined else None,
            difference=fmean(pairs) if is_defined else None,
            num_ahead=sum(sign * d > 0 for d in pairs),
            num_seeds=len(seeds),
            intervals=difference.intervals(metric, name),
        )
    return found


def check_comparable(a: Side, b: Side) -> None:
    """Refuse two experiments that did not meet the same test.

    Raises:
        InputError: Says what is not the same: the task or its classes, the utterances, the folds,
            the labels, or the masks of a condition; or there is no such method, or no shared seed.
    """
    for side in (a, b):
        if side.method not in side.record.predictions:
            methods = ", ".join(side.record.predictions)
            raise InputError(f"{side.experiment}: method", found=side.method, expected=methods)
    where = f"{a.experiment} and {b.experiment}"
    for what in _differing(a.record, b.record):
        expected = "the same test: utterances, folds, labels and masks"
        raise InputError(where, found=f"different {what}", expected=expected)
    if not set(a.record.seeds) & set(b.record.seeds):
        found = f"seeds {a.record.seeds} and {b.record.seeds}"
        raise InputError(where, found=found, expected="at least one seed that both have")


def _differing(a: PredictedTest, b: PredictedTest) -> Iterator[str]:
    """What is not the same, the most telling first."""
    if a.task != b.task:
        yield f"tasks, {a.task} and {b.task}"
    elif a.class_names != b.class_names:
        yield f"classes, {', '.join(a.class_names)} and {', '.join(b.class_names)}"
    elif a.ids != b.ids:
        alone = sorted(set(a.ids) ^ set(b.ids))
        others = f"utterances ({alone[0]} and {len(alone) - 1} more in one only)" if alone else ""
        yield others or "order of the utterances"
    elif a.folds != b.folds or not a.fold.equal(b.fold):
        yield "folds"
    elif not a.labels.equal(b.labels):
        places = (a.labels != b.labels).nonzero()[:, 0].tolist()
        yield f"labels of {a.ids[places[0]]} and {len(places) - 1} more"
    else:
        yield from (
            f"masks or absent modalities under {condition}"
            for condition in a.conditions
            if condition in b.left and not a.left[condition].equal(b.left[condition])
        )


def _shared(a: PredictedTest, b: PredictedTest) -> tuple[str, ...]:
    """The seven combinations, their mean, and the missing rates that both were tested under."""
    rates = [c for c in a.conditions[NUM_COMBINATIONS:] if c in b.left]
    return (*a.conditions[:NUM_COMBINATIONS], MEAN, *rates)


def _with_seeds(record: PredictedTest, seeds: list[int]) -> PredictedTest:
    """The record of some of its seeds."""
    places = [record.seeds.index(seed) for seed in seeds]
    return replace(
        record,
        seeds=tuple(seeds),
        predictions={method: said[places] for method, said in record.predictions.items()},
        common=record.common[places],
        weight=record.weight[places],
    )


def _mean(values: list[float | None]) -> float:
    return fmean(v for v in values if v is not None)
