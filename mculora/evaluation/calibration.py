"""How far a prediction's own account of its certainty can be believed, and how to make it true.

Classes: logits are divided by one temperature (Guo et al., On Calibration of Modern Neural
Networks, ICML 2017). Scores: the interval around a prediction is as wide as the validation split's
errors ask for (split conformal prediction; Lei et al., Distribution-Free Predictive Inference for
Regression, JASA 2018). Both are fitted per modality combination, on the utterances that have
exactly its modalities left.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mculora.batch import FeatureTable
from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.evaluation.prediction import fixed_combinations, predict_conditions
from mculora.modality import ModalityCombination, combination_index
from mculora.model.network import MCULoRA

COVERAGE = 0.9
"""The share of truths that an interval is to contain."""
NUM_BINS = 15
LARGEST_LOG_TEMPERATURE = 3.0
"""Temperatures lie between 1/20 and 20."""

Calibration = dict[str, dict[str, float]]
"""By combination word: `temperature`, or the `half_width` of a score's interval."""


@dataclass(frozen=True)
class ConfidenceBin:
    """Predictions of like confidence.

    Attributes:
        num_utterances: At least 1.
        confidence: Mean probability of the predicted class, in (0, 1].
        accuracy: The share of right predictions.
    """

    num_utterances: int
    confidence: float
    accuracy: float


def calibrate(
    network: MCULoRA,
    validation: FeatureTable,
    task: Task,
    combinations: Iterable[ModalityCombination] = ModalityCombination,
) -> Calibration:
    """Fit what makes a trained network's certainty true, on the validation split.

    Args:
        network: In evaluation mode.
        validation: The split that chose its epoch.
        task: Scores or classes.
        combinations: What it serves; one of a specialist.
    """
    fixed = fixed_combinations(validation)
    kept = {c.word: fixed[c.word] for c in combinations}
    left = {word: validation.available & present for word, present in kept.items()}
    predictions = predict_conditions(network, validation, kept)
    return fit_calibration(predictions, left, validation.labels, task)


def fit_calibration(
    predictions: Mapping[str, Tensor], left: Mapping[str, Tensor], labels: Tensor, task: Task
) -> Calibration:
    """Fit a temperature or a half width to each combination that can have one.

    Args:
        predictions: By combination word, (N, K): scores or logits of the validation split.
        left: By combination word, what is really left of each utterance, (N, M) bool.
        labels: (N,).
        task: Which of the two is fitted.

    Returns:
        Without the combinations that no utterance is left with, or too few for an interval.
    """
    fitted: Calibration = {}
    for word, predicted in predictions.items():
        rows = exactly(word, left[word])
        known, truth = predicted.cpu()[rows], labels.cpu()[rows]
        if task is Task.CLASSIFICATION and len(truth):
            fitted[word] = {"temperature": fit_temperature(known, truth)}
        elif task is Task.REGRESSION and (width := half_width(known, truth)) is not None:
            fitted[word] = {"half_width": width}
    return fitted


def exactly(word: str, left: Tensor) -> Tensor:
    """Which utterances (N, M) have exactly a combination's modalities left: (N,) bool."""
    is_exact: Tensor = combination_index(left.cpu()) == ModalityCombination[word.upper()]
    return is_exact


def fit_temperature(logits: Tensor, labels: Tensor) -> float:
    """The temperature T of least negative log likelihood of the labels under softmax(logits / T).

    A standard normal prior on log T weighs as much as one utterance does or so: with none T is 1,
    and a handful that are all right, or all wrong, does not drive T to a bound.

    Args:
        logits: (N, K); with K = 1, as with N = 0, there is nothing to fit and T is 1.
        labels: (N,) class indices.

    Raises:
        InputError: A logit is not finite.
    """
    from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]

    checked, truth = _finite(logits, "logits"), labels.cpu().long()
    if not len(truth) or checked.shape[1] < 2:
        return 1.0

    def cost(log_temperature: float) -> float:
        scaled = checked / math.exp(log_temperature)
        loss = functional.cross_entropy(scaled, truth, reduction="sum")
        return float(loss) + log_temperature**2 / 2

    bounds = (-LARGEST_LOG_TEMPERATURE, LARGEST_LOG_TEMPERATURE)
    found = minimize_scalar(cost, bounds=bounds, method="bounded", options={"xatol": 1e-6})
    return math.exp(float(found.x))


def half_width(scores: Tensor, labels: Tensor, coverage: float = COVERAGE) -> float | None:
    """Half the width of the interval around a score that contains the truth in such a share.

    It is the k-th smallest absolute error with k = ceil((N + 1) coverage): the truth of one more
    utterance like these lies in it with at least that probability, whatever the errors' law.

    Args:
        scores: Predictions, (N,) or (N, 1).
        labels: True scores, (N,).
        coverage: In (0, 1).

    Returns:
        None where N is too small (below 9 for 90 %): only an infinite interval would do.

    Raises:
        InputError: A score is not finite.
    """
    errors = (_finite(scores, "scores").flatten() - labels.cpu().double()).abs()
    rank = math.ceil((len(errors) + 1) * coverage - 1e-9)
    return float(errors.sort().values[rank - 1]) if rank <= len(errors) else None


def reliability(logits: Tensor, labels: Tensor, num_bins: int = NUM_BINS) -> list[ConfidenceBin]:
    """The reliability curve: bins ((b - 1) / B, b / B] of the predicted class's probability.

    Args:
        logits: (N, K), already divided by a temperature or not.
        labels: (N,) class indices.
        num_bins: B, of equal width.

    Returns:
        The bins that have any utterance, by rising confidence.

    Raises:
        InputError: A logit is not finite.
    """
    best = _finite(logits, "logits").softmax(1).max(1)
    confidence = best.values.numpy()
    is_right = (best.indices == labels.cpu()).numpy()
    number = np.ceil(confidence * num_bins - 1e-9).clip(1, num_bins)
    bins = []
    for occurring in np.unique(number):
        here = number == occurring
        means = float(confidence[here].mean()), float(is_right[here].mean())
        bins.append(ConfidenceBin(int(here.sum()), *means))
    return bins


def expected_calibration_error(bins: list[ConfidenceBin]) -> float | None:
    """Mean distance of confidence and accuracy, each bin by its share of utterances, in [0, 1].

    Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015, with
    `NUM_BINS` bins of equal width as in Guo et al. None without any utterance.
    """
    total = sum(b.num_utterances for b in bins)
    if not total:
        return None
    return sum(b.num_utterances * abs(b.accuracy - b.confidence) for b in bins) / total


def interval_coverage(scores: Tensor, labels: Tensor, half_widths: Tensor) -> float | None:
    """The share of truths inside the closed intervals around scores; None without any utterance.

    Args:
        scores: (N,) or (N, 1).
        labels: (N,).
        half_widths: (N,) or a single one.

    Raises:
        InputError: A score is not finite.
    """
    errors = (_finite(scores, "scores").flatten() - labels.cpu().double()).abs()
    return float((errors <= half_widths.cpu()).double().mean()) if len(errors) else None


def _finite(values: Tensor, where: str) -> Tensor:
    """Values as float64 on the CPU, all finite."""
    checked = values.detach().cpu().double()
    num_bad = int((~torch.isfinite(checked)).sum())
    if num_bad:
        found = f"{num_bad} of {checked.numel()} values not finite"
        raise InputError(where, found=found, expected="numbers")
    return checked
