"""What `evaluate` found, as the report reads it: evaluation.json in frozen dataclasses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.evaluation.statistics import Summary

Summaries = Mapping[str, Summary]
"""By metric name."""


@dataclass(frozen=True)
class Tested:
    """One method under one modality combination or missing rate.

    Attributes:
        num_utterances: How many utterances offered something to predict from.
        metrics: Each metric over the seeds.
        realised: The missing rate that the masks reached; None for a combination.
    """

    num_utterances: int
    metrics: dict[str, Summary]
    realised: float | None = None


@dataclass(frozen=True)
class MethodResult:
    """One method: by combination word, their mean, by nominal missing rate, and on validation."""

    num_parameters: int
    combinations: dict[str, Tested]
    mean_of_combinations: dict[str, Summary]
    missing_rates: dict[str, Tested]
    validation: dict[str, dict[str, Summary]] = field(default_factory=dict)


@dataclass(frozen=True)
class CorpusFacts:
    """How large the corpus is, what was left out of it by reason, and what to know of it."""

    name: str
    fingerprint: str
    num_utterances: int
    num_dialogues: int
    splits: dict[str, int]
    dropped: dict[str, int]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FeatureFacts:
    """One modality's features: who made them, and how many utterances have none, by reason."""

    encoder: str
    revision: str
    width: int
    available: int
    absent: dict[str, int]


@dataclass(frozen=True)
class Evaluation:
    """evaluation.json; every None in it is a metric without a defined value."""

    dataset: str
    task: Task
    primary: str
    selection: str
    num_seeds: int
    seeds: list[int]
    folds: list[str]
    corpus: CorpusFacts
    features: dict[str, FeatureFacts]
    masks: dict[str, str]
    majority: dict[str, float | None]
    methods: dict[str, MethodResult]
    params: dict[str, Any]
    versions: dict[str, str]
    machine: str

    @property
    def metric_names(self) -> list[str]:
        """The primary metric and then the others."""
        return [self.primary, *(name for name in self.majority if name != self.primary)]

    @property
    def nominal_rates(self) -> list[str]:
        """The missing rates of any method, as they are written, in rising order."""
        return sorted({r for m in self.methods.values() for r in m.missing_rates}, key=float)

    def by_rate(self, rate: str) -> Iterator[Tested]:
        """What each method that was tested at a nominal missing rate did there."""
        return (m.missing_rates[rate] for m in self.methods.values() if rate in m.missing_rates)


def read_evaluation(path: Path) -> Evaluation:
    """Read evaluation.json; NaN and infinities in it become None.

    Raises:
        InputError: It is not JSON, or a key is missing or of a wrong type.
    """
    remedy = "run `mculora evaluate` again"
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=lambda _: None)
        evaluation = TypeAdapter(Evaluation).validate_python(content)
    except json.JSONDecodeError as error:
        raise InputError(
            path, found=f"no JSON ({error})", expected="what `mculora evaluate` writes"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{path}: key {key}", found=first["type"], expected=first["msg"], remedy=remedy
        ) from None
    if not evaluation.methods or evaluation.primary not in evaluation.majority:
        raise InputError(
            path, found="no method or no primary metric", expected="results", remedy=remedy
        )
    return evaluation
