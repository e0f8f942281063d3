"""Means over folds, combinations and seeds, and the spread over seeds; None stays out of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any, TypedDict

INTERVALS = ("over_utterances", "over_seeds", "over_both")
"""What the bootstrap resamples."""


@dataclass(frozen=True)
class Interval:
    """A 95 % interval, in units of what it is of."""

    low: float
    high: float


class Intervals(TypedDict, total=False):
    """The intervals of one number, by what is resampled; those that there are."""

    over_utterances: Interval
    over_seeds: Interval
    over_both: Interval


@dataclass(frozen=True)
class Summary:
    """One metric over the seeds.

    The intervals are of the mean, by the bootstrap; None where there are none: with one seed over
    seeds and over both, and where the metric is undefined or nobody has resampled.

    Attributes:
        mean: Mean of the defined values, None if there is none.
        sd: Their sample standard deviation (n - 1); None below two values: one run shows no spread.
        values: One value per seed, None where the metric is undefined.
        over_utterances: What other test utterances would make of it, with these networks.
        over_seeds: What other seeds would make of it, on these utterances.
        over_both: What both would: of the three, the one to quote.
    """

    mean: float | None
    sd: float | None
    values: tuple[float | None, ...]
    over_utterances: Interval | None = None
    over_seeds: Interval | None = None
    over_both: Interval | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the form that evaluation.json holds, without the intervals that there are not."""
        intervals = {name: getattr(self, name) for name in INTERVALS}
        found = {name: asdict(interval) for name, interval in intervals.items() if interval}
        return {"mean": self.mean, "sd": self.sd, "values": list(self.values), **found}


def summarise(values: Iterable[float | None]) -> Summary:
    """Summarise one metric, one value per seed."""
    all_values = tuple(values)
    defined = [value for value in all_values if value is not None]
    return Summary(
        mean=fmean(defined) if defined else None,
        sd=stdev(defined) if len(defined) > 1 else None,
        values=all_values,
    )


def summarise_metrics(per_seed: Sequence[Mapping[str, float | None]]) -> dict[str, Summary]:
    """Summarise each metric over the seeds; every seed has the same metrics."""
    return {name: summarise(metrics[name] for metrics in per_seed) for name in _names(per_seed)}


def mean_metrics(parts: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    """Average each metric over folds or combinations of one seed, leaving out None."""
    return {name: summary.mean for name, summary in summarise_metrics(parts).items()}


def _names(parts: Sequence[Mapping[str, float | None]]) -> list[str]:
    return list(parts[0]) if parts else []
