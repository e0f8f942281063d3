"""The whole road on pretrained encoders: sound and words moment by moment, then a prediction."""

import json
from pathlib import Path

import pytest
import tiny_models

from mculora.features.store.reader import open_sequences, read_store
from mculora.modality import Modality
from pipeline.layout import Layout
from pipeline.page.evaluation import read_evaluation


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """One tiny network of each modality, as users have them in folders."""
    folder = tmp_path_factory.mktemp("models")
    tiny_models.AUDIO["wav2vec2-base"](folder / "audio")
    tiny_models.TEXT["deberta-v3"](folder / "text")
    tiny_models.VISUAL["vit-fer"](folder / "visual")
    return {modality: str(folder / modality.word) for modality in Modality}


@pytest.mark.slow
def test_from_raw_files_to_a_prediction(travel, run, models):
    changes = {modality.word: {"encoder": models[modality]} for modality in Modality}
    changes["audio"]["level"] = changes["text"]["level"] = "frame"
    road = travel(sample={"num_videos": 12}, extract={**changes, "dtype": "bfloat16"})
    layout = Layout("sample")
    for modality in Modality:
        stored, sequences = (f(layout.features(modality)) for f in (read_store, open_sequences))
        assert stored.vectors.shape == (len(stored.ids), tiny_models.WIDTH)
        assert stored.identity.settings["dtype"] == "bfloat16"
        lengths = {len(sequences[utterance_id]) for utterance_id in stored.ids}
        assert (lengths == {1}) == (modality is Modality.VISUAL)
    evaluation = json.loads(layout.evaluation.read_text())
    assert {facts["encoder"] for facts in evaluation["features"].values()} == set(changes)
    check_missing_moments(read_evaluation(layout.evaluation))
    clip = next(Path("data/raw/sample").rglob("*.mp4"))
    road.change(extract={"dtype": "auto"})  # the network asks for the one it was trained with
    done = run("predict", clip, "--transcript", "what a wonderful day")
    assert done.code == 0, done.err
    assert "used:     audio, text, visual" in done.out


def check_missing_moments(evaluation):
    """Sounds and words lose moments, pictures of one vector do not; no loss changes nothing."""
    assert evaluation.missing_moments.modalities == ["audio", "text"]
    rates = evaluation.missing_moments.rates
    assert list(rates) == ["0.0", "0.5"]
    assert (rates["0.0"]["official"].realised, len(rates["0.5"]["official"].digest)) == (0, 64)
    assert 0.4 < rates["0.5"]["official"].realised < 0.6
    for method in evaluation.shown.values():
        assert list(method.missing_moments) == ["0.0", "0.5"]
        whole, same = method.missing_rates["0.0"].metrics, method.missing_moments["0.0"].metrics
        assert same["mae"].mean == pytest.approx(whole["mae"].mean, abs=1e-4)
        assert method.missing_moments["0.5"].metrics["mae"].over_utterances
        half = method.missing_moments["0.5"].metrics["mae"].mean
        assert half != pytest.approx(whole["mae"].mean, abs=1e-4)
