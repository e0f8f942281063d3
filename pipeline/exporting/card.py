"""A bundle's README.md: the card that people read, under the head that model hubs read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mculora.corpora.manifest import Task
from mculora.inference.bundle import Bundle
from mculora.inference.onnx_file import PREDICTION, PRESENT
from mculora.modality import Modality, ModalityCombination
from mculora.training.methods import MAIN
from pipeline.exporting.terms import TERMS, encoder_terms
from pipeline.layout import Layout

_HUB_METRICS = {"weighted_f1": "f1", "acc": "accuracy", "wa": "accuracy", "mae": "mae"}
"""How hubs call our metrics, by the beginnings of their names."""


@dataclass(frozen=True)
class Results:
    """What the method reached on test, as means over seeds and folds; empty if not evaluated.

    Attributes:
        primary: The metric that decides.
        by_combination: The primary metric under each combination.
        mean_of_combinations: Every metric.
    """

    primary: str = ""
    by_combination: Mapping[str, float | None] = field(default_factory=dict)
    mean_of_combinations: Mapping[str, float | None] = field(default_factory=dict)


def read_results(layout: Layout, bundle: Bundle) -> Results:
    """The results of the run that the bundle is of; none where the last ones are another's."""
    if not (layout.evaluation.is_file() and layout.metrics.is_file()):
        return Results()
    facts = json.loads(layout.evaluation.read_text(encoding="utf-8"))
    params = json.loads(json.dumps(dict(bundle.params)))  # as JSON has it
    trained_on = bundle.features(Modality.TEXT).corpus_fingerprint
    is_same_corpus = facts["corpus"]["fingerprint"] == trained_on
    if not (is_same_corpus and all(facts["params"].get(k) == v for k, v in params.items())):
        return Results()
    if facts["selection"] == "test":  # of other epochs than the one that validation chose
        return Results()
    main = json.loads(layout.metrics.read_text(encoding="utf-8"))[MAIN]
    primary = facts["primary"]
    return Results(primary, main[primary], main["mean_of_combinations"])


def compose_card(bundle: Bundle, results: Results, *, has_onnx: bool, local: list[str]) -> str:
    """Compose the card.

    Args:
        bundle: What is exported.
        results: What the run reached.
        has_onnx: Whether the ONNX file lies beside it.
        local: Encoders that are folders of this machine and stay here.
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown
    )
    rows = [_encoder_row(bundle, m) for m in Modality]
    return environment.get_template("card.md").render(
        head=_head(bundle, results),
        bundle=bundle,
        provenance=bundle.provenance,
        network=bundle.network.config,
        num_parameters=sum(p.numel() for p in bundle.network.parameters()),
        is_score=bundle.task is Task.REGRESSION,
        is_calibrated=bool(bundle.provenance.get("calibration")),
        modalities=rows,
        combinations=[c.word for c in ModalityCombination],
        results=results,
        has_onnx=has_onnx,
        local=local,
        onnx_inputs=(*(m.word for m in Modality), PRESENT),
        onnx_output=PREDICTION,
        terms=TERMS.get(bundle.corpus, "of its own: ask whoever has it"),
        encoder_terms={r["encoder"]: r["terms"] for r in rows if r["terms"]},
    )


def _head(bundle: Bundle, results: Results) -> str:
    """The YAML that model hubs read."""
    name = f"{bundle.provenance['method']}-{bundle.corpus}"
    known = {k: v for k, v in results.mean_of_combinations.items() if v is not None and _hub(k)}
    metrics = [{"type": _hub(k), "name": k, "value": round(v, 4)} for k, v in known.items()]
    head: dict[str, Any] = {
        "license": "other",
        "license_name": f"terms-of-{bundle.corpus}",
        "library_name": "mculora",
        "pipeline_tag": "video-classification",
        "tags": [
            *("emotion-recognition", "sentiment-analysis", "multimodal", "missing-modalities"),
            *("audio", "text", "video", "lora", "arxiv:2507.11202"),
        ],
    }
    if metrics:
        task = {"type": "video-classification", "name": "emotion recognition, any modality missing"}
        dataset = {"type": bundle.corpus, "name": bundle.corpus}
        result = {"task": task, "dataset": dataset, "metrics": metrics}
        head["metrics"] = sorted({str(metric["type"]) for metric in metrics})
        head["model-index"] = [{"name": name, "results": [result]}]
    return yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=1000)


def _hub(metric: str) -> str:
    return next((h for start, h in _HUB_METRICS.items() if metric.startswith(start)), "")


def _encoder_row(bundle: Bundle, modality: Modality) -> dict[str, Any]:
    """What the card says of one modality's features."""
    trained = bundle.features(modality)
    return {
        "word": modality.word,
        "encoder": trained.encoder,
        "revision": trained.revision,
        "width": trained.width,
        "settings": json.dumps(trained.settings, ensure_ascii=False, sort_keys=True),
        "terms": encoder_terms(trained.encoder),
    }
