"""`mculora predict`: from whatever a clip offers, and why the rest was not used."""

import numpy as np
import pytest
import soundfile
import torch

from mculora.batch import build_table
from mculora.modality import Modality
from mculora.model.checkpoint import load_checkpoint
from pipeline.inputs import read_inputs
from pipeline.layout import Layout

pytestmark = pytest.mark.slow


@pytest.fixture
def clip(road):
    """A video of the sample corpus that has sound and picture."""
    videos = sorted((road.folder / "data/raw/sample/Raw/Videos/Full/Combined").iterdir())
    return max(videos, key=lambda path: path.stat().st_size)


def test_all_three(run, clip):
    done = run("predict", clip, "--transcript", "what a lovely film")
    assert done.code == 0, done.err
    assert "sentiment " in done.out and "in [-3, 3]" in done.out
    assert "used:     audio, text, visual" in done.out
    assert "not used" not in done.out
    assert all(f"without {word}" in done.out for word in ("audio", "text", "visual"))
    assert done.out.count("<- mattered most") == 1
    assert "synthetic" in done.out


def test_without_a_transcript_and_without_audio(run, clip):
    """Longer than what is left whole: each utterance has its line."""
    done = run("predict", clip, "--without", "audio")
    assert done.code == 0, done.err
    assert "utterances, cut where speech pauses" in done.out
    assert "· · v" in done.out and "only visual" in done.out
    assert "not used: audio in " in done.out and "(left out by --without)" in done.out
    assert "not used: text in " in done.out and "(no transcript)" in done.out


def test_sound_alone(run, road):
    sound = 0.1 * np.random.default_rng(0).standard_normal(32_000)
    soundfile.write(road.folder / "a.wav", sound, 16_000)
    done = run("predict", "a.wav")
    assert done.code == 0, done.err
    assert "used:     audio" in done.out
    assert "not used: visual (no video track)" in done.out


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"not a video at all"])
def test_a_damaged_clip_is_one_line(run, road, content):
    (road.folder / "bad.mp4").write_bytes(content)
    done = run("predict", "bad.mp4")
    assert done.code == 1 and done.out == ""
    (line,) = done.err.splitlines()
    assert line.startswith("error: ") and "nothing to predict from" in line


def test_a_truncated_clip_is_one_line(run, road, clip):
    (road.folder / "cut.mp4").write_bytes(clip.read_bytes()[:3000])
    done = run("predict", "cut.mp4")
    assert done.code == 1
    assert len(done.err.splitlines()) == 1


def test_a_damaged_clip_still_has_its_words(run, road):
    (road.folder / "bad.mp4").write_bytes(b"")
    done = run("predict", "bad.mp4", "--transcript", "i hate this")
    assert done.code == 0, done.err
    assert "used:     text" in done.out


def test_no_such_clip(run, road):
    done = run("predict", "nowhere.mp4")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: nowhere.mp4: found no such file")


def test_another_encoder_than_in_training(run, road, clip):
    road.change(extract={"audio": {"encoder": "logmel"}})
    done = run("predict", clip)
    assert done.code == 1
    (line,) = done.err.splitlines()
    assert "audio features: found encoder logmel, expected egemaps" in line


def test_the_network_says_the_same_as_in_evaluation(run, road):
    """One utterance alone in its dialogue: the same score through predict and through the table."""
    inputs = read_inputs(Layout("sample"))
    text = inputs.stores[Modality.TEXT]
    chosen = next(u for u in inputs.corpus.utterances if u.id in text.ids)
    paths = sorted((road.folder / "models/sample/mculora").glob("*.safetensors"))
    best = max(map(load_checkpoint, paths), key=lambda c: c.provenance["validation_mean"])
    table = build_table(inputs.corpus, inputs.stores, [chosen.dialogue])
    row = table.ids.index(chosen.id)
    features = tuple(f[row][None, None] for f in table.features)
    present = torch.tensor([[[False, True, False]]])
    expected = best.network.predict(features, present).item()
    (road.folder / "empty.wav").write_bytes(b"")
    done = run("predict", "empty.wav", "--transcript", chosen.transcript)
    assert f"sentiment {expected:+.2f}" in done.out
