"""What is taken for what: recall of every class, and the confusions under each combination."""

from __future__ import annotations

from mculora.modality import ModalityCombination
from pipeline.page.drawing import Drawing
from pipeline.page.evaluation import Evaluation
from pipeline.page.heat_map import HeatMap, draw_heat_map
from pipeline.page.table import Row, Table, count_cell, summary_cell
from pipeline.page.wording import method_label

WORDS = [c.word for c in ModalityCombination]


def recall_table(evaluation: Evaluation) -> Table | None:
    """Our recall: classes down, combinations across; None where it was not counted."""
    tested = evaluation.methods[evaluation.main].combinations
    words = [word for word in WORDS if word in tested and tested[word].recall]
    if not words:
        return None
    sizes = _class_sizes(evaluation)
    rows = [
        Row(
            _class_label(name),
            (
                count_cell(sizes.get(name)),
                *(summary_cell(tested[word].recall.get(name), "recall") for word in words),
            ),
        )
        for name in evaluation.classes
    ]
    return Table(
        f"Recall of {method_label(evaluation.main)} (%), by class",
        ("Class", "Utterances", *words),
        tuple(rows),
        name="recall",
        note=f"Utterances: those of the class that offer anything of {words[0]}.",
    )


def confusion_figure(evaluation: Evaluation) -> Drawing | None:
    """Our confusions, a panel per combination; None where they were not counted."""
    tested = evaluation.methods[evaluation.main].combinations
    names = [_class_label(name) for name in evaluation.classes]
    panels = {
        word: draw_heat_map(
            HeatMap(
                f"{word}: what is true (rows) and what it was taken for (columns), % of the row; "
                "the diagonal is the recall in the table above",
                names,
                _shares(names, tested[word].confusion),
                scale=1.0,
                corner=word,
                is_percent=True,
            )
        )
        for word in WORDS
        if word in tested and tested[word].confusion
    }
    if not panels:
        return None
    return Drawing(
        "confusion",
        panels,
        "Rows: what is true. Columns: what it was taken for, in % of the row, over all seeds"
        f"{' and folds' if len(evaluation.folds) > 1 else ''}.",
    )


def _shares(names: list[str], counts: list[list[int]]) -> dict[tuple[str, str], float]:
    """The share of each row; a class without utterances has none."""
    return {
        (true, taken): count / sum(row)
        for true, row in zip(names, counts, strict=True)
        for taken, count in zip(names, row, strict=True)
        if sum(row)
    }


def _class_sizes(evaluation: Evaluation) -> dict[str, int]:
    """Test utterances of each class, of which the fullest combination has anything."""
    tested = evaluation.methods[evaluation.main].combinations.get(WORDS[0])
    if tested is None:
        return {}
    return {
        name: round(sum(row) / evaluation.num_seeds)
        for name, row in zip(evaluation.classes, tested.confusion, strict=True)
    }


def _class_label(name: str) -> str:
    return name.replace("-", "−") if name[1:].isdigit() else name
