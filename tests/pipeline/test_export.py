"""`mculora export`: one folder that works anywhere, says what it is, and appears whole or not."""

import json
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import tiny_models
import torch
import yaml
from untrained_bundles import untrained_bundle

from mculora.errors import MCULoRAError
from mculora.features.encoder import identify
from mculora.features.loading import load_encoder
from mculora.inference.bundle import load_bundle
from mculora.inference.encoding import load_trained_encoder
from mculora.inference.predictor import Predictor
from mculora.modality import Modality, ModalityCombination
from mculora.model.checkpoint import save_checkpoint
from pipeline.exporting.card import Results, compose_card
from pipeline.exporting.encoders import carry, is_local, pin
from pipeline.params import read_params, what_counts

PROJECT = Path(__file__).parents[2]
EXPORTED = Path("exports/sample")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder in which a network has been trained, or looks as if."""
    content = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    content["extract"]["audio"]["encoder"] = "logmel"
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "params.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    bundle = untrained_bundle()
    checkpoint = folder / "models/sample/mculora/seed-0-official.safetensors"
    save_checkpoint(checkpoint, bundle.network, bundle.provenance)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def evaluated(project):
    """What `evaluate` writes of this run, as far as the card reads it."""
    results = project / "results"
    results.mkdir()
    main = {"weighted_f1_nonzero": {c.word: 0.7 for c in ModalityCombination}}
    main["mean_of_combinations"] = {"weighted_f1_nonzero": 0.8125, "mae": 0.9, "corr": None}
    facts = {"primary": "weighted_f1_nonzero", "selection": "validation"}
    facts["corpus"] = {"fingerprint": "0"}
    facts["params"] = asdict(read_params())
    (results / "metrics.json").write_text(json.dumps({"mculora": main}))
    (results / "evaluation.json").write_text(json.dumps(facts))
    return results


def head_of(card):
    _, head, text = card.split("---\n", 2)
    return yaml.safe_load(head), text


@pytest.mark.slow
def test_it_predicts_where_nothing_else_of_the_project_is(project, run, tmp_path):
    done = run("export --no-onnx --to", tmp_path / "model")
    assert done.code == 0, done.err
    here = load_bundle(tmp_path / "model")
    expected = float(Predictor(here).predict(transcript="i like it").values[0])
    (tmp_path / "elsewhere").mkdir()
    code = (
        "from mculora.inference.predictor import Predictor;"
        "print(float(Predictor.load('../model').predict(transcript='i like it').values[0]))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path / "elsewhere",
        env={"PYTHONPATH": str(PROJECT), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert float(shown.stdout) == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
def test_the_whole_folder(project, evaluated, run):
    done = run("export")
    assert done.code == 0, done.err
    first, last = done.out.splitlines()
    assert first == "export: reads models/sample" and "ONNX within" in last
    assert sorted(path.name for path in EXPORTED.iterdir()) == [
        *("README.md", "bundle.json", "fusion.onnx", "model.safetensors")
    ]
    head, text = head_of((EXPORTED / "README.md").read_text(encoding="utf-8"))
    assert head["license"] == "other" and head["pipeline_tag"] == "video-classification"
    assert head["metrics"] == ["f1", "mae"]
    [result] = head["model-index"][0]["results"]
    assert result["metrics"][0]["value"] == 0.8125
    assert "| mculora | 0.700 |" in text and "| 0.812 |" in text
    assert "`audio` (B, L, " in text and "synthetic" in text
    assert str(project) not in (EXPORTED / "bundle.json").read_text(encoding="utf-8")
    assert load_bundle(EXPORTED).params == json.loads(json.dumps(what_counts(read_params())))


def test_results_of_another_run_are_not_told(project, evaluated, run):
    facts = json.loads((evaluated / "evaluation.json").read_text())
    facts["params"]["rank"] = 2
    (evaluated / "evaluation.json").write_text(json.dumps(facts))
    assert run("export --no-onnx").code == 0
    head, text = head_of((EXPORTED / "README.md").read_text(encoding="utf-8"))
    assert "model-index" not in head and "This run was not evaluated" in text


def test_a_bundle_is_replaced_and_nothing_else(project, run):
    EXPORTED.mkdir(parents=True)  # an empty folder is nobody's
    assert run("export --no-onnx").code == 0
    (EXPORTED / "note.txt").write_text("of the earlier one")
    assert run("export --no-onnx").code == 0
    assert not (EXPORTED / "note.txt").exists()
    assert [path.name for path in EXPORTED.parent.iterdir()] == ["sample"]
    before = sorted(project.rglob("*"))
    done = run("export --no-onnx --to", "models")
    assert done.code == 1 and sorted(project.rglob("*")) == before
    assert done.err.startswith("error: models: found a folder of something else")
    assert run("export --no-onnx --to", "params.yaml").code == 1


def test_what_does_not_pass_its_check_does_not_appear(project, run, monkeypatch):
    assert run("export --no-onnx").code == 0
    before = (EXPORTED / "bundle.json").read_bytes()

    def refuse(path, network):
        raise MCULoRAError(f"{path}: differs from the network by 1")

    monkeypatch.setattr("pipeline.export.write_onnx", lambda path, network: path.touch())
    monkeypatch.setattr("pipeline.export.check_onnx", refuse)
    done = run("export")
    assert done.code == 1 and "differs from the network" in done.err
    assert (EXPORTED / "bundle.json").read_bytes() == before
    assert [path.name for path in EXPORTED.parent.iterdir()] == ["sample"]


def test_another_encoder_than_in_training_is_refused(project, run):
    path = project / "params.yaml"
    text = path.read_text(encoding="utf-8").replace("encoder: logmel", "encoder: egemaps")
    path.write_text(text, encoding="utf-8")
    done = run("export --no-onnx")
    assert done.code == 1 and not [*EXPORTED.parent.iterdir()]
    assert "audio features: found encoder egemaps, expected logmel" in done.err


def test_without_the_extra_one_line_says_which(project, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    done = run("export")
    assert done.code == 1 and "pip install 'mculora[onnx]'" in done.err
    assert not EXPORTED.exists()
    assert run("export --no-onnx").code == 0


def test_before_training(tmp_path, run, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_bytes((PROJECT / "params.yaml").read_bytes())
    done = run("export --no-onnx")
    assert done.code == 1 and "run `mculora train` first" in done.err


def test_an_encoder_that_is_a_folder_travels_or_is_named(tmp_path):
    tiny_models.TEXT["bert"](tmp_path / "models/mine")
    bundle = untrained_bundle()
    spec = replace(bundle.encoders[Modality.TEXT], encoder=str(tmp_path / "models/mine"))
    trained = identify(load_encoder(spec), corpus="sample", corpus_fingerprint="0")
    pinned = pin(spec, trained)
    assert is_local(pinned) and pinned.dtype == trained.settings["dtype"]
    inside = carry(pinned, tmp_path / "bundle")
    assert inside.encoder == "encoders/text/mine"
    features = {**bundle.provenance["features"], "text": trained.to_json()}
    there = replace(inside, encoder=str(tmp_path / "bundle" / inside.encoder))
    moved = replace(
        bundle,
        provenance={**bundle.provenance, "features": features},
        encoders={Modality.TEXT: there},
    )
    load_trained_encoder(moved, Modality.TEXT, torch.device("cpu"))  # the same, by its files
    card = compose_card(moved, Results(), has_onnx=False, local=[pinned.encoder])
    assert f"Needed besides:** the encoder `{pinned.encoder}`" in card


def test_the_hubs_commit_and_the_found_detector_are_pinned():
    bundle = untrained_bundle()
    text, visual = (bundle.encoders[m] for m in (Modality.TEXT, Modality.VISUAL))
    trained = replace(bundle.features(Modality.TEXT), revision="c" * 40, settings={})
    assert pin(replace(text, encoder="owner/name"), trained).revision == "c" * 40
    assert pin(text, trained) == text
    seen = replace(bundle.features(Modality.VISUAL), settings={"faces": "yunet sha256 ab"})
    asked = replace(visual, faces=replace(visual.faces, detector="auto"))
    assert pin(asked, seen).faces.detector == "yunet"


def test_the_card_of_classes():
    card = compose_card(untrained_bundle("calm", "glad"), Results(), has_onnx=True, local=[])
    assert "One of 2 classes (calm, glad)" in card and "temperature" in card
    assert "logits in the order of the classes" in card
