"""The tables of what was tested, and of what it was tested on."""

from __future__ import annotations

from mculora.modality import ModalityCombination
from pipeline.page.evaluation import Evaluation, Summaries
from pipeline.page.table import (
    MEAN,
    Cell,
    Row,
    Table,
    count_cell,
    difference_cell,
    interval_cell,
    summary_cell,
)
from pipeline.page.wording import UNDEFINED, best, method_label, metric_label, number, plural


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
                summary_cell(
                    candidates.get(name, {}).get(metric), metric, strong=winners[word] == name
                )
                for word, candidates in columns.items()
            ),
        )
        for name in evaluation.shown
    ]
    majority = evaluation.majority.get(metric)
    floor = Cell(
        f"{number(majority, metric)}, whatever is available", span=8, values={"": majority}
    )
    return Table(
        caption=metric_label(metric),
        header=("Method", *words, MEAN),
        rows=(*rows, Row("Majority class", (floor,))),
        foot=_utterance_row(evaluation) if metric == evaluation.primary else None,
        name="combinations" if metric == evaluation.primary else f"combinations-{metric}",
        note=_spread_note(evaluation),
    )


def _spread_note(evaluation: Evaluation) -> str:
    """What is bold, and what ± means."""
    if evaluation.num_seeds == 1:
        return "Bold: best of its column."
    seeds = ", ".join(map(str, evaluation.seeds))
    return f"Bold: best of its column; mean ± standard deviation over seeds {seeds}."


def _utterance_row(evaluation: Evaluation) -> Row:
    """How many test utterances offer anything of each combination."""
    tested = evaluation.methods[evaluation.main].combinations
    counts = [
        count_cell(tested[c.word].num_utterances if c.word in tested else None)
        for c in ModalityCombination
    ]
    return Row("Test utterances", (*counts, Cell("")))


def missing_rate_table(evaluation: Evaluation) -> Table:
    """The primary metric over missing rates, with the rate that the masks really reached."""
    metric = evaluation.primary
    rows = []
    for rate in evaluation.nominal_rates:
        tested = {k: m.missing_rates.get(rate) for k, m in evaluation.shown.items()}
        winner = best({k: t.metrics for k, t in tested.items() if t}, metric)
        facts = next(evaluation.by_rate(rate))
        realised = UNDEFINED if facts.realised is None else f"{facts.realised:.3f}"
        cells = [Cell(realised, values={"": facts.realised}), count_cell(facts.num_utterances)]
        for name, result in tested.items():
            summary = result.metrics.get(metric) if result else None
            cells.append(summary_cell(summary, metric, strong=winner == name))
        rows.append(Row(rate, tuple(cells)))
    names = tuple(method_label(name) for name in evaluation.shown)
    return Table(
        f"{metric_label(metric)} over missing rates",
        ("Nominal rate", "Realised", "Utterances", *names),
        tuple(rows),
        name="missing-rates",
        note=f"{_spread_note(evaluation)} At least one modality is left of every utterance, so a "
        "nominal rate of 0.7 can realise 0.667 at most.",
        kind="narrow",
    )


def ablation_table(evaluation: Evaluation) -> Table:
    """Ours and, below, what is left of it without one of its parts."""
    metric = evaluation.primary
    rows = []
    for name, result in evaluation.in_groups("main", "ablation").items():
        versus = result.against(evaluation.main)
        cells = (
            summary_cell(result.validation_mean(metric), metric),
            summary_cell(result.mean_of_combinations.get(metric), metric),
            difference_cell(versus, metric),
            interval_cell(versus, metric),
        )
        rows.append(Row(method_label(name), cells))
    ours = method_label(evaluation.main)
    return Table(
        f"{metric_label(metric)}, mean over the seven",
        ("Method", "Validation", "Test", f"Difference to {ours}", "95 % interval"),
        tuple(rows),
        name="ablations",
        note="The difference is that of pairs that share a seed and a fold; its interval is "
        f"Student's t over {_pairs(evaluation)}, not corrected for how many rows there are. Where "
        "it spans zero, these runs do not tell whether the part helps.",
    )


def _pairs(evaluation: Evaluation) -> str:
    """What methods are compared over: folds where there are several, else seeds."""
    if len(evaluation.folds) > 1:
        return plural(len(evaluation.folds), "fold")
    return plural(evaluation.num_seeds, "seed")


def rank_table(evaluation: Evaluation) -> Table:
    """Every rank that was trained, the smallest first."""
    metric = evaluation.primary
    rows = []
    for rank, result in evaluation.by_rank:
        cells = (
            count_cell(result.num_parameters),
            summary_cell(result.validation_mean(metric), metric),
            summary_cell(result.mean_of_combinations.get(metric), metric),
        )
        rows.append(Row(str(rank), cells))
    header = ("Rank", "Parameters", "Validation", "Test")
    caption = f"{metric_label(metric)}, mean over the seven, by rank"
    return Table(caption, header, tuple(rows), name="ranks", kind="narrow")


def feature_table(evaluation: Evaluation) -> Table:
    """Which encoder made each modality's features, and for how many utterances."""
    rows = tuple(
        Row(
            modality,
            (
                Cell(facts.encoder),
                Cell(facts.revision),
                count_cell(facts.width),
                count_cell(facts.available),
                count_cell(sum(facts.absent.values())),
            ),
        )
        for modality, facts in evaluation.features.items()
    )
    header = ("Modality", "Encoder", "Revision", "Width", "Available", "Absent")
    return Table("Features, per modality", header, rows, name="features", kind="words")


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
        Row(reason, (Cell(where), count_cell(count)))
        for reason, where, count in sorted(
            causes, key=lambda cause: (-cause[2], cause[1], cause[0])
        )
    )
    header = ("Reason", "Missing from", "Count")
    return Table("What is missing, and why", header, rows, name="missing", kind="words")


def _under_combination(evaluation: Evaluation, word: str) -> dict[str, Summaries]:
    """Each method's metrics under one combination."""
    return {
        name: result.combinations[word].metrics
        for name, result in evaluation.shown.items()
        if word in result.combinations
    }
