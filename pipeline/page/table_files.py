"""The page's tables as files for papers: LaTeX as it is read, CSV with the numbers unrounded."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from pipeline.page.evaluation import Evaluation
from pipeline.page.table import Cell, Row, Table

_LATEX = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        **{"\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}"},
        **{"<": "\\textless{}", ">": "\\textgreater{}", "|": "\\textbar{}", '"': "''"},
        **{"−": "$-$", "–": "--", "±": "$\\pm$", "×": "$\\times$", "≥": "$\\geq$", "≤": "$\\leq$"},
        **{"²": "\\textsuperscript{2}", "’": "'", "…": "\\dots{}", "\n": " "},
    }
)


def provenance(evaluation: Evaluation) -> str:
    """What a table of results must say of itself where it stands alone."""
    seeds = ", ".join(map(str, evaluation.seeds))
    folds = len(evaluation.folds)
    each = f", each the mean of {folds} folds" if folds > 1 else ""
    return (
        f"Corpus {evaluation.dataset}, test split; epochs selected on the {evaluation.selection} "
        f"split; seeds {seeds}{each}."
    )


def latex_file(table: Table, provenance: str) -> str:
    """A table for the package booktabs, with its caption and label."""
    is_words = table.kind == "words"
    caption = [f"{table.caption.removesuffix('.')}.", table.note, "" if is_words else provenance]
    columns = "l" + ("l" if is_words else "r") * (len(table.header) - 1)
    return "\n".join(
        [
            "\\begin{table}  % \\usepackage{booktabs}",
            "\\centering",
            f"\\caption{{{escape(' '.join(filter(None, caption)))}}}",
            f"\\label{{tab:{table.name}}}",
            f"\\begin{{tabular}}{{{columns}}}",
            "\\toprule",
            _line(map(escape, table.header)),
            "\\midrule",
            *(_latex_row(row) for row in table.rows),
            *(["\\midrule", _latex_row(table.foot)] if table.foot else []),
            "\\bottomrule",
            "\\end{tabular}",
            "\\end{table}",
            "",
        ]
    )


def escape(text: str) -> str:
    """Text as LaTeX prints it."""
    return text.translate(_LATEX)


def csv_file(table: Table) -> str:
    """A table's numbers in their own units: a column for each value that its cells have."""
    rows = [*table.rows, *([table.foot] if table.foot else [])]
    heads = [row.head for row in rows]
    columns: list[list[object]] = [[table.header[0], *heads]]
    across = zip(table.header[1:], zip(*map(_spread_out, rows), strict=True), strict=True)
    for name, cells in across:
        columns += _columns(name, cells)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(zip(*columns, strict=True))
    return text.getvalue()


def _line(cells: Iterable[str]) -> str:
    return " & ".join(cells) + " \\\\"


def _latex_row(row: Row) -> str:
    return _line([escape(row.head), *map(_latex_cell, row.cells)])


def _latex_cell(cell: Cell) -> str:
    text = escape(cell.text)
    text = f"\\textbf{{{text}}}" if cell.strong else text
    return text if cell.span == 1 else f"\\multicolumn{{{cell.span}}}{{l}}{{{text}}}"


def _spread_out(row: Row) -> Iterator[Cell]:
    """One cell for every column: what spans several says the same of each."""
    for cell in row.cells:
        yield from [cell] * cell.span


def _columns(name: str, cells: tuple[Cell, ...]) -> Iterator[list[object]]:
    """The columns of a file that a column of the page makes, each under its name."""
    kinds = list(dict.fromkeys(kind for cell in cells for kind in cell.values))
    if not kinds:
        yield [name, *(cell.text for cell in cells)]
    for kind in kinds:
        values = (c.values.get(kind, "" if c.values or kind else c.text) for c in cells)
        yield [f"{name} {kind}".strip(), *values]
