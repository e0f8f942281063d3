"""What `evaluate` found, as the report reads it: evaluation.json in frozen dataclasses."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.evaluation.calibrated import CalibrationReport
from mculora.evaluation.comparison import Comparison
from mculora.evaluation.groups import Grouping
from mculora.evaluation.selection_gap import SelectionGap
from mculora.evaluation.statistics import Summary

Group: TypeAlias = Literal["main", "baseline", "ablation", "rank"]
Summaries = Mapping[str, Summary]
"""By metric name."""


@dataclass(frozen=True)
class Tested:
    """One method under one modality combination or missing rate.

    Attributes:
        num_utterances: How many utterances offered something to predict from.
        metrics: Each metric over the seeds.
        realised: The missing rate of what could be predicted; beside a nominal one, what its masks
            reached.
        recall: Of each class of `Evaluation.classes`, by its name; under the seven combinations.
        confusion: How often each class (row) was taken for each (column), in the order of
            `Evaluation.classes`, added up over folds and seeds; under the seven combinations.
    """

    num_utterances: int
    metrics: dict[str, Summary]
    realised: float | None = None
    recall: dict[str, Summary] = field(default_factory=dict)
    confusion: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True)
class MethodResult:
    """One method.

    Attributes:
        group: What it is here for.
        num_parameters: Of all its networks together.
        combinations: By combination word.
        mean_of_combinations: The mean of these seven.
        missing_rates: By nominal missing rate.
        missing_moments: By nominal missing rate of moments; empty where no features have a course
            in time. `realised` here counts modalities; see `Evaluation.missing_moments`.
        pooled: All pairs of an utterance and one of the seven combinations scored as one set, over
            all folds; of the groups main and baseline, as `relative_robustness` is.
        relative_robustness: By metric, the area under its curve over the realised missing rates,
            divided by what the score at rate 0 would give: 1 where nothing is lost.
        validation: `mean_of_combinations` of the kept epochs.
        rank: Of its adapters, in the groups main and rank.
        against_mculora: The primary metric's mean over the seven, compared; None where the other
            method is itself or was not trained, or no seed has both values. So below.
        against_joint: Likewise.
        against_dropout: Likewise.
        against_specialists: Likewise.
    """

    group: Group
    num_parameters: int
    combinations: dict[str, Tested]
    mean_of_combinations: dict[str, Summary]
    missing_rates: dict[str, Tested]
    validation: dict[str, dict[str, Summary]]
    missing_moments: dict[str, Tested] = field(default_factory=dict)
    pooled: dict[str, Summary] = field(default_factory=dict)
    relative_robustness: dict[str, Summary] = field(default_factory=dict)
    rank: int | None = None
    against_mculora: Comparison | None = None
    against_joint: Comparison | None = None
    against_dropout: Comparison | None = None
    against_specialists: Comparison | None = None

    def against(self, other: str) -> Comparison | None:
        """The comparison with another method, if there is one."""
        found: Comparison | None = getattr(self, f"against_{other}", None)
        return found

    def validation_mean(self, metric: str) -> Summary | None:
        """A metric's mean over the seven on the validation split."""
        return self.validation.get("mean_of_combinations", {}).get(metric)


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
class MomentsLost:
    """The fraction of the moments of a fold's test that were lost, and a digest of which."""

    realised: float
    digest: str


@dataclass(frozen=True)
class MissingMoments:
    """The test with moments missing: of which modalities; what was lost, by nominal rate and fold.

    Each moment is lost by a coin of its own before the mean is taken; a modality that keeps none
    is absent.
    """

    modalities: list[str] = field(default_factory=list)
    rates: dict[str, dict[str, MomentsLost]] = field(default_factory=dict)


@dataclass(frozen=True)
class BootstrapFacts:
    """How the 95 % intervals `over_utterances`, `over_seeds` and `over_both` were made.

    Attributes:
        num_resamples: How many.
        seed: Of the draws.
        resampled: What stands for the test utterances: whole dialogues where some have several.
        num_units: How many of these there are.
    """

    num_resamples: int
    seed: int
    resampled: Literal["dialogues", "utterances"]
    num_units: int


@dataclass(frozen=True)
class Evaluation:
    """evaluation.json; every None in it is a metric without a defined value.

    Attributes:
        missing_rule: How the masks of the missing rates were drawn.
        missing_moments: How moments were lost, in features that have a course in time.
        classes: Rows and columns of each confusion: the corpus's classes, or ACC7's.
        bootstrap: How the intervals were made; None in a file without.
        calibration: Of the main method; None in a file without.
        groups: The main method by speaker, gender and session, where the corpus tells them.
        selection_gap: What selection on test would have given, by method whose epochs were kept.
    """

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
    missing_rule: str = "gcnet"
    missing_moments: MissingMoments = field(default_factory=MissingMoments)
    classes: list[str] = field(default_factory=list)
    bootstrap: BootstrapFacts | None = None
    calibration: CalibrationReport | None = None
    groups: dict[str, Grouping] = field(default_factory=dict)
    selection_gap: dict[str, SelectionGap] = field(default_factory=dict)

    @property
    def metric_names(self) -> list[str]:
        """The primary metric and then the others."""
        return [self.primary, *(name for name in self.majority if name != self.primary)]

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters without where the corpus came from: paths of a machine, no results."""
        return {key: value for key, value in self.params.items() if key != "sources"}

    @property
    def main(self) -> str:
        """The method that all others are here for."""
        return next(iter(self.in_groups("main")))

    @property
    def shown(self) -> dict[str, MethodResult]:
        """The methods of the main tables and figures: ours and the baselines."""
        return self.in_groups("main", "baseline")

    def in_groups(self, *groups: Group) -> dict[str, MethodResult]:
        """The methods of some groups, in the file's order."""
        return {name: m for name, m in self.methods.items() if m.group in groups}

    @property
    def by_rank(self) -> list[tuple[int, MethodResult]]:
        """Ours at every rank that was trained, the smallest first."""
        ranked = [(m.rank, m) for m in self.in_groups("main", "rank").values() if m.rank]
        return sorted(ranked, key=lambda pair: pair[0])

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
    if not evaluation.in_groups("main") or evaluation.primary not in evaluation.majority:
        raise InputError(
            path, found="no main method or no primary metric", expected="results", remedy=remedy
        )
    return evaluation
