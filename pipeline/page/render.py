"""The page: everything it shows, put into its template; the same input gives the same bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.page.calibration import calibration_section
from pipeline.page.cases import CaseSection
from pipeline.page.certainty import (
    bootstrap_note,
    difference_table,
    interval_table,
    summary_table,
)
from pipeline.page.chart import marker
from pipeline.page.conflict import ConflictRun
from pipeline.page.conflict_figures import conflict_curves, heat_maps, measured
from pipeline.page.drawing import COMBINATIONS
from pipeline.page.errors import confusion_figure, recall_table
from pipeline.page.evaluation import Evaluation
from pipeline.page.groups import group_parts, untold
from pipeline.page.headline import figures, headline
from pipeline.page.history import Run
from pipeline.page.published import published_tables
from pipeline.page.representations import RepresentationSection
from pipeline.page.result_figures import (
    combination_figure,
    missing_rate_figure,
    rank_figure,
)
from pipeline.page.selection import selection_table
from pipeline.page.tables import (
    ablation_table,
    combination_table,
    feature_table,
    loss_table,
    missing_rate_table,
    rank_table,
)
from pipeline.page.training_figures import (
    probability_figures,
    separability_figures,
    validation_figures,
)
from pipeline.page.wording import (
    METHOD_EXPLAINED,
    METRICS,
    is_percent,
    method_label,
    plural,
    spread,
)

Content: TypeAlias = Mapping[str, Any]
"""What the template's names stand for: text, dataclasses of text, drawings and tables."""


@dataclass(frozen=True)
class Heading:
    """A heading of the page and its anchor."""

    anchor: str
    text: Markup


def page_content(
    evaluation: Evaluation,
    runs: Sequence[Run],
    conflict: Sequence[ConflictRun],
    *,
    cases: CaseSection,
    representations: RepresentationSection,
) -> Content:
    """Everything that the page shows; its figures and tables are those of the files beside it."""
    return {
        **_facts(evaluation),
        **_results(evaluation),
        **_certainty(evaluation),
        **_variants(evaluation),
        **_trust(evaluation),
        **_training(evaluation, runs),
        **_conflict(evaluation, conflict),
        "cases": cases,
        "representations": representations,
    }


def render_page(content: Content) -> str:
    """Return the report as one HTML document that loads nothing from anywhere."""
    environment = Environment(
        loader=PackageLoader("pipeline", "page/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"shape": marker, "headings": headings, "combinations": COMBINATIONS}
    return environment.get_template("page.html").render(**content)


def headings(body: str) -> list[Heading]:
    """The sections of a page's body, for its table of contents."""
    found = re.findall(r'<h2 id="([\w-]+)">(.*?)</h2>', body)
    return [Heading(anchor, Markup(text)) for anchor, text in found]


def _facts(evaluation: Evaluation) -> dict[str, Any]:
    """What the page says about the experiment."""
    primary = evaluation.primary
    return {
        "evaluation": evaluation,
        "primary_label": METRICS.get(primary, primary),
        "has_dpft": (evaluation.params.get("train") or {}).get("dpft") != "off",
        "is_published": evaluation.params.get("features") == "published",
        "unit": " %" if is_percent(primary) else "",
        "feature_table": feature_table(evaluation),
        "loss_table": loss_table(evaluation),
        "methods": _methods(evaluation),
        "seeds": plural(evaluation.num_seeds, "seed"),
        "folds": plural(len(evaluation.folds), "fold"),
        "params": yaml.safe_dump(evaluation.settings, sort_keys=False, allow_unicode=True),
    }


def _results(evaluation: Evaluation) -> dict[str, Any]:
    """Ours, the baselines and the published methods on test."""
    primary, *others = evaluation.metric_names
    return {
        "headline": headline(evaluation),
        "figures": figures(evaluation),
        "combination_table": combination_table(evaluation, primary),
        "other_tables": [combination_table(evaluation, metric) for metric in others],
        "combination_figure": combination_figure(evaluation),
        "missing_rate_figure": missing_rate_figure(evaluation),
        "missing_rate_table": missing_rate_table(evaluation),
        "published_tables": published_tables(evaluation),
    }


def _certainty(evaluation: Evaluation) -> dict[str, Any]:
    """How sure the results are, and what is taken for what."""
    return {
        "summary_table": summary_table(evaluation),
        "difference_table": difference_table(evaluation),
        "interval_table": interval_table(evaluation),
        "bootstrap_note": bootstrap_note(evaluation),
        "recall_table": recall_table(evaluation),
        "confusion_figure": confusion_figure(evaluation),
    }


def _variants(evaluation: Evaluation) -> dict[str, Any]:
    """Ours without one of its parts, and with other ranks."""
    return {
        "ablations": {
            method_label(name): METHOD_EXPLAINED.get(name, "")
            for name in evaluation.in_groups("ablation")
        },
        "ablation_table": ablation_table(evaluation),
        "rank_figure": rank_figure(evaluation),
        "rank_table": rank_table(evaluation),
    }


def _trust(evaluation: Evaluation) -> dict[str, Any]:
    """How far the results, and each prediction, can be believed, and by whom."""
    return {
        "selection_table": selection_table(evaluation),
        "calibration": calibration_section(evaluation),
        "group_parts": group_parts(evaluation),
        "groups_untold": untold(evaluation.groups),
    }


def _training(evaluation: Evaluation, runs: Sequence[Run]) -> dict[str, Any]:
    """How training went."""
    return {
        "validation_figures": validation_figures(evaluation, runs),
        "probability_figures": probability_figures(evaluation, runs),
        "separability_figures": separability_figures(evaluation, runs),
    }


def _conflict(evaluation: Evaluation, conflict: Sequence[ConflictRun]) -> dict[str, Any]:
    """How the combinations' gradients agree."""
    runs = measured(evaluation, conflict)
    return {
        "conflict_curves": conflict_curves(evaluation, runs),
        "heat_maps": heat_maps(runs),
    }


def _methods(evaluation: Evaluation) -> list[dict[str, str]]:
    """Each method's size and its validation, for the fine print."""
    metric = evaluation.primary
    return [
        {
            "label": method_label(name),
            "size": f"{result.num_parameters:,} parameters",
            "validation": spread(result.validation_mean(metric), metric),
        }
        for name, result in evaluation.shown.items()
    ]
