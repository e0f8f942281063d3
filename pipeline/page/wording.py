"""How the page says things: names of methods and metrics, and numbers as a person reads them."""

from __future__ import annotations

from mculora.evaluation.metrics import LOWER_IS_BETTER
from mculora.evaluation.statistics import Summary
from pipeline.page.evaluation import Summaries

UNDEFINED = "–"
"""Stands where a metric has no value."""

METHODS = {"mculora": "MCULoRA", "dropout": "Dropout baseline"}
METHOD_EXPLAINED = {
    "mculora": "a low-rank adapter per modality combination, trained with DPFT",
    "dropout": "the same network without adapters and DPFT: modalities are dropped at random",
}
METRICS = {
    "weighted_f1_nonzero": "Weighted F1, negative / positive",
    "acc2_nonzero": "Accuracy, negative / positive",
    "weighted_f1_has_zero": "Weighted F1, negative / non-negative",
    "acc2_has_zero": "Accuracy, negative / non-negative",
    "acc7": "Accuracy, seven classes",
    "acc5": "Accuracy, five classes",
    "mae": "Mean absolute error",
    "corr": "Pearson correlation",
    "wa": "WA (accuracy)",
    "ua": "UA (mean recall)",
    "weighted_f1": "Weighted F1",
}
_NOT_PERCENT = frozenset({"mae", "corr"})


def method_label(name: str) -> str:
    """A method's name on the page."""
    return METHODS.get(name, name)


def metric_label(name: str) -> str:
    """A metric's name on the page, with its unit."""
    return f"{METRICS.get(name, name)}{' (%)' if is_percent(name) else ''}"


def is_percent(metric: str) -> bool:
    """Whether a metric is a fraction, shown in percent."""
    return metric not in _NOT_PERCENT


def scaled(value: float | None, metric: str) -> float | None:
    """A metric's value in the unit that the page shows."""
    return value if value is None or not is_percent(metric) else 100 * value


def number(value: float | None, metric: str) -> str:
    """A metric's value: percent with one decimal, or three decimals."""
    shown = scaled(value, metric)
    if shown is None:
        return UNDEFINED
    return f"{shown:.1f}" if is_percent(metric) else f"{shown:.3f}".replace("-", "−")


def spread(summary: Summary | None, metric: str) -> str:
    """A mean with its standard deviation over the seeds, if there are several."""
    if summary is None or summary.mean is None:
        return UNDEFINED
    mean = number(summary.mean, metric)
    return mean if summary.sd is None else f"{mean} ± {number(summary.sd, metric)}"


def best(candidates: dict[str, Summaries], metric: str) -> str | None:
    """The key whose mean is best; None where fewer than two have one."""
    means = {
        key: summary.mean
        for key, metrics in candidates.items()
        if (summary := metrics.get(metric)) is not None and summary.mean is not None
    }
    if len(means) < 2:
        return None
    choose = min if metric in LOWER_IS_BETTER else max
    return choose(means, key=lambda key: means[key])


def plural(count: int, noun: str) -> str:
    """A count and its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
