"""`mculora serve`: what it answers, from a real model with real encoders."""

import json

import numpy as np
import pytest
import soundfile
from media_clips import Picture, Sound, write_media
from running_service import Oracle, serving
from untrained_bundles import HALF_WIDTH, untrained_bundle

from mculora.inference.predictor import Predictor


@pytest.fixture(scope="module")
def predictor():
    return Predictor(untrained_bundle())


@pytest.fixture(scope="module")
def service(predictor, tmp_path_factory):
    with serving(predictor, tmp_path_factory.mktemp("serve")) as running:
        yield running
        running.wait_until(running.is_idle)


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_media(path, Picture(), Sound(), seconds=1.0)


def test_a_clip_and_words_are_predicted_as_anywhere_else(service, predictor, clip):
    answer = service.ask(clip.read_bytes(), "well, that was lovely")
    assert answer.status_code == 200
    found, expected = answer.json(), predictor.predict(clip, "well, that was lovely").to_json()
    assert found["task"] == "regression"
    assert found["values"]["score"] == pytest.approx(expected["values"]["score"], abs=1e-5)
    assert found["used"] == expected["used"] == ["audio", "text"]
    assert found["absent"] == expected["absent"]
    assert found["absent"]["visual"].startswith("no face in")
    assert found["without"].keys() == {"audio", "text"}
    low, high = found["interval"]
    assert high - low == pytest.approx(2 * HALF_WIDTH)
    assert found["label"] == expected["label"]
    assert {"receive", "wait", "model", "total"} < found["seconds"].keys()
    assert sum(found["seconds"].values()) <= 2.01 * found["seconds"]["total"]


def test_words_alone(service):
    found = service.ask(transcript="i hate this").json()
    assert found["used"] == ["text"] and found["without"] == {}
    assert found["absent"] == {"audio": "no clip was sent", "visual": "no clip was sent"}


def test_sound_alone(service, tmp_path):
    sound = 0.1 * np.random.default_rng(0).standard_normal(16_000)
    soundfile.write(tmp_path / "a.wav", sound, 16_000)
    found = service.ask((tmp_path / "a.wav").read_bytes()).json()
    assert found["used"] == ["audio"]
    assert found["absent"] == {"text": "no transcript was sent", "visual": "no video track"}


def test_a_damaged_clip_still_has_its_words(service):
    found = service.ask(b"not a video at all", "i hate this").json()
    assert found["used"] == ["text"]
    assert found["absent"]["audio"].startswith("cannot be decoded")


def test_classes_come_as_probabilities(tmp_path):
    with serving(Predictor(untrained_bundle("glad", "sad", "calm")), tmp_path / "s") as service:
        found = service.ask(transcript="what a day").json()
    assert found["task"] == "classification" and found["interval"] is None
    assert sum(found["values"].values()) == pytest.approx(1)
    assert found["label"] == max(found["values"], key=found["values"].get)


@pytest.mark.parametrize(
    ("clip", "words", "status", "told"),
    [
        (b"", None, 415, "clip: zero bytes"),
        (b"\0" * 5_000, None, 415, "clip: cannot be decoded"),
        (b"", "  ", 415, "clip: zero bytes"),
        (None, "  \n", 400, "send a clip, a transcript or both"),
    ],
)
def test_nothing_usable_is_one_line_of_json(service, clip, words, status, told):
    answer = service.ask(clip, words)
    assert answer.status_code == status
    assert answer.json().keys() == {"error"}
    assert answer.json()["error"].startswith(told)
    assert str(service.folder) not in answer.text


def test_a_picture_without_a_face_offers_nothing(service, tmp_path):
    path = write_media(tmp_path / "a.mp4", Picture(), seconds=0.5)
    answer = service.ask(path.read_bytes())
    assert answer.status_code == 422
    told = answer.json()["error"]
    assert told.startswith("nothing to predict from (audio: no audio track; text: no transcript")


def test_a_long_clip_is_refused_by_its_length(predictor, tmp_path, clip):
    with serving(predictor, tmp_path / "s", max_clip_seconds=0.5) as service:
        answer = service.ask(clip.read_bytes(), "and its words")
        assert answer.status_code == 413
        assert answer.json() == {"error": "a clip of 1.0 s, and at most 0.5 s are taken"}
        assert service.is_idle()


def test_no_more_is_decoded_than_the_header_admits(tmp_path, clip):
    oracle = Oracle(untrained_bundle())
    with serving(oracle, tmp_path / "s", max_clip_seconds=7) as service:
        shown = []
        predict = oracle.predict_observations
        oracle.predict_observations = lambda them: shown.extend(them) or predict(them)
        assert service.ask(clip.read_bytes()).status_code == 200
    assert shown[0].end_seconds == 8.0


def test_health_says_which_model_it_is(service):
    found = service.client.get("/health").json()
    assert found["ready"] is True and (found["waiting"], found["working"]) == (0, 0)
    assert found["model"]["corpus"] == "sample" and found["model"]["task"] == "regression"
    assert found["model"]["encoders"]["audio"] == "logmel"
    assert found["limits"]["queue"] == 50


def test_metrics_count_answers_and_stages(service):
    name = 'mculora_requests_total{path="/predict",status="%d"}'
    before = [service.counted(name % status) for status in (200, 415)]
    service.ask(transcript="one"), service.ask(transcript="two"), service.ask(b"nothing")
    after = [service.counted(name % status) for status in (200, 415)]
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 1]
    assert service.counted("mculora_queue_length") == 0
    assert service.counted("mculora_requests_in_flight") == 0
    assert service.counted('mculora_stage_seconds_total{stage="model"}') > 0
    service.client.get("/../../etc/passwd"), service.client.get("/whatever")
    assert service.counted('mculora_requests_total{path="other",status="404"}') >= 1


def test_errors_of_the_protocol_are_json_too(service):
    for answer, status in (
        (service.client.get("/nowhere"), 404),
        (service.client.get("/predict"), 405),
        (service.client.get("/docs"), 404),  # its page would load from elsewhere
        (service.client.get("/redoc"), 404),
        (service.client.post("/predict", json={"transcript": "hello"}), 415),
        (service.client.post("/predict", content=b"hello"), 415),
        (service.client.post("/predict", data={"transcript": "hello"}), 415),
    ):
        assert answer.status_code == status
        assert answer.json().keys() == {"error"}


def test_the_form_is_described(service):
    found = service.client.get("/openapi.json").json()
    form = found["paths"]["/predict"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert form["schema"]["properties"].keys() == {"clip", "transcript"}


def test_an_error_of_ours_tells_nothing(tmp_path, capsys):
    with serving(Oracle(untrained_bundle()), tmp_path / "s") as service:
        answer = service.ask(b"clip", "fail")
        assert (answer.status_code, answer.json()) == (500, {"error": "something went wrong here"})
        assert service.is_idle()
        assert service.counted('mculora_requests_total{path="/predict",status="500"}') == 1
        assert service.ask(transcript="and on it goes").status_code == 200
    assert "this is a bug" in capsys.readouterr().err  # the log has it


def test_transcripts_may_be_in_any_script(service):
    for words in ("日本語のテキスト", "a\0b", "<script>alert(1)</script>", "é" * 1000):
        answer = service.ask(transcript=words)
        assert answer.status_code in (200, 422)
        assert json.loads(answer.text)
