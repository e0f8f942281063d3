"""The page: everything it shows, put into its template; the same input gives the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from pipeline.page.chart import marker
from pipeline.page.evaluation import Evaluation
from pipeline.page.headline import figures, headline
from pipeline.page.history import Run
from pipeline.page.published import published_tables
from pipeline.page.result_figures import (
    Legend,
    combination_figure,
    method_style,
    missing_rate_figure,
)
from pipeline.page.tables import (
    combination_table,
    feature_table,
    loss_table,
    missing_rate_table,
    utterance_row,
)
from pipeline.page.training_figures import (
    probability_figures,
    separability_figures,
    validation_figures,
)
from pipeline.page.wording import METRICS, is_percent, method_label, plural, spread


def render_page(evaluation: Evaluation, runs: Sequence[Run]) -> str:
    """Return the report as one HTML document that loads nothing from anywhere."""
    environment = Environment(
        loader=PackageLoader("pipeline", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("page.html").render(**_content(evaluation, runs))


def _content(evaluation: Evaluation, runs: Sequence[Run]) -> dict[str, Any]:
    """Everything that the template names."""
    primary, *others = evaluation.metric_names
    return {
        "evaluation": evaluation,
        "primary_label": METRICS.get(primary, primary),
        "has_dpft": (evaluation.params.get("train") or {}).get("dpft") != "off",
        "is_published": evaluation.params.get("features") == "published",
        "unit": " %" if is_percent(primary) else "",
        "shape": marker,
        "headline": headline(evaluation),
        "figures": figures(evaluation),
        "legend": _legend(evaluation),
        "combination_table": combination_table(evaluation, primary),
        "utterance_row": utterance_row(evaluation),
        "other_tables": [combination_table(evaluation, metric) for metric in others],
        "combination_figure": combination_figure(evaluation),
        "missing_rate_figure": missing_rate_figure(evaluation),
        "missing_rate_table": missing_rate_table(evaluation),
        "validation_figures": validation_figures(evaluation, runs),
        "probability_figures": probability_figures(evaluation, runs),
        "separability_figures": separability_figures(evaluation, runs),
        "published_tables": published_tables(evaluation),
        "feature_table": feature_table(evaluation),
        "loss_table": loss_table(evaluation),
        "methods": _methods(evaluation),
        "seeds": plural(evaluation.num_seeds, "seed"),
        "folds": plural(len(evaluation.folds), "fold"),
        "params": yaml.safe_dump(evaluation.params, sort_keys=False, allow_unicode=True),
    }


def _legend(evaluation: Evaluation) -> list[Legend]:
    """The methods and the majority class."""
    methods = [Legend(method_label(m), method_style(evaluation, m)) for m in evaluation.methods]
    return [*methods, Legend("Majority class", "floor")]


def _methods(evaluation: Evaluation) -> list[dict[str, str]]:
    """Each method's size and its validation, for the fine print."""
    metric = evaluation.primary
    return [
        {
            "label": method_label(name),
            "size": f"{result.num_parameters:,} parameters",
            "validation": spread(
                result.validation.get("mean_of_combinations", {}).get(metric), metric
            ),
        }
        for name, result in evaluation.methods.items()
    ]
