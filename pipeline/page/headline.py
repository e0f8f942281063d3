"""The page's first sentence, made from the numbers alone, flattering or not."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, stdev

from mculora.evaluation.statistics import Summary
from pipeline.page.evaluation import Evaluation
from pipeline.page.wording import METHOD_EXPLAINED, METRICS, method_label, number, plural, spread


@dataclass(frozen=True)
class Figure:
    """One large number: what it is, its value, and what that means."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Comparison:
    """One method against another, seed by seed.

    Attributes:
        difference: Mean of the paired differences.
        sd: Their sample standard deviation, None with fewer than two seeds.
        num_ahead: On how many seeds the first is ahead.
        num_seeds: How many seeds have both.
    """

    difference: float
    sd: float | None
    num_ahead: int
    num_seeds: int

    @property
    def is_clear(self) -> bool:
        """Whether two or more seeds all agree on who is ahead, by more than one sd."""
        if self.sd is None or self.difference == 0:
            return False
        agree = self.num_ahead if self.difference > 0 else self.num_seeds - self.num_ahead
        return agree == self.num_seeds and abs(self.difference) > self.sd


def compare(ours: Summary, theirs: Summary) -> Comparison | None:
    """Pair two methods' values seed by seed; None where no seed has both."""
    differences = [
        a - b
        for a, b in zip(ours.values, theirs.values, strict=False)
        if a is not None and b is not None
    ]
    if not differences:
        return None
    return Comparison(
        difference=fmean(differences),
        sd=stdev(differences) if len(differences) > 1 else None,
        num_ahead=sum(difference > 0 for difference in differences),
        num_seeds=len(differences),
    )


def headline(evaluation: Evaluation) -> str:
    """What was tested and what came out, in one honest sentence."""
    first, *others = evaluation.methods
    metric = evaluation.primary
    ours = evaluation.methods[first].mean_of_combinations.get(metric)
    name = method_label(first)
    if ours is None or ours.mean is None:
        return f"{name} has no defined {_in_sentence(metric)} on this test."
    seeds = plural(evaluation.num_seeds, "seed")
    parts = [
        f"Over the seven combinations of audio, text and video that an utterance can offer, {name} "
        f"reaches a mean {_in_sentence(metric)} of {spread(ours, metric)} % "
        f"({'' if ours.sd is None else '± standard deviation over '}{seeds})"
    ]
    if (floor := evaluation.majority[metric]) is not None:
        parts.append(_points(ours.mean - floor) + " the majority class")
    for other in others:
        theirs = evaluation.methods[other].mean_of_combinations.get(metric)
        comparison = compare(ours, theirs) if theirs else None
        if comparison:
            parts.append(_versus(comparison, _named(other)))
    return _joined(parts) + "."


def figures(evaluation: Evaluation) -> list[Figure]:
    """The numbers of the headline, large: every method and the majority class."""
    metric = evaluation.primary
    shown = [
        Figure(
            method_label(name),
            spread(result.mean_of_combinations.get(metric), metric),
            METHOD_EXPLAINED.get(name, ""),
        )
        for name, result in evaluation.methods.items()
    ]
    floor = number(evaluation.majority[metric], metric)
    return [*shown, Figure("Majority class", floor, "always the most frequent training answer")]


def _in_sentence(metric: str) -> str:
    """A metric's name in the middle of a sentence: "weighted F1 (negative / positive)"."""
    name, _, aside = METRICS.get(metric, metric).partition(", ")
    name = name if name[:2].isupper() else name[0].lower() + name[1:]
    return f"{name} ({aside})" if aside else name


def _points(difference: float) -> str:
    """A difference in percentage points, in words."""
    points = f"{abs(100 * difference):.1f} points"
    if points == "0.0 points":
        return "level with"
    return f"{points} {'above' if difference > 0 else 'below'}"


def _named(method: str) -> str:
    """A method in the middle of a sentence: "the dropout baseline"."""
    label = method_label(method)
    return f"the {label[0].lower()}{label[1:]}" if label.endswith("baseline") else label


def _versus(comparison: Comparison, other: str) -> str:
    """How clear the difference to another method is."""
    sentence = f"{_points(comparison.difference)} {other}"
    seeds = f"{comparison.num_ahead} of {plural(comparison.num_seeds, 'seed')}"
    if comparison.sd is None:
        return f"{sentence} (one seed: no spread is known, so this decides nothing)"
    if comparison.is_clear:
        return f"{sentence} (ahead on {seeds})"
    return f"{sentence}, which is no clear difference (ahead on {seeds})"


def _joined(parts: list[str]) -> str:
    """Join the result and its comparisons as a person would."""
    result, *comparisons = parts
    if not comparisons:
        return result
    *most, last = comparisons
    return f"{result}: {', '.join(most)}{' and ' if most else ''}{last}"
