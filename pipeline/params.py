"""params.yaml as frozen dataclasses: an unknown key, a missing one or a wrong value is an error."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from mculora.corpora.artefacts import published_artefacts
from mculora.errors import InputError
from pipeline.sources import Sources, source_rules

PARAMS = Path("params.yaml")
_TRIED = re.compile(r"^(str|constrained-(str|int)|int|none|\[key\]|(list|literal)\[.*\])$")
"""What pydantic puts into a place for the alternatives of a union that it tried."""

_STRICT = ConfigDict(extra="forbid", strict=True)

Dataset = Literal["sample", "mosei", "mosi", "iemocap4", "iemocap6", "clips"]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, lt=1)]
MissingRate = Annotated[float, Field(ge=0, le=0.7)]
EntryName = Annotated[str, Field(pattern=r"^[^\\*?\[\]]+$")]
Layers = Annotated[list[int], Field(min_length=1)]


@dataclass(frozen=True, config=_STRICT)
class SampleParams:
    """The embedded corpus: its seed and its number of videos."""

    seed: Seed
    num_videos: Annotated[int, Field(ge=12, le=2000)]


@dataclass(frozen=True, config=_STRICT)
class ClipsParams:
    """Your own clips: what their labels ask for, told or guessed from them."""

    task: Literal["auto", "regression", "classification"]


@dataclass(frozen=True, config=_STRICT)
class PublishedParams:
    """Which published labels and features are read: files or folders by name."""

    labels: Annotated[str, Field(min_length=1)]
    audio: EntryName
    text: EntryName
    visual: EntryName


@dataclass(frozen=True, config=_STRICT)
class AudioEncoderParams:
    """The encoder of sound; `auto` is what the preset says."""

    encoder: Annotated[str, Field(min_length=1)]
    revision: Annotated[str, Field(min_length=1)]
    layers: Layers | Literal["auto"]
    combine: Literal["auto", "mean", "sum"]
    level: Literal["utterance", "frame"]
    window_seconds: Annotated[float, Field(ge=1, le=3600)]


@dataclass(frozen=True, config=_STRICT)
class TextEncoderParams:
    """The encoder of words."""

    encoder: Annotated[str, Field(min_length=1)]
    revision: Annotated[str, Field(min_length=1)]
    layers: Layers | Literal["auto"]
    combine: Literal["auto", "mean", "sum"]
    pooling: Literal["auto", "mean", "words", "first"]
    level: Literal["utterance", "frame"]


@dataclass(frozen=True, config=_STRICT)
class VisualEncoderParams:
    """The encoder of faces, which frames it sees and how they are cut."""

    encoder: Annotated[str, Field(min_length=1)]
    revision: Annotated[str, Field(min_length=1)]
    layers: Layers | Literal["auto"]
    combine: Literal["auto", "mean", "sum"]
    pooling: Literal["auto", "mean", "first"]
    level: Literal["utterance", "frame"]
    frames_per_second: Annotated[float, Field(gt=0, le=60)]
    num_frames: Annotated[int, Field(ge=1, le=10_000)] | None
    detector: Literal["auto", "haar", "yunet"]
    follow: Literal["tracked", "largest"]
    margin: Annotated[float, Field(ge=0, le=2)]
    align: bool


@dataclass(frozen=True, config=_STRICT)
class ExtractParams:
    """The three encoders, and what holds for all of them."""

    preset: Literal["offline", "small", "paper", "strong"]
    dtype: Literal["auto", "float32", "bfloat16", "float16"]
    max_failed_share: Annotated[float, Field(ge=0, le=1)]
    audio: AudioEncoderParams
    text: TextEncoderParams
    visual: VisualEncoderParams


@dataclass(frozen=True, config=_STRICT)
class SplitParams:
    """Folds and test masks."""

    seed: Seed
    missing_rule: Literal["gcnet", "imder", "bernoulli"]
    validation_share: Share
    test_share: Share


@dataclass(frozen=True, config=_STRICT)
class ModelParams:
    """The network (METHOD: symbols H, depth, heads)."""

    hidden: Count
    depth: Count
    heads: Count
    dropout: Annotated[float, Field(ge=0, lt=1)]
    adapter_alpha: Positive
    adapters: Literal["input", "every_layer"]
    specific: Literal["lowrank", "with_base"]
    weight_mlp: bool
    freeze_encoders: bool


@dataclass(frozen=True, config=_STRICT)
class TrainParams:
    """What is trained beside the method itself; two training stages, the loss weights and DPFT."""

    baselines: list[Literal["joint", "dropout", "specialists"]]
    ablations: list[Literal["specific", "orthogonality", "dpft", "weight_mlp", "stage_one"]]
    ranks: list[Count]
    encoder_epochs: Count
    encoder_learning_rate: Positive
    epochs: Count
    patience: Count
    batch_dialogues: Count
    learning_rate: Positive
    weight_decay: NonNegative
    average_decay: Annotated[float, Field(ge=0, lt=1)]
    smoothing_epochs: Count
    separation_weight: NonNegative
    keep_weight: NonNegative
    dpft: Literal["one_sided", "symmetric", "off"]
    dpft_step: NonNegative
    dpft_range: Annotated[list[Share], Field(min_length=2, max_length=2)]
    keep_epochs: bool


@dataclass(frozen=True, config=_STRICT)
class ReportParams:
    """The page's cases: how many of each kind, and whether they are shown with their media."""

    num_cases: Annotated[int, Field(ge=0, le=50)]
    media: bool


