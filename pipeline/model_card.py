"""The model card: what a run made of what, how well it works, and what it is not to be used for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from mculora.corpora.manifest import Task
from pipeline.exporting.terms import TERMS, encoder_terms
from pipeline.page.calibration import calibration_section
from pipeline.page.certainty import bootstrap_note, difference_table, interval_table, summary_table
from pipeline.page.evaluation import Evaluation
from pipeline.page.groups import group_parts, untold
from pipeline.page.headline import headline
from pipeline.page.table import Cell, Row, Table
from pipeline.page.table_files import provenance
from pipeline.page.tables import (
    combination_table,
    feature_table,
    loss_table,
    missing_rate_table,
    rank_table,
)
from pipeline.page.wording import METHOD_EXPLAINED, METRICS, method_label, plural

VOICES: Mapping[str, str] = {
    "sample": "nobody: drawn heads with a synthetic voice and generated English sentences",
    "mosei": "people who speak English to a camera, in videos that they published themselves",
    "mosi": "people who speak English to a camera, in videos that they published themselves",
    "iemocap4": "ten actors, five women and five men, who play scenes in English in a studio",
    "iemocap6": "ten actors, five women and five men, who play scenes in English in a studio",
    "clips": "whoever is in the clips that were given; describe them here before you pass this on",
}
"""In whose voice each dataset is."""
FEW_UTTERANCES = 1000
"""Below so many test utterances, the card says that they are few."""


@dataclass(frozen=True)
class Method:
    """A method of the main tables: its name, how large it is, and what it is."""

    label: str
    num_parameters: int
    meaning: str


def model_card(evaluation: Evaluation) -> str:
    """The card as Markdown, made from the results alone; the same results give the same bytes."""
    environment = Environment(
        loader=PackageLoader("pipeline", "page/templates"),
        autoescape=False,  # Markdown
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"plain": plain, "table": markdown_table}
    encoders = dict.fromkeys(facts.encoder for facts in evaluation.features.values())
    return environment.get_template("model_card.md").render(
        evaluation=evaluation,
        is_score=evaluation.task is Task.REGRESSION,
        is_published=evaluation.params.get("features") == "published",
        primary=METRICS.get(evaluation.primary, evaluation.primary),
        headline=headline(evaluation),
        provenance=provenance(evaluation),
        seeds=plural(evaluation.num_seeds, "seed"),
        folds=plural(len(evaluation.folds), "fold"),
        methods=[
            Method(method_label(name), result.num_parameters, METHOD_EXPLAINED.get(name, ""))
            for name, result in evaluation.shown.items()
        ],
        combinations=combination_table(evaluation, evaluation.primary),
        results=list(_results(evaluation)),
        bootstrap=bootstrap_note(evaluation),
        groups=group_parts(evaluation),
        untold=untold(evaluation.groups),
        calibration=calibration_section(evaluation),
        features=feature_table(evaluation),
        losses=loss_table(evaluation),
        voices=VOICES.get(evaluation.dataset, "not described here"),
        are_few=evaluation.corpus.splits.get("test", 0) < FEW_UTTERANCES,
        terms=TERMS.get(evaluation.dataset, "of its own: ask whoever has it"),
        encoder_terms={e: terms for e in encoders if (terms := encoder_terms(e))},
        params=yaml.safe_dump(evaluation.settings, sort_keys=False, allow_unicode=True),
    )


def markdown_table(table: Table) -> str:
    """A table as Markdown, the best of a column bold."""
    align = "---" if table.kind == "words" else "---:"
    rows = [*table.rows, *([table.foot] if table.foot else [])]
    lines = [
        _line(map(plain, table.header)),
        _line(["---", *[align] * (len(table.header) - 1)]),
        *(_line([plain(row.head), *_texts(row)]) for row in rows),
    ]
    return "\n".join([f"*{plain(table.caption)}*", "", *lines, *_note(table)])


def plain(text: object) -> str:
    """Text that means nothing but itself in Markdown, on one line."""
    one_line = " ".join(str(text).split())
    escaped = one_line.replace("\\", "\\\\").replace("&", "&amp;").replace("<", "&lt;")
    for character in "|*_`[]#":
        escaped = escaped.replace(character, f"\\{character}")
    return escaped


def _results(evaluation: Evaluation) -> Iterable[Table]:
    """The tables of results below the first, those that there are."""
    found = [interval_table(evaluation), summary_table(evaluation), difference_table(evaluation)]
    found += [missing_rate_table(evaluation)]
    found += [rank_table(evaluation)] if len(evaluation.by_rank) > 1 else []
    return (table for table in found if table is not None and table.rows)


def _texts(row: Row) -> list[str]:
    """A cell for each column: Markdown has no spans, so what follows a wide cell is empty."""
    return [text for cell in row.cells for text in (_text(cell), *[""] * (cell.span - 1))]


def _text(cell: Cell) -> str:
    return f"**{plain(cell.text)}**" if cell.strong else plain(cell.text)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _note(table: Table) -> list[str]:
    return ["", plain(table.note)] if table.note else []
