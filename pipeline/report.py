"""Stage `report`: what came out -> one page that opens offline, its figures, tables and card."""

from __future__ import annotations

from mculora.corpora.manifest import read_manifest
from mculora.corpora.utterance import Utterance
from mculora.errors import InputError
from mculora.evaluation.predicted import read_predictions
from mculora.files import write_text
from pipeline.console import stage
from pipeline.evaluating.representation_tables import read_points, read_separations
from pipeline.layout import Layout, require
from pipeline.model_card import model_card
from pipeline.page.case_media import CaseMedia, read_case_media
from pipeline.page.cases import CaseSection, case_section
from pipeline.page.conflict import read_conflict
from pipeline.page.evaluation import read_evaluation
from pipeline.page.history import read_history
from pipeline.page.paper_files import write_figures, write_tables
from pipeline.page.render import page_content, render_page
from pipeline.page.representations import representation_section
from pipeline.page.table_files import provenance
from pipeline.params import Params, read_params


def run() -> None:
    """Write the report of the dataset in params.yaml.

    Raises:
        MissingInputError: The results or the tables of training are not there yet.
        InputError: They are not what `mculora evaluate` and `mculora train` write, or the results
            are those of another dataset.
    """
    params = read_params()
    layout = Layout(params.dataset)
    reads = {
        **dict.fromkeys([layout.evaluation, layout.predictions], "mculora evaluate"),
        **dict.fromkeys([layout.representations, layout.separation], "mculora evaluate"),
        **dict.fromkeys([layout.history, layout.conflict], "mculora train"),
        layout.corpus: "mculora prepare",
    }
    for path, command in reads.items():
        require(path, command=command)
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
        content = page_content(
            evaluation,
            history,
            conflict,
            cases=_cases(params, layout),
            representations=representation_section(
                read_points(layout.representations), read_separations(layout.separation)
            ),
        )
        write_text(layout.report, render_page(content))
        num_figures = write_figures(layout.figures, content)
        num_tables = write_tables(layout.tables, content, provenance(evaluation))
        write_text(layout.model_card, model_card(evaluation))
        facts.append(f"{len(evaluation.methods)} methods")
        facts.append(f"{num_figures} figures, {num_tables} tables and the model card beside it")


def _cases(params: Params, layout: Layout) -> CaseSection:
    """The cases, with the media of those few that are shown; nothing that is missing stops it."""

    def look(utterance: Utterance) -> CaseMedia:
        return read_case_media(utterance, layout.raw) if params.report.media else CaseMedia()

    return case_section(
        read_predictions(layout.predictions),
        read_manifest(layout.corpus),
        look,
        num_cases=params.report.num_cases,
    )
