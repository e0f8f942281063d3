"""Published figures to stand beside ours: their own runs, one seed, selected on the test split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mculora.modality import ModalityCombination
from pipeline.page.evaluation import Evaluation
from pipeline.page.table import MEAN, Cell, Row, Table
from pipeline.page.wording import method_label, metric_label, number

_ORDER = ("a", "t", "v", "at", "av", "tv", "atv", MEAN)


@dataclass(frozen=True)
class Published:
    """Percentages of one corpus.

    Attributes:
        metric: Our name of the metric.
        methods: By method, the values in the order of `_ORDER`; some lack the last two.
        missing_rates: By nominal missing rate, MCULoRA's value.
    """

    metric: str
    methods: Mapping[str, tuple[float, ...]]
    missing_rates: Mapping[str, float] = field(default_factory=dict)


PUBLISHED = MappingProxyType(
    {
        "mosei": Published(
            "weighted_f1_nonzero",
            {
                "MCULoRA": (68.18, 86.36, 67.35, 86.61, 71.98, 87.13, 87.22, 79.26),
                "EUAR": (64.54, 85.34, 66.35, 85.62, 66.53, 86.02),
                "MoMKE (seven specialists)": (65.92, 85.84, 64.91, 86.03, 65.86, 84.42),
                "DiCMoR": (62.94, 84.26, 63.65, 85.04, 65.24, 84.95),
                "IMDer": (63.80, 84.50, 63.90, 85.10, 64.90, 85.00),
                "GCNet": (60.20, 83.00, 61.90, 84.30, 64.10, 84.30),
            },
            {
                **{"0.1": 86.97, "0.2": 85.71, "0.3": 84.48, "0.4": 83.96},
                **{"0.5": 81.03, "0.6": 80.60, "0.7": 79.28},
            },
        ),
        "mosi": Published(
            "weighted_f1_nonzero",
            {"MCULoRA": (58.72, 84.86, 55.26, 84.49, 61.52, 83.73, 84.62, 73.31)},
        ),
        "iemocap4": Published("wa", {"MCULoRA": (66.7, 74.2, 55.3, 80.0, 71.9, 77.0, 80.8, 72.27)}),
    }
)
"""By dataset; METHOD.md, "Published figures"."""


def published_tables(evaluation: Evaluation) -> list[Table]:
    """The published figures of this corpus above ours; none where there are none."""
    published = PUBLISHED.get(evaluation.dataset)
    if published is None or published.metric not in evaluation.majority:
        return []
    tables = [_combinations(published, evaluation)]
    return [*tables, _missing_rates(published, evaluation)] if published.missing_rates else tables


def _combinations(published: Published, evaluation: Evaluation) -> Table:
    columns = (*(c.word for c in ModalityCombination), MEAN)
    rows = []
    for name, values in published.methods.items():
        known = dict(zip(_ORDER, values, strict=False))
        cells = tuple(Cell(f"{known[c]:.2f}" if c in known else "–") for c in columns)
        rows.append(Row(f"{name}, published", (Cell("test"), *cells)))
    for name, result in evaluation.shown.items():
        under = {word: tested.metrics for word, tested in result.combinations.items()}
        under[MEAN] = result.mean_of_combinations
        means = [under.get(c, {}).get(published.metric) for c in columns]
        cells = tuple(Cell(number(s.mean if s else None, published.metric)) for s in means)
        rows.append(Row(f"{method_label(name)}, here", (Cell(evaluation.selection), *cells)))
    caption = f"{metric_label(published.metric)}, published and here"
    return Table(caption, ("Method", "Selected on", *columns), tuple(rows))


def _missing_rates(published: Published, evaluation: Evaluation) -> Table:
    rates = evaluation.methods[evaluation.main].missing_rates
    rows = []
    for rate, value in published.missing_rates.items():
        summary = rates[rate].metrics.get(published.metric) if rate in rates else None
        here = number(summary.mean if summary else None, published.metric)
        rows.append(Row(rate, (Cell(f"{value:.2f}"), Cell(here))))
    header = (
        "Nominal rate",
        "Published, selected on test",
        f"Here, selected on {evaluation.selection}",
    )
    caption = f"{metric_label(published.metric)}, MCULoRA over missing rates"
    return Table(caption, header, tuple(rows))
