"""How the page says things: names of methods and metrics, and numbers as a person reads them."""

from __future__ import annotations

from mculora.evaluation.comparison import Comparison
from mculora.evaluation.metrics import LOWER_IS_BETTER
from mculora.evaluation.statistics import Summary
from pipeline.page.evaluation import Summaries

UNDEFINED = "–"
"""Stands where a metric has no value."""

METHODS = {
    "mculora": "MCULoRA",
    "joint": "Joint",
    "dropout": "Dropout",
    "specialists": "Specialists",
    "without_specific": "Without specific adapters",
    "without_orthogonality": "Without L_ort",
    "without_dpft": "Without DPFT",
    "without_weight_mlp": "Without the weight MLP",
    "without_stage_one": "Without stage one",
}
METHOD_EXPLAINED = {
    "mculora": "a low-rank adapter per modality combination, trained with DPFT",
    "joint": "one network without adapters, trained on all that there is; absent is zero",
    "dropout": "one network without adapters, trained on combinations drawn uniformly",
    "specialists": "seven networks without adapters, one per combination",
    "without_specific": "the common adapters alone, none per combination",
    "without_orthogonality": "no loss term that keeps the adapters' outputs apart",
    "without_dpft": "every combination equally often, from beginning to end",
    "without_weight_mlp": "common and specific prediction added without a learned weight",
    "without_stage_one": "encoders that were not trained alone beforehand",
}
_IN_SENTENCE = {
    "joint": "the joint network",
    "dropout": "dropout",
    "specialists": "the specialists",
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
    "mae_nonzero": "Mean absolute error, non-zero labels",
    "corr_nonzero": "Pearson correlation, non-zero labels",
    "wa": "WA (accuracy)",
    "ua": "UA (mean recall)",
    "weighted_f1": "Weighted F1",
}
_NOT_PERCENT = frozenset({"mae", "corr", "mae_nonzero", "corr_nonzero"})


def method_label(name: str) -> str:
    """A method's name on the page."""
    return METHODS.get(name, name)


def method_in_sentence(name: str) -> str:
    """A method's name where a sentence goes on: "the joint network"."""
    return _IN_SENTENCE.get(name, method_label(name))


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
    return (f"{shown:z.1f}" if is_percent(metric) else f"{shown:z.3f}").replace("-", "−")


def signed(value: float | None, metric: str) -> str:
    """A difference with its sign, in the unit of `number`."""
    written = number(value, metric)
    return f"+{written}" if value is not None and value > 0 else written


def interval(comparison: Comparison, metric: str) -> str:
    """The interval of a difference: "−0.3 to 1.5"."""
    if comparison.low is None:
        return UNDEFINED
    return f"{number(comparison.low, metric)} to {number(comparison.high, metric)}"


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
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
