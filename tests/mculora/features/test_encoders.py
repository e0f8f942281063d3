"""The built-in encoders: right width, finite, the same every time, absent with a reason."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from mculora.corpora.utterance import Utterance
from mculora.errors import InputError
from mculora.features.encoder import EncoderSpec, identify
from mculora.features.extraction import (
    encode_one,
    extract_utterances,
)
from mculora.features.face_settings import FaceSettings
from mculora.features.loading import load_encoder
from mculora.features.observation import Observation
from mculora.features.outcome import Absence
from mculora.features.text import clean_transcript
from mculora.modality import Modality

EGEMAPS = EncoderSpec(Modality.AUDIO, "egemaps")
LOGMEL = EncoderSpec(Modality.AUDIO, "logmel")
HASHED = EncoderSpec(Modality.TEXT, "hashed-ngrams")
HOG = EncoderSpec(Modality.VISUAL, "hog")


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    time = np.arange(32_000) / 16_000
    wave = 0.3 * np.sin(2 * np.pi * 180 * time) + 0.02 * rng.standard_normal(32_000)
    soundfile.write(tmp_path / "sound.wav", wave, 16_000)
    soundfile.write(tmp_path / "silence.wav", np.zeros(32_000), 16_000)
    return tmp_path / "sound.wav"


def outcome_of(spec: EncoderSpec, observation: Observation) -> torch.Tensor | Absence:
    encoder = load_encoder(spec)
    outcome = encode_one(encoder, observation).outcome
    if isinstance(outcome, torch.Tensor):
        assert outcome.shape == (encoder.width,)
        assert outcome.dtype == torch.float32
        assert torch.isfinite(outcome).all()
    return outcome


@pytest.mark.parametrize("spec", [EGEMAPS, LOGMEL])
def test_sound(spec: EncoderSpec, sound: Path) -> None:
    whole = outcome_of(spec, Observation(audio_path=sound))
    assert torch.equal(whole, outcome_of(spec, Observation(audio_path=sound)))
    part = outcome_of(spec, Observation(audio_path=sound, start_seconds=0.5, end_seconds=1.0))
    assert not torch.equal(whole, part)
    silence = outcome_of(spec, Observation(audio_path=sound.with_name("silence.wav")))
    assert isinstance(silence, torch.Tensor)


@pytest.mark.parametrize("spec", [EGEMAPS, LOGMEL])
@pytest.mark.filterwarnings("error")
def test_sound_that_is_absent(spec: EncoderSpec, sound: Path) -> None:
    cases = {
        "no audio file": Observation(),
        "no such file": Observation(audio_path=sound.with_name("gone.wav")),
        "too short: 0.050 s of sound": Observation(audio_path=sound, end_seconds=0.05),
        "the clip ends at 2.0 s, the utterance starts at 3.0 s": Observation(
            audio_path=sound, start_seconds=3.0
        ),
    }
    for reason, observation in cases.items():
        assert outcome_of(spec, observation) == Absence(reason)
    assert isinstance(
        outcome_of(spec, Observation(audio_path=sound, end_seconds=0.1)), torch.Tensor
    )


@pytest.mark.parametrize(
    ("transcript", "words"),
    [
        ("[LAUGHTER] Well, you know...", "Well, you know..."),
        ("(umm) it is  kind of heavy", "it is kind of heavy"),
        ("______ and that was ___ really", "and that was really"),
        ("ﬁne\t\u00a0thanks", "fine thanks"),
        ("[BREATHING]", ""),
        ("I'D STILL GIVE IT 7", "I'D STILL GIVE IT 7"),
    ],
)
def test_transcripts_are_cleaned(transcript: str, words: str) -> None:
    assert clean_transcript(transcript) == words


def test_words() -> None:
    happy = outcome_of(HASHED, Observation(transcript="what a wonderful day"))
    same = outcome_of(HASHED, Observation(transcript="[LAUGHTER] What a wonderful day"))
    other = outcome_of(HASHED, Observation(transcript="leave me alone"))
    assert torch.equal(happy, same)
    torch.testing.assert_close(happy.norm(), torch.tensor(1.0))
    assert (
        happy @ other
        < 0.5
        < happy @ outcome_of(HASHED, Observation(transcript="what a wonderful day it was"))
    )
    for transcript in ("", "  ", "[LAUGHTER] (umm)"):
        assert outcome_of(HASHED, Observation(transcript=transcript)) == Absence("empty transcript")
    assert outcome_of(HASHED, Observation(transcript="... ?!")) == Absence(
        "no words in the transcript"
    )


def test_faces(face_clip: Path) -> None:
    clip = Observation(video_path=face_clip)
    first = outcome_of(HOG, clip)
    assert torch.equal(first, outcome_of(HOG, clip))
    assert not torch.equal(first, outcome_of(replace(HOG, faces=FaceSettings(2.0)), clip))
    assert (first[: len(first) // 2] >= 0).all()
    wall = replace(clip, start_seconds=2.1)
    assert outcome_of(HOG, wall) == Absence(
        "no face in 4 frames", {"frames": 4, "frames_with_face": 0}
    )
    assert outcome_of(HOG, replace(wall, end_seconds=2.3)).reason == "no face in 1 frame"
    assert outcome_of(HOG, Observation()) == Absence("no video file")


def test_unknown_encoders_name_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"extract.audio.encoder: .* egemaps or logmel; .* hub id"):
        load_encoder(EncoderSpec(Modality.AUDIO, "egemapz"))


@pytest.mark.parametrize("spec", [EGEMAPS, LOGMEL, HASHED, HOG])
def test_identity_tells_the_encoder(spec: EncoderSpec) -> None:
    one = identify(load_encoder(spec), corpus="sample", corpus_fingerprint="f")
    other = identify(load_encoder(spec), corpus="sample", corpus_fingerprint="f")
    assert one == other
    assert (one.modality, one.encoder) == (spec.modality, spec.encoder)


def utterances(count: int) -> list[Utterance]:
    return [
        Utterance(
            id=f"d_{number}",
            dialogue="d",
            speaker="",
            split=None,
            session="",
            start_seconds=number / 100,
            end_seconds=number / 100 + 0.5,
            transcript="",
            label=0.0,
            audio_path="sound.wav",
            absent={Modality.AUDIO: "no audio file sound9.wav"} if number == 2 else {},
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("spec", [EGEMAPS, LOGMEL])
def test_workers_change_neither_order_nor_values(spec: EncoderSpec, sound: Path) -> None:
    rows, encoder = utterances(20), load_encoder(spec)
    alone = list(extract_utterances(encoder, rows, sound.parent, num_workers=1))
    together = list(extract_utterances(encoder, rows, sound.parent, num_workers=3))
    assert [one.utterance_id for one in together] == [row.id for row in rows]
    for one, other, row in zip(alone, together, rows, strict=True):
        [single] = extract_utterances(encoder, [row], sound.parent)
        for extracted in (other, single):
            if isinstance(one.outcome, Absence):
                assert extracted.outcome == one.outcome == Absence("no audio file sound9.wav")
            else:
                assert torch.equal(one.outcome, extracted.outcome)


def test_stopping_early_leaves_no_thread(sound: Path) -> None:
    import threading

    before = threading.active_count()
    extracted = extract_utterances(
        load_encoder(LOGMEL), utterances(50), sound.parent, num_workers=2
    )
    next(extracted)
    extracted.close()
    assert threading.active_count() == before


def test_brackets_in_brackets_go_whole() -> None:
    assert clean_transcript("(laughs (loudly) again) i like it [a [b] c]") == "i like it"
