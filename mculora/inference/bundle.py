"""A bundle: one network and all that it takes to use it, in memory or in a folder that travels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mculora.corpora.manifest import Task
from mculora.errors import InputError
from mculora.features.encoder import EncoderSpec
from mculora.features.identity import FeatureIdentity
from mculora.files import write_text
from mculora.inference.encoder_json import spec_from_json, spec_to_json
from mculora.modality import Modality, ModalityCombination
from mculora.model.checkpoint import load_checkpoint, save_checkpoint
from mculora.model.network import MCULoRA

WEIGHTS, FACTS = "model.safetensors", "bundle.json"
"""The two files that a bundle's folder needs; what else lies in it is for people and tools."""

FORMAT = 1
"""The version of `bundle.json` that is written, and the only one that is read."""

_EXPECTED = "a folder that `mculora export` wrote"


@dataclass(frozen=True, eq=False)
class Bundle:
    """A trained network and what turns a recording into its features.

    Attributes:
        network: The network, in evaluation mode; its normalisation is inside.
        encoders: How each modality is encoded; empty where training's features were somebody
            else's, so that only features can be predicted from.
        provenance: What the network's checkpoint says of itself: method, corpus, task, class
            names, features, calibration …
        params: What else is worth keeping: the parameters of the run.
    """

    network: MCULoRA
    encoders: Mapping[Modality, EncoderSpec]
    provenance: Mapping[str, Any]
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def task(self) -> Task:
        """Whether it gives a score or classes."""
        return Task(self.provenance["task"])

    @property
    def class_names(self) -> tuple[str, ...]:
        """The K classes; empty for a score."""
        return tuple(self.provenance["class_names"])

    @property
    def corpus(self) -> str:
        """What it was trained on, by name."""
        return str(self.provenance["corpus"])

    def features(self, modality: Modality) -> FeatureIdentity:
        """What the network was trained with, by its own account."""
        return FeatureIdentity.from_json(self.provenance["features"][modality.word])

    def temperature(self, combination: ModalityCombination) -> float:
        """What logits are divided by; 1 for a network without calibration."""
        return float(self._calibration(combination).get("temperature", 1.0))

    def half_width(self, combination: ModalityCombination) -> float | None:
        """Half the width of a score's interval; None for a network without calibration."""
        width = self._calibration(combination).get("half_width")
        return None if width is None else float(width)

    def _calibration(self, combination: ModalityCombination) -> Mapping[str, Any]:
        known: Mapping[str, Any] = self.provenance.get("calibration") or {}
        return known.get(combination.word) or {}


def save_bundle(folder: Path, bundle: Bundle) -> None:
    """Write weights and facts of a bundle into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_checkpoint(folder / WEIGHTS, bundle.network, bundle.provenance)
    facts = {
        "format": FORMAT,
        **bundle.provenance,
        "encoders": {m.word: spec_to_json(spec) for m, spec in bundle.encoders.items()},
        "params": dict(bundle.params),
    }
    write_text(folder / FACTS, json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def load_bundle(folder: Path) -> Bundle:
    """Read a bundle from its folder, wherever that is.

    Raises:
        InputError: The folder is no bundle, is damaged, or is of another version of this program.
    """
    if not is_bundle(folder):
        raise InputError(folder, found=f"no {FACTS} beside a {WEIGHTS}", expected=_EXPECTED)
    checkpoint = load_checkpoint(folder / WEIGHTS)
    facts = _read_facts(folder / FACTS)
    try:
        specs = [spec_from_json(content) for content in facts["encoders"].values()]
        bundle = Bundle(
            network=checkpoint.network,
            encoders={spec.modality: _inside(folder, spec) for spec in specs},
            provenance=checkpoint.provenance,
            params=facts["params"],
        )
        check_whole(bundle)
    except (AttributeError, KeyError, TypeError, ValueError, InputError) as error:
        found = f"facts that do not fit ({type(error).__name__}: {error})"
        raise InputError(folder / FACTS, found=found, expected=_EXPECTED) from None
    if any(facts.get(key) != value for key, value in checkpoint.provenance.items()):
        found, expected = "the facts of another network", f"those of the {WEIGHTS} beside it"
        raise InputError(folder / FACTS, found=found, expected=expected)
    return bundle


def check_whole(bundle: Bundle) -> None:
    """Refuse a network whose account of itself lacks what predicting needs.

    Raises:
        InputError: Names of classes and outputs, or widths and features, differ in number.
        KeyError, TypeError, ValueError: A fact is not there or nonsense.
    """
    config = bundle.network.config
    widths = tuple(bundle.features(m).width for m in Modality)
    if widths != config.widths:
        raise InputError("features", found=f"widths {widths}", expected=str(config.widths))
    outputs = len(bundle.class_names) if bundle.task is Task.CLASSIFICATION else 1
    if outputs != config.outputs:
        raise InputError("class names", found=str(outputs), expected=str(config.outputs))


def is_bundle(folder: Path) -> bool:
    """Whether a folder looks like a bundle."""
    return (folder / FACTS).is_file() and (folder / WEIGHTS).is_file()


def _read_facts(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(path, found=f"no JSON ({error})", expected=_EXPECTED) from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        version = facts.get("format") if isinstance(facts, dict) else None
        remedy = "install the version of this program that wrote it, or export it again"
        raise InputError(
            path, found=f"format {version!r}", expected=f"format {FORMAT}", remedy=remedy
        )
    return facts


def _inside(folder: Path, spec: EncoderSpec) -> EncoderSpec:
    """The spec of an encoder whose files may travel inside the bundle."""
    carried = folder / spec.encoder
    return replace(spec, encoder=str(carried)) if carried.is_dir() else spec
