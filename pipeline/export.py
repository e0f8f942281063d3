"""Command `export`: the best trained network -> one folder that is all one needs to use it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import torch

from mculora.errors import InputError
from mculora.files import TEMPORARY_SUFFIX, write_text
from mculora.inference.bundle import Bundle, is_bundle, load_bundle, save_bundle
from mculora.inference.encoding import load_trained_encoder
from mculora.inference.onnx_file import check_onnx, require_packages, write_onnx
from pipeline.bundles import trained_bundle
from pipeline.console import say, stage
from pipeline.exporting.card import compose_card, read_results
from pipeline.exporting.encoders import carry, is_local, pin
from pipeline.layout import Layout
from pipeline.params import read_params

ONNX, CARD = "fusion.onnx", "README.md"


def run(folder: Path | None, *, has_onnx: bool, with_encoders: bool) -> None:
    """Export the best network of the trained dataset, and check what was written.

    Args:
        folder: Where to; a bundle that is there is replaced, anything else is not.
        has_onnx: Whether an ONNX file is written, too.
        with_encoders: Whether encoders that are local folders are copied along.

    Raises:
        InputError: Nothing is trained, params.yaml names other encoders than those of training, or
            something else is at the place.
    """
    params = read_params()
    layout = Layout(params.dataset)
    target = folder or layout.bundle
    _check_place(target)
    if has_onnx:
        require_packages()
    bundle = trained_bundle(params)
    with stage("export", reads=[layout.models], writes=target) as facts:
        building = target.with_name(target.name + TEMPORARY_SUFFIX)
        shutil.rmtree(building, ignore_errors=True)
        building.mkdir(parents=True)
        try:
            local = _write(building, bundle, with_encoders=with_encoders)
            facts += _check(building, bundle, has_onnx=has_onnx)
            results = read_results(layout, bundle)
            card = compose_card(bundle, results, has_onnx=has_onnx, local=local)
            write_text(building / CARD, card)
            _put(building, target)
        finally:
            shutil.rmtree(building, ignore_errors=True)
    for encoder in local:
        say(f"export: a machine that uses it needs {encoder}, too (or export --with-encoders)")
    if not bundle.encoders:
        say("export: features are published ones, so it predicts from features, not from clips")


def _check_place(target: Path) -> None:
    """Refuse to replace what `export` did not write."""
    if not target.exists() or is_bundle(target) or (target.is_dir() and not any(target.iterdir())):
        return
    kind = "a folder of something else" if target.is_dir() else "a file"
    raise InputError(target, found=kind, expected="no folder yet, or a bundle to replace")


def _write(building: Path, bundle: Bundle, *, with_encoders: bool) -> list[str]:
    """Write the bundle with exact encoders; tell which of them stay on this machine."""
    specs = {m: pin(spec, bundle.features(m)) for m, spec in bundle.encoders.items()}
    local = {m: spec for m, spec in specs.items() if is_local(spec)}
    if with_encoders:
        specs |= {m: carry(spec, building) for m, spec in local.items()}
        local = {}
    save_bundle(building, replace(bundle, encoders=specs))
    return [spec.encoder for spec in local.values()]


def _check(building: Path, bundle: Bundle, *, has_onnx: bool) -> list[str]:
    """Use what was written: encoders as in training, weights as they were, ONNX as the network."""
    written = load_bundle(building)
    for modality in written.encoders:
        load_trained_encoder(written, modality, torch.device("cpu"))
    weights = written.network.state_dict()
    assert all(torch.equal(weights[k], v) for k, v in bundle.network.state_dict().items())
    facts = [f"{sum(p.numel() for p in written.network.parameters())} parameters"]
    if has_onnx:
        write_onnx(building / ONNX, written.network)
        facts.append(f"ONNX within {check_onnx(building / ONNX, written.network):.0e}")
    return facts


def _put(building: Path, target: Path) -> None:
    """Rename the finished folder; an earlier one goes when the new one is there."""
    earlier = target.with_name(target.name + ".earlier")
    shutil.rmtree(earlier, ignore_errors=True)
    if target.exists():
        target.rename(earlier)
    building.rename(target)
    shutil.rmtree(earlier, ignore_errors=True)
