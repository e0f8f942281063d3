"""Published figures to stand beside ours, and why each of them is not like ours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from mculora.modality import ModalityCombination
from pipeline.page.evaluation import Evaluation
from pipeline.page.table import MEAN, Cell, Row, Table, summary_cell
from pipeline.page.wording import UNDEFINED, method_label, metric_label, plural

_ORDER = ("a", "t", "v", "at", "av", "tv", "atv", MEAN)
_COLUMNS = (*(c.word for c in ModalityCombination), MEAN)
_PAPER = "arXiv 2507.11202"
_RIVAL = "its authors’ own runs"
_ONE, _UNKNOWN = "one", "not stated"
ENCODERS = MappingProxyType(
    {"audio": "wav2vec-large-c-UTT", "text": "deberta-large-4-UTT", "visual": "manet_UTT"}
)
"""The features behind all published figures, by modality, as their files are called."""


@dataclass(frozen=True)
class PublishedMethod:
    """One method's percentages, all of one seed whose epoch was chosen on the test split.

    Attributes:
        values: In the order of `_ORDER`; some lack the last two.
        source: Where they come from.
        networks: How many it takes to serve the seven combinations.
    """

    values: tuple[float, ...]
    source: str = _RIVAL
    networks: str = _UNKNOWN

    @property
    def by_column(self) -> dict[str, float]:
        """The percentages by combination, and their mean."""
        return dict(zip(_ORDER, self.values, strict=False))


@dataclass(frozen=True)
class Published:
    """Percentages of one corpus.

    Attributes:
        metric: Our name of the metric.
        methods: By name.
        missing_rates: By nominal missing rate, MCULoRA's value.
    """

    metric: str
    methods: Mapping[str, PublishedMethod]
    missing_rates: Mapping[str, float] = field(default_factory=dict)


PUBLISHED = MappingProxyType(
    {
        "mosei": Published(
            "weighted_f1_nonzero",
            {
                "MCULoRA": PublishedMethod(
                    (68.18, 86.36, 67.35, 86.61, 71.98, 87.13, 87.22, 79.26), _PAPER, _ONE
                ),
                "EUAR": PublishedMethod((64.54, 85.34, 66.35, 85.62, 66.53, 86.02)),
                "MoMKE": PublishedMethod(
                    (65.92, 85.84, 64.91, 86.03, 65.86, 84.42), networks="seven, one each"
                ),
                "DiCMoR": PublishedMethod((62.94, 84.26, 63.65, 85.04, 65.24, 84.95)),
                "IMDer": PublishedMethod((63.80, 84.50, 63.90, 85.10, 64.90, 85.00)),
                "GCNet": PublishedMethod((60.20, 83.00, 61.90, 84.30, 64.10, 84.30)),
            },
            {
                **{"0.1": 86.97, "0.2": 85.71, "0.3": 84.48, "0.4": 83.96},
                **{"0.5": 81.03, "0.6": 80.60, "0.7": 79.28},
            },
        ),
        "mosi": Published(
            "weighted_f1_nonzero",
            {
                "MCULoRA": PublishedMethod(
                    (58.72, 84.86, 55.26, 84.49, 61.52, 83.73, 84.62, 73.31), _PAPER, _ONE
                )
            },
        ),
        "iemocap4": Published(
            "wa",
            {
                "MCULoRA": PublishedMethod(
                    (66.7, 74.2, 55.3, 80.0, 71.9, 77.0, 80.8, 72.27),
                    "its authors’ later runs, as they logged them",
                    _ONE,
                )
            },
        ),
    }
)
"""By dataset; METHOD.md, "Published figures"."""


def published_tables(evaluation: Evaluation) -> list[Table]:
    """The published figures of this corpus above ours; none where there are none."""
    published = PUBLISHED.get(evaluation.dataset)
    if published is None or published.metric not in evaluation.majority:
        return []
    tables = [_combinations(published, evaluation), _behind(published, evaluation)]
    return [*tables, _missing_rates(published, evaluation)] if published.missing_rates else tables


def _combinations(published: Published, evaluation: Evaluation) -> Table:
    metric = published.metric
    rows = []
    for name, method in published.methods.items():
        known = method.by_column
        cells = (_percent_cell(known.get(column)) for column in _COLUMNS)
        rows.append(Row(_published_label(name), (Cell("test"), *cells)))
    for name, result in evaluation.shown.items():
        under = {word: tested.metrics for word, tested in result.combinations.items()}
        under[MEAN] = result.mean_of_combinations
        cells = (summary_cell(under.get(column, {}).get(metric), metric) for column in _COLUMNS)
        rows.append(Row(_our_label(name), (Cell(evaluation.selection), *cells)))
    rows += _selected_on_test(published, evaluation)
    caption = f"{metric_label(metric)}, published and here"
    note = "Selected on: the split that chose the epoch. Where it is test, figures are flattered."
    header = ("Method", "Selected on", *_COLUMNS)
    return Table(caption, header, tuple(rows), name="published-combinations", note=note)


def _selected_on_test(published: Published, evaluation: Evaluation) -> list[Row]:
    """Ours as published figures were made: what test would have selected, one epoch for all."""
    if published.metric != evaluation.primary or evaluation.selection == "test":
        return []
    return [
        Row(
            f"{_our_label(name)}, for comparison only",
            (
                Cell("test"),
                *[Cell(UNDEFINED, values={"": None})] * (len(_COLUMNS) - 1),
                summary_cell(gap.test_selected, published.metric),
            ),
        )
        for name, gap in evaluation.selection_gap.items()
        if name in evaluation.shown
    ]


def _behind(published: Published, evaluation: Evaluation) -> Table:
    """What each row rests on, and why it is not like for like."""
    theirs = " + ".join(ENCODERS.values())
    ours = " + ".join(facts.encoder for facts in evaluation.features.values())
    are_same = all(
        name in evaluation.features[modality].encoder for modality, name in ENCODERS.items()
    )
    rows = []
    for name, method in published.methods.items():
        reasons = ["selected on test", "one seed"]
        reasons += [] if are_same else ["other features"]
        reasons += [] if method.networks == _ONE else [f"networks: {method.networks}"]
        said = (method.source, method.networks, "1", "test", theirs, "; ".join(reasons))
        rows.append(Row(_published_label(name), tuple(map(Cell, said))))
    for name in evaluation.shown:
        networks = "seven, one each" if name == "specialists" else _ONE
        said = ("this run", networks, str(evaluation.num_seeds), evaluation.selection, ours, "–")
        rows.append(Row(_our_label(name), tuple(map(Cell, said))))
    header = ("Method", "Source", "Networks", "Seeds", "Selected on", "Features")
    return Table(
        "What stands behind each row",
        (*header, "Not like ours because"),
        tuple(rows),
        name="published-sources",
        kind="words",
    )


def _missing_rates(published: Published, evaluation: Evaluation) -> Table:
    rates = evaluation.methods[evaluation.main].missing_rates
    rows = []
    for rate, value in published.missing_rates.items():
        summary = rates[rate].metrics.get(published.metric) if rate in rates else None
        rows.append(Row(rate, (_percent_cell(value), summary_cell(summary, published.metric))))
    header = (
        "Nominal rate",
        "Published, selected on test",
        f"Here, selected on {evaluation.selection}",
    )
    seeds = plural(evaluation.num_seeds, "seed")
    return Table(
        f"{metric_label(published.metric)}, MCULoRA over missing rates",
        header,
        tuple(rows),
        name="published-missing-rates",
        note=f"Published: {_PAPER}, one seed; by which rule its masks were drawn is not stated. "
        f"Here: {seeds}, rule {evaluation.missing_rule}. Equal nominal rates of different rules "
        "are not the same test.",
    )


def _percent_cell(percent: float | None) -> Cell:
    """A published percentage; files have it as a fraction, like ours."""
    if percent is None:
        return Cell(UNDEFINED, values={"": None})
    return Cell(f"{percent:.2f}", values={"": round(percent / 100, 4)})


def _published_label(name: str) -> str:
    return f"{name}, published"


def _our_label(name: str) -> str:
    return f"{method_label(name)}, here"
