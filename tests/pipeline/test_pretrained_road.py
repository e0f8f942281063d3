"""The whole road on pretrained encoders: sound and words moment by moment, then a prediction."""

import json
from pathlib import Path

import pytest
import tiny_models

from mculora.features.store.reader import open_sequences, read_store
from mculora.modality import Modality
from pipeline.layout import Layout


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
    clip = next(Path("data/raw/sample").rglob("*.mp4"))
    road.change(extract={"dtype": "auto"})  # the network asks for the one it was trained with
    done = run("predict", clip, "--transcript", "what a wonderful day")
    assert done.code == 0, done.err
    assert "used:     audio, text, visual" in done.out
