"""Predicting: as the network does, from clips and from features, and never a guess."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from untrained_bundles import HALF_WIDTH, untrained_bundle

from mculora.errors import InputError
from mculora.features.observation import Observation
from mculora.inference.prediction import Prediction
from mculora.inference.predictor import Predictor
from mculora.modality import Modality, ModalityCombination

A, T, V = Modality
WORDS = ["what a lovely film", "i hate this", "it was fine"]


def trained(bundle):
    """As after some training: zero adapters would hide mistakes."""
    for name, parameter in bundle.network.named_parameters():
        if name.endswith(".up"):
            torch.nn.init.normal_(parameter, std=0.3)
    return bundle


@pytest.fixture
def score():
    return Predictor(trained(untrained_bundle()))


@pytest.fixture
def classes():
    return Predictor(trained(untrained_bundle("calm", "glad", "sad")))


def features_of(predictor, length):
    generator = torch.Generator().manual_seed(3)
    widths = predictor.bundle.network.config.widths
    return {m: torch.randn(length, widths[m], generator=generator) for m in Modality}


def all_presences():
    return torch.tensor([c.presence for c in ModalityCombination])


def test_scores_are_the_networks_own(score):
    features, present = features_of(score, 7), all_presences()
    expected = score.bundle.network.predict([f[None] for f in features.values()], present[None])
    found = score.predict_tensors(features, present)
    torch.testing.assert_close(torch.stack([p.values for p in found]), expected[0].detach())
    assert [p.combination for p in found] == list(ModalityCombination)
    for prediction in found:
        middle = float(prediction.values[0])
        assert prediction.interval == pytest.approx((middle - HALF_WIDTH, middle + HALF_WIDTH))


def test_probabilities_are_calibrated(classes):
    features, present = features_of(classes, 7), all_presences()
    logits = classes.bundle.network.predict([f[None] for f in features.values()], present[None])[0]
    found = classes.predict_tensors(features, present)
    torch.testing.assert_close(
        torch.stack([p.values for p in found]), (logits / 1.5).softmax(-1).detach()
    )
    assert all(p.label in p.class_names and p.interval is None for p in found)


def test_without_is_what_would_be_predicted_without(score):
    """Of one utterance: the others keep all that they have, and change nothing."""
    features, present = features_of(score, 7), all_presences()
    whole = score.predict_tensors(features, present)
    for row, prediction in enumerate(whole):
        used = prediction.used
        assert tuple(prediction.without) == (used if len(used) > 1 else ())
        for modality, values in prediction.without.items():
            lacking = present.clone()
            lacking[row, modality] = False
            other = score.predict_tensors(features, lacking)[row]
            torch.testing.assert_close(values, other.values)


def test_utterances_that_offer_nothing_are_no_number(score):
    features, present = features_of(score, 3), torch.ones(3, 3, dtype=torch.bool)
    present[1] = False
    _, nothing, _ = score.predict_tensors(features, present)
    assert nothing.values.isnan().all() and not nothing.used and nothing.label == "nothing"
    assert nothing.to_json()["values"] is None
    assert str(nothing).startswith("nothing to predict from (no audio: no features given")
    present[:] = False
    assert not any(p.used for p in score.predict_tensors(features, present))


def test_features_of_numpy_and_of_some_modalities(score):
    text = features_of(score, 1)[T]
    [found] = score.predict_tensors({T: text.numpy().astype(np.float64)})
    [same] = score.predict_tensors({T: text})
    assert found.used == (T,) and torch.equal(found.values, same.values)
    assert set(found.absent) == {A, V}


def test_features_that_do_not_fit(score):
    features = features_of(score, 2)
    with pytest.raises(InputError, match=r"text features: found \(2, 5\), expected \(2, 1024\)"):
        score.predict_tensors({**features, T: features[T][:, :5]})
    features[V][1, 3] = torch.nan
    with pytest.raises(InputError, match="visual features: found NaN or infinity"):
        score.predict_tensors(features)
    present = torch.tensor([[True] * 3, [True, True, False]])
    assert [p.used for p in score.predict_tensors(features, present)] == [(A, T, V), (A, T)]
    with pytest.raises(InputError, match=r"presence: found torch.float32 of shape \(2, 3\)"):
        score.predict_tensors(features, present.float())


def test_a_clip_and_its_words(score, face_clip):
    whole = score.predict(face_clip, transcript=WORDS[0])
    assert whole.used == (T, V) and whole.absent[A] == "no audio track"
    assert set(whole.without) == {T, V}
    picture = score.predict(face_clip, without=["text"])
    assert torch.equal(picture.values, whole.without[T])
    assert {"visual decode", "visual encode", "model"} <= set(picture.seconds)
    assert "audio, text" not in str(picture) and "no text: left out" in str(picture)


def test_words_alone(classes):
    found = classes.predict(transcript=WORDS[0])
    assert found.used == (T,) and found.absent[V] == "no video file"
    assert found.to_json()["values"].keys() == {"calm", "glad", "sad"}


def test_nothing_usable_says_what_was_tried(score, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video")
    with pytest.raises(InputError) as caught:
        score.predict(tmp_path / "bad.mp4", transcript="(cough)")
    (line,) = str(caught.value).splitlines()
    assert "nothing to predict from" in line
    assert all(f"{m.word}: " in line for m in Modality)
    with pytest.raises(InputError, match="no such file"):
        score.predict(tmp_path / "nowhere.mp4")


def test_a_dialogue_is_predicted_as_the_network_does(score):
    observations = [Observation(transcript=words) for words in WORDS]
    found = score.predict_observations(observations)
    features = [torch.zeros(1, 3, width) for width in score.bundle.network.config.widths]
    hashed = score.encoder(T)
    for row, observation in enumerate(observations):
        [piece] = hashed.prepare(observation).pieces
        [encoded] = hashed.encode([piece])
        features[T][0, row] = encoded.states[0]
    present = torch.tensor([False, True, False]).expand(1, 3, 3)
    expected = score.bundle.network.predict(features, present)[0].detach()
    torch.testing.assert_close(torch.stack([p.values for p in found]), expected)


def test_dialogues_at_once_are_dialogues_one_by_one(score, face_clip):
    dialogues = [
        [Observation(transcript=words) for words in WORDS],
        [Observation(video_path=face_clip), Observation(), Observation(transcript=WORDS[0])],
        [],
    ]
    found = score.predict_dialogues(dialogues)
    assert [len(predictions) for predictions in found] == [3, 3, 0]
    for dialogue, predictions in zip(dialogues, found, strict=True):
        alone = score.predict_observations(dialogue)
        assert [p.used for p in alone] == [p.used for p in predictions]
        for one, other in zip(alone, predictions, strict=True):
            torch.testing.assert_close(one.values, other.values, equal_nan=True)
    assert not found[1][1].used and found[1][1].absent[T] == "empty transcript"


def test_another_encoder_than_in_training_is_refused(score):
    visual = score.bundle.encoders[V]
    other = replace(visual, faces=replace(visual.faces, margin=0.2))
    bundle = replace(score.bundle, encoders={**score.bundle.encoders, V: other})
    with pytest.raises(InputError, match="visual features: found settings"):
        Predictor(bundle).warm_up()


def test_published_features_need_features(score):
    predictor = Predictor(replace(score.bundle, encoders={}))
    with pytest.raises(InputError, match="published"):
        predictor.predict(transcript="well")
    predictor.warm_up()
    assert isinstance(predictor.predict_tensors(features_of(score, 1))[0], Prediction)
