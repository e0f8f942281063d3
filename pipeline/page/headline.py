"""The page's first sentence, made from the numbers alone, flattering or not."""

from __future__ import annotations

from dataclasses import dataclass

from mculora.evaluation.comparison import Comparison
from pipeline.page.evaluation import Evaluation
from pipeline.page.wording import (
    METHOD_EXPLAINED,
    METRICS,
    interval,
    method_in_sentence,
    method_label,
    number,
    plural,
    spread,
)


@dataclass(frozen=True)
class Figure:
    """One large number: what it is, its value, and what that means."""

    label: str
    value: str
    note: str


def headline(evaluation: Evaluation) -> str:
    """What was tested and what came out, in one honest sentence."""
    metric = evaluation.primary
    result = evaluation.methods[evaluation.main]
    ours = result.mean_of_combinations.get(metric)
    name = method_label(evaluation.main)
    if ours is None or ours.mean is None:
        return f"{name} has no defined {_in_sentence(metric)} on this test."
    seeds = plural(evaluation.num_seeds, "seed")
    sentence = (
        f"Over the seven combinations of audio, text and video that an utterance can offer, {name} "
        f"reaches a mean {_in_sentence(metric)} of {spread(ours, metric)} % "
        f"({'' if ours.sd is None else '± standard deviation over '}{seeds})"
    )
    parts = []
    if (floor := evaluation.majority[metric]) is not None:
        parts.append(_points(ours.mean - floor) + " the majority class")
    for other in evaluation.shown:
        if comparison := result.against(other):
            parts.append(_versus(comparison, method_in_sentence(other), metric))
    return f"{sentence}{': ' if parts else ''}{'; '.join(parts)}."


def figures(evaluation: Evaluation) -> list[Figure]:
    """The numbers of the headline, large: ours, the baselines and the majority class."""
    metric = evaluation.primary
    shown = [
        Figure(
            method_label(name),
            spread(result.mean_of_combinations.get(metric), metric),
            METHOD_EXPLAINED.get(name, ""),
        )
        for name, result in evaluation.shown.items()
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


def _versus(comparison: Comparison, other: str, metric: str) -> str:
    """How far ahead of another method, and how sure that is."""
    sentence = f"{_points(comparison.difference)} {other}"
    if comparison.over_both:
        low, high = comparison.over_both.low, comparison.over_both.high
        ends = f"{number(low, metric)} to {number(high, metric)}"
        sentence += f" (95 % interval {ends} over test data and seeds)"
        is_clear = low > 0 or high < 0
        return sentence if is_clear else f"{sentence}, no clear difference"
    pairs = f"{comparison.num_pairs} {comparison.pairs}"
    if comparison.low is None:
        one = comparison.pairs.removesuffix("s")
        return f"{sentence} (one {one}: no spread is known, so this decides nothing)"
    sentence += f" (95 % interval {interval(comparison, metric)} over {pairs})"
    return sentence if comparison.is_clear else f"{sentence}, no clear difference"
