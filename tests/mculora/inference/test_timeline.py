"""What mattered to a prediction, and where utterances are in their files."""

import json
from pathlib import Path

import pytest
from predicted import classes, score, timeline_of

from mculora.features.observation import Observation
from mculora.inference.recording import Recording
from mculora.inference.timeline import changes, mattered_most, predict_recording
from mculora.modality import Modality

A, T, V = Modality


class Answering:
    """A predictor that always says the same."""

    def predict_observations(self, observations, absent=None):
        self.absent = absent
        return [score(1.0) for _ in observations]


def test_what_moves_a_score_most_mattered_most():
    prediction = score(1.0, without={A: 0.5, T: -1.0, V: 1.5})
    assert changes(prediction) == pytest.approx({A: 0.5, T: 2.0, V: -0.5})
    assert mattered_most(prediction) is T


def test_for_classes_it_is_the_probability_that_moves():
    prediction = classes(0.7, 0.2, 0.1, without={A: (0.7, 0.1, 0.2), T: (0.1, 0.8, 0.1)})
    assert changes(prediction) == pytest.approx({A: 0.1, T: 0.6})
    assert mattered_most(prediction) is T


def test_one_modality_has_nothing_to_be_compared_with():
    assert mattered_most(score(1.0, used=(A,))) is None
    assert mattered_most(score(0.0, used=())) is None


def test_json_has_no_values_that_are_none():
    timeline = timeline_of(score(1.0, half=0.5), score(0.0, used=()))
    first, second = json.loads(json.dumps(timeline.to_json(), allow_nan=False))["utterances"]
    assert first["values"] == {"score": 1.0} and first["interval"] == [0.5, 1.5]
    assert second["values"] is None and second["label"] is None
    assert second["absent"] == {m.word: f"no {m.word} here" for m in Modality}


def test_times_are_those_of_the_file():
    late = Observation(12.0, 15.0, audio_path=Path("b.wav"), audio_begins_seconds=10.0)
    whole = Observation(audio_path=Path("a.wav"))
    timeline = predict_recording(Answering(), Recording("d", (whole, late), seconds=20.0), {})
    assert [(m.file, m.start_seconds, m.end_seconds) for m in timeline.moments] == [
        ("a.wav", 0.0, 20.0),
        ("b.wav", 2.0, 5.0),
    ]


def test_what_is_left_out_comes_from_both_sides():
    predictor = Answering()
    recording = Recording("d", (Observation(),), absent={T: "no times"})
    predict_recording(predictor, recording, {A: "left out"})
    assert predictor.absent == {T: "no times", A: "left out"}
    predict_recording(predictor, recording, {T: "left out"})
    assert predictor.absent == {T: "left out"}
