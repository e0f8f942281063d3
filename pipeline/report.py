"""Stage `report`: what came out -> one page that opens offline, its figures and tables as files."""

from __future__ import annotations

from mculora.errors import InputError
from mculora.files import write_text
from pipeline.console import stage
from pipeline.layout import Layout, require
from pipeline.page.conflict import read_conflict
from pipeline.page.evaluation import read_evaluation
from pipeline.page.history import read_history
from pipeline.page.paper_files import write_figures, write_tables
from pipeline.page.render import page_content, render_page
from pipeline.page.table_files import provenance
from pipeline.params import read_params


def run() -> None:
    """Write the report of the dataset in params.yaml.

    Raises:
        MissingInputError: The results or the tables of training are not there yet.
        InputError: They are not what `mculora evaluate` and `mculora train` write, or the results
            are those of another dataset.
    """
    layout = Layout(read_params().dataset)
    require(layout.evaluation, command="mculora evaluate")
    reads = [layout.evaluation, layout.history, layout.conflict]
    for path in reads[1:]:
        require(path, command="mculora train")
    with stage("report", reads=reads, writes=layout.report) as facts:
        evaluation = read_evaluation(layout.evaluation)
        if evaluation.dataset != layout.dataset:
            raise InputError(
                layout.evaluation,
                found=f"results of {evaluation.dataset}",
                expected=f"results of {layout.dataset}",
                remedy="run `mculora evaluate`",
            )
        history, conflict = read_history(layout.history), read_conflict(layout.conflict)
        content = page_content(evaluation, history, conflict)
        write_text(layout.report, render_page(content))
        num_figures = write_figures(layout.figures, content)
        num_tables = write_tables(layout.tables, content, provenance(evaluation))
        facts.append(f"{len(evaluation.methods)} methods")
        facts.append(f"{num_figures} figures and {num_tables} tables as files beside it")
