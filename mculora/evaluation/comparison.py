"""How far one method is ahead of another, pair by pair, and how far chance alone might take it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any, Literal, TypeAlias

from mculora.evaluation.statistics import INTERVALS, Interval

SeedValues: TypeAlias = Mapping[int, Sequence[float | None]]
"""A metric of one method by seed: a value per fold, None where it is undefined."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Comparison:
    """The paired differences of two methods in a metric of which more is better.

    The interval from `low` to `high` says what other seeds, or other folds, would make of the
    difference. It does not say what other test utterances would, and folds share training data,
    which makes it a little too narrow over them. The bootstrap's intervals say the rest.

    Attributes:
        difference: Mean of the pairs' differences, above 0 where the first method is ahead.
        sd: Their sample standard deviation (n - 1); None with one pair.
        low: Lower end of the 95 % interval of the mean; None with one pair.
        high: Its upper end.
        p_value: Of the two-sided paired t-test, in [0, 1]; None with one pair.
        num_ahead: In how many pairs the first method is ahead.
        num_pairs: How many pairs both have a value in, at least 1.
        pairs: What a pair is: a seed, or a fold with the mean over its seeds.
        over_utterances: What other test utterances would make of the difference, with these
            networks: 95 % by the paired bootstrap; None where nobody has resampled. So below.
        over_seeds: What other seeds would, on these utterances.
        over_both: What both would: of the three, the one to quote.
    """

    difference: float
    sd: float | None
    low: float | None
    high: float | None
    p_value: float | None
    num_ahead: int
    num_pairs: int
    pairs: Literal["seeds", "folds"]
    over_utterances: Interval | None = None
    over_seeds: Interval | None = None
    over_both: Interval | None = None

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes zero; one pair is never clear."""
        if self.low is None or self.high is None:
            return False
        return self.low > 0 or self.high < 0

    def as_json(self) -> dict[str, Any]:
        """Return the form that evaluation.json holds, without the intervals that there are not."""
        lacking = {name for name in INTERVALS if getattr(self, name) is None}
        return {key: value for key, value in asdict(self).items() if key not in lacking}


def compare(ours: SeedValues, theirs: SeedValues) -> Comparison | None:
    """Compare two methods that were trained with the same seeds on the same folds.

    One fold: seeds are the pairs. Several: folds are, each with its mean over seeds, because seeds
    that are tested on the same utterances are not independent of each other.

    The interval is Student's t of the paired differences and not a percentile bootstrap: five
    differences, resampled, spread too little (by a factor of sqrt(4 / 5) to begin with) and their
    percentiles ignore that the spread itself is a guess, so that a nominal 95 % covers about 84 %;
    t covers 95 % of differences that are roughly normal, as means over seven combinations are.

    Returns:
        None where no seed and fold has both values.
    """
    by_fold: dict[int, list[float]] = {}
    for seed in ours.keys() & theirs.keys():
        for fold, (a, b) in enumerate(zip(ours[seed], theirs[seed], strict=True)):
            differences = by_fold.setdefault(fold, [])
            if a is not None and b is not None:
                differences.append(a - b)
    if len(by_fold) > 1:
        return _of_pairs((fmean(d) for d in by_fold.values() if d), "folds")
    return _of_pairs((d for differences in by_fold.values() for d in differences), "seeds")


def _of_pairs(pairs: Iterable[float], kind: Literal["seeds", "folds"]) -> Comparison | None:
    differences = list(pairs)
    num_pairs = len(differences)
    if not num_pairs:
        return None
    difference = fmean(differences)
    sd = stdev(differences) if num_pairs > 1 else None
    reach = None if sd is None else _quantile(num_pairs) * sd / math.sqrt(num_pairs)
    return Comparison(
        difference=difference,
        sd=sd,
        low=None if reach is None else difference - reach,
        high=None if reach is None else difference + reach,
        p_value=None if sd is None else _p_value(difference, sd, num_pairs),
        num_ahead=sum(d > 0 for d in differences),
        num_pairs=num_pairs,
        pairs=kind,
    )


def _quantile(num_pairs: int) -> float:
    from scipy.stats import t  # type: ignore[import-untyped]

    return float(t.ppf((1 + CONFIDENCE) / 2, num_pairs - 1))


def _p_value(difference: float, sd: float, num_pairs: int) -> float:
    from scipy.stats import t

    if sd == 0:  # all pairs say the same: no difference at all, or no doubt
        return float(difference == 0)
    return float(2 * t.sf(abs(difference) / (sd / math.sqrt(num_pairs)), num_pairs - 1))