@dataclass(frozen=True, config=_STRICT)
class Params:
    """Everything that changes the numbers."""

    dataset: Dataset
    features: Literal["extracted", "published"]
    rank: Count
    seed: Seed
    num_seeds: Count
    selection: Literal["validation", "test"]
    missing_rates: Annotated[list[MissingRate], Field(min_length=1)]
    sample: SampleParams
    clips: ClipsParams
    sources: dict[Dataset, Sources]
    published: PublishedParams
    extract: ExtractParams
    split: SplitParams
    model: ModelParams
    train: TrainParams
    report: ReportParams

    @property
    def seeds(self) -> range:
        """The seeds of all runs."""
        return range(self.seed, self.seed + self.num_seeds)


def what_counts(params: Params) -> dict[str, Any]:
    """The parameters that results depend on: not where data came from, nor what a page shows."""
    aside = ("sources", "report")
    return {key: value for key, value in asdict(params).items() if key not in aside}


def read_params(path: Path = PARAMS) -> Params:
    """Read and check params.yaml.

    Raises:
        InputError: The file or one of its keys is missing, unknown or of a wrong value.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            path, found="nothing", expected="the project's parameters", remedy="run in its folder"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(path, found=f"text that is not YAML ({reason})", expected="YAML") from None
    return parse_params(content, path)


def parse_params(content: Any, path: Path = PARAMS) -> Params:
    """Check the content of a params file, already read from YAML."""
    if not isinstance(content, dict):
        raise InputError(path, found=type(content).__name__, expected="keys and values")
    try:
        params = TypeAdapter(Params).validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        raise _params_error(error, path) from None
    _check_together(params, path)
    return params


def _check_together(params: Params, path: Path) -> None:
    """Check what no key says alone.

    Raises:
        InputError: A rate or a method stands twice, or the dimensions do not fit together.
    """
    model, train = params.model, params.train
    most = f"at most model.hidden ({model.hidden}): more is no low rank"
    rules: dict[str, tuple[bool, Any, str]] = {
        "missing_rates": (_is_set(params.missing_rates), params.missing_rates, "each rate once"),
        "train.baselines": (_is_set(train.baselines), train.baselines, "each method once"),
        "train.ablations": (_is_set(train.ablations), train.ablations, "each part once"),
        "train.ranks": (_is_set(train.ranks), train.ranks, "each rank once"),
        "model.hidden": (
            model.hidden % model.heads == 0,
            model.hidden,
            f"a multiple of model.heads ({model.heads})",
        ),
        "rank": (params.rank <= model.hidden, params.rank, most),
    }
    if too_high := [rank for rank in train.ranks if rank > model.hidden]:
        rules["train.ranks"] = (False, too_high[0], most)
    if params.features == "published":
        known = published_artefacts(params.dataset, ())
        rules["features"] = (bool(known), "published", f"extracted for dataset {params.dataset}")
    for dataset, sources in params.sources.items():
        rules |= source_rules(dataset, sources)
    for key, (holds, found, expected) in rules.items():
        if not holds:
            raise InputError(f"{path}: key {key}", found=repr(found), expected=expected)


def _is_set(values: Sequence[Any]) -> bool:
    """Whether nothing stands twice."""
    return len(set(values)) == len(values)


def _params_error(error: ValidationError, path: Path) -> InputError:
    """Turn the first finding of pydantic into our sentence."""
    first = error.errors()[0]
    # pydantic also names the alternatives of a union that it tried, and what of a mapping is wrong.
    key = ".".join(str(p) for p in first["loc"] if not _TRIED.match(str(p)))
    where = f"{path}: key {key}"
    kind = first["type"]
    if kind in ("unexpected_keyword_argument", "extra_forbidden"):
        known = ", ".join(f.name for f in fields(Params)) if "." not in key else "a known key"
        return InputError(
            where, found="an unknown key", expected=known, remedy="remove or rename it"
        )
    if kind in ("missing", "missing_argument"):
        return InputError(where, found="nothing", expected="a value", remedy="add the key")
    message = first["msg"][0].lower() + first["msg"][1:]
    return InputError(
        where, found=repr(first["input"]), expected=message.replace("input should be ", "")
    )
