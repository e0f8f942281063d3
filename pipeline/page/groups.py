"""Whom our method serves worse: a table or, of many groups, their distribution and its ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mculora.evaluation.groups import LEAST_UTTERANCES, Grouping, GroupScore
from pipeline.page.chart import Axis, Chart, Point, Series, Tick, draw, nice_axis
from pipeline.page.drawing import Drawing
from pipeline.page.evaluation import Evaluation
from pipeline.page.table import Row, Table, count_cell, summary_cell
from pipeline.page.wording import metric_label, number, plural, scaled, spread

MOST_ROWS = 12
NUM_EXTREMES = 5
"""Of more groups than fit, so many at each end."""
FEW_UTTERANCES = 100
"""Below, a group's result is called uncertain."""


@dataclass(frozen=True)
class GroupPart:
    """The groups of one kind.

    Attributes:
        kind: What they are: "speaker".
        table: All of them, or the ends.
        figure: The distribution, where there are too many for a table.
        sentences: What is to be said of them.
    """

    kind: str
    table: Table
    figure: Drawing | None
    sentences: tuple[str, ...]


def group_parts(evaluation: Evaluation) -> list[GroupPart]:
    """A part for each kind of group of which any has enough utterances."""
    return [
        GroupPart(
            kind,
            _table(kind, grouping, evaluation.primary),
            _figure(kind, grouping, evaluation.primary),
            tuple(_sentences(kind, grouping, evaluation.primary)),
        )
        for kind, grouping in evaluation.groups.items()
        if grouping.groups
    ]


def untold(groups: Mapping[str, Grouping]) -> str:
    """What to say where no group can be shown."""
    if not groups:
        return "The corpus tells neither speaker nor gender nor session of its test utterances."
    kinds = " and ".join(groups)
    return f"No {kinds} has {LEAST_UTTERANCES} test utterances: too few to score."


def _table(kind: str, grouping: Grouping, metric: str) -> Table:
    ordered = _by_score(grouping)
    is_long = len(ordered) > MOST_ROWS
    shown = [*ordered[:NUM_EXTREMES], *ordered[-NUM_EXTREMES:]] if is_long else grouping.groups
    rows = tuple(
        Row(
            group.name,
            (
                count_cell(group.num_utterances),
                summary_cell(group.full, metric),
                summary_cell(group.mean, metric),
            ),
        )
        for group in shown
    )
    which = f", the {NUM_EXTREMES} lowest and the {NUM_EXTREMES} highest" if is_long else ""
    return Table(
        f"{metric_label(metric)} by {kind}{which}",
        (kind.capitalize(), "Utterances", "atv", "Mean of the seven"),
        rows,
        name=f"by-{kind}",
    )


def _figure(kind: str, grouping: Grouping, metric: str) -> Drawing | None:
    """Every group, from the lowest to the highest; None where the table has them all."""
    ordered = _by_score(grouping)
    if len(ordered) <= MOST_ROWS:
        return None
    points = tuple(
        Point(
            float(place),
            scaled(group.full.mean, metric),
            note=f"{group.name}: {spread(group.full, metric)}, "
            f"{plural(group.num_utterances, 'utterance')}",
        )
        for place, group in enumerate(ordered, 1)
    )
    heights = [point.y for point in points if point.y is not None]
    ticks = (Tick(1, "lowest"), Tick(len(points), "highest"))
    chart = Chart(
        title=f"{metric_label(metric)} of each {kind}, from the lowest to the highest",
        x=Axis(f"{len(points)} {kind}s", 0, len(points) + 1, ticks),
        y=nice_axis(heights, metric_label(metric), at_least=5),
        series=(Series("s0", points, has_line=False),),
    )
    return Drawing(f"by-{kind}", {"all": draw(chart)}, f"Under atv, a mark per {kind}.")


def _by_score(grouping: Grouping) -> list[GroupScore]:
    """Those that have a score, the lowest first."""
    scored = [group for group in grouping.groups if group.full.mean is not None]
    return sorted(scored, key=lambda group: (group.full.mean or 0.0, group.name))


def _sentences(kind: str, grouping: Grouping, metric: str) -> list[str]:
    said = []
    if gap := grouping.gap:
        is_chance = gap.difference <= gap.by_chance
        said.append(
            f"The largest gap under atv is {number(gap.difference, metric)}, between {gap.highest} "
            f"and {gap.lowest}. Where groups mean nothing it stays below "
            f"{number(gap.by_chance, metric)} in 95 % of cases, so this one is "
            f"{'no more than chance makes' if is_chance else 'hardly chance alone'} "
            f"(p = {gap.p_value:.3f})."
        )
    if any(group.num_utterances < FEW_UTTERANCES for group in grouping.groups):
        said.append(
            f"Groups of fewer than {FEW_UTTERANCES} utterances are small: their numbers move by "
            "several points by chance."
        )
    if grouping.num_small:
        less = f"fewer than {LEAST_UTTERANCES} test utterances"
        said.append(f"{plural(grouping.num_small, kind)} with {less}: not scored.")
    if grouping.num_untold:
        said.append(f"{plural(grouping.num_untold, 'utterance')} without a {kind}.")
    return said
