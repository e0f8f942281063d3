"""The page's tables: rows of plain text and what to emphasise; the template draws them."""

from __future__ import annotations

from dataclasses import dataclass

from mculora.modality import ModalityCombination
from pipeline.page.evaluation import Evaluation, Summaries
from pipeline.page.wording import (
    UNDEFINED,
    best,
    interval,
    method_label,
    metric_label,
    number,
    signed,
    spread,
)

MEAN = "mean"


@dataclass(frozen=True)
class Cell:
    """One cell; `strong` marks the best of its column, `span` says how many columns it fills."""

    text: str
    strong: bool = False
    span: int = 1


@dataclass(frozen=True)
class Row:
    """A row: what it is about and its cells."""

    head: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Table:
    """A table: its caption, the header (first column first) and its rows."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[Row, ...]


def combination_table(evaluation: Evaluation, metric: str) -> Table:
    """One metric: methods down, the seven combinations and their mean across."""
    words = [c.word for c in ModalityCombination]
    columns = {word: _under_combination(evaluation, word) for word in words}
    columns[MEAN] = {k: m.mean_of_combinations for k, m in evaluation.shown.items()}
    winners = {word: best(candidates, metric) for word, candidates in columns.items()}
    rows = [
        Row(
            method_label(name),
            tuple(
                Cell(
                    spread(candidates.get(name, {}).get(metric), metric),
                    strong=winners[word] == name,
                )
                for word, candidates in columns.items()
            ),
        )
        for name in evaluation.shown
    ]
    floor = number(evaluation.majority.get(metric), metric)
    rows.append(Row("Majority class", (Cell(f"{floor}, whatever is available", span=8),)))
    return Table(metric_label(metric), ("Method", *words, MEAN), tuple(rows))


def utterance_row(evaluation: Evaluation) -> Row:
    """How many test utterances offer anything of each combination."""
    first = evaluation.methods[evaluation.main]
    counts = [
        str(first.combinations[c.word].num_utterances) if c.word in first.combinations else "–"
        for c in ModalityCombination
    ]
    return Row("Test utterances", (*(Cell(count) for count in counts), Cell("")))


def missing_rate_table(evaluation: Evaluation) -> Table:
    """The primary metric over missing rates, with the rate that the masks really reached."""
    metric = evaluation.primary
    rows = []
    for rate in evaluation.nominal_rates:
        tested = {k: m.missing_rates.get(rate) for k, m in evaluation.shown.items()}
        winner = best({k: t.metrics for k, t in tested.items() if t}, metric)
        facts = next(evaluation.by_rate(rate))
        realised = "–" if facts.realised is None else f"{facts.realised:.3f}"
        cells = [Cell(realised), Cell(str(facts.num_utterances))]
        for name, result in tested.items():
            summary = result.metrics.get(metric) if result else None
            cells.append(Cell(spread(summary, metric), strong=winner == name))
        rows.append(Row(rate, tuple(cells)))
    names = tuple(method_label(name) for name in evaluation.shown)
    return Table(
        f"{metric_label(metric)} over missing rates",
        ("Nominal rate", "Realised", "Utterances", *names),
        tuple(rows),
    )


def ablation_table(evaluation: Evaluation) -> Table:
    """Ours and, below, what is left of it without one of its parts."""
    metric = evaluation.primary
    rows = []
    for name, result in evaluation.in_groups("main", "ablation").items():
        versus = result.against(evaluation.main)
        cells = (
            spread(result.validation_mean(metric), metric),
            spread(result.mean_of_combinations.get(metric), metric),
            signed(versus.difference, metric) if versus else UNDEFINED,
            interval(versus, metric) if versus else UNDEFINED,
        )
        rows.append(Row(method_label(name), tuple(Cell(text) for text in cells)))
    ours = method_label(evaluation.main)
    header = ("Method", "Validation", "Test", f"Difference to {ours}", "95 % interval")
    return Table(f"{metric_label(metric)}, mean over the seven", header, tuple(rows))


def rank_table(evaluation: Evaluation) -> Table:
    """Every rank that was trained, the smallest first."""
    metric = evaluation.primary
    rows = []
    for rank, result in evaluation.by_rank:
        cells = (
            f"{result.num_parameters:,}",
            spread(result.validation_mean(metric), metric),
            spread(result.mean_of_combinations.get(metric), metric),
        )
        rows.append(Row(str(rank), tuple(Cell(text) for text in cells)))
    header = ("Rank", "Parameters", "Validation", "Test")
    return Table(f"{metric_label(metric)}, mean over the seven, by rank", header, tuple(rows))


def feature_table(evaluation: Evaluation) -> Table:
    """Which encoder made each modality's features, and for how many utterances."""
    rows = tuple(
        Row(
            modality,
            (
                Cell(facts.encoder),
                Cell(facts.revision),
                Cell(str(facts.width)),
                Cell(str(facts.available)),
                Cell(str(sum(facts.absent.values()))),
            ),
        )
        for modality, facts in evaluation.features.items()
    )
    header = ("Modality", "Encoder", "Revision", "Width", "Available", "Absent")
    return Table("Features, per modality", header, rows)


def loss_table(evaluation: Evaluation) -> Table:
    """What is not there and why: dropped from the corpus, or absent from a modality."""
    causes = [
        *((reason, "corpus", count) for reason, count in evaluation.corpus.dropped.items()),
        *(
            (reason, modality, count)
            for modality, facts in evaluation.features.items()
            for reason, count in facts.absent.items()
        ),
    ]
    rows = tuple(
        Row(reason, (Cell(where), Cell(str(count))))
        for reason, where, count in sorted(
            causes, key=lambda cause: (-cause[2], cause[1], cause[0])
        )
    )
    return Table("What is missing, and why", ("Reason", "Missing from", "Count"), rows)


def _under_combination(evaluation: Evaluation, word: str) -> dict[str, Summaries]:
    """Each method's metrics under one combination."""
    return {
        name: result.combinations[word].metrics
        for name, result in evaluation.shown.items()
        if word in result.combinations
    }
