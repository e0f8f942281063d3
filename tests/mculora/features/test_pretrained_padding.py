"""Batched equals one by one: an utterance's features do not depend on its neighbours."""

from functools import cache

import pytest
import tiny_models
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mculora.features.encoder import EncoderSpec, Piece
from mculora.features.identity import Level
from mculora.features.loading import load_encoder
from mculora.features.pretrained.padding import Convolutions
from mculora.features.pretrained.pooling import weigh
from mculora.features.pretrained.windows import divide
from mculora.modality import Modality

WAVES = [name for name in tiny_models.AUDIO if name != "whisper"]
TOLERANCE = {"float32": 3e-6, "bfloat16": 2e-2}  # relative, of a whole sequence of states


def load(folder, modality, dtype="float32", level=Level.FRAME):
    spec = EncoderSpec(modality, str(folder), dtype=dtype, level=level, layers=(0, 1, -1))
    encoder = load_encoder(spec)
    assert encoder.can_pad
    return encoder


def sound(seed, length):
    wave = torch.randn(length, generator=torch.Generator().manual_seed(seed))
    return Piece({"input_values": wave}, length=length)


def words(encoder, seed, length):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(5, len(tiny_models.VOCABULARY), (length,), generator=generator)
    return encoder._preparation._piece(ids.tolist(), torch.arange(length) // 2)


def check(encoder, pieces, tolerance):
    alone = [encoder.encode([piece])[0] for piece in pieces]
    forwards, backwards = encoder.encode(pieces), encoder.encode(pieces[::-1])[::-1]
    for one, *others in zip(alone, forwards, backwards, strict=True):
        for other in others:
            assert other.states.shape == one.states.shape
            assert other.weight == one.weight
            difference = (other.states - one.states).norm() / one.states.norm()
            assert difference < tolerance, difference


loaded = cache(load)
LENGTHS = st.lists(st.tuples(st.integers(0, 99), st.integers(1, 60)), min_size=2, max_size=4)


@pytest.mark.parametrize("name", WAVES)
@pytest.mark.filterwarnings("ignore:Support for mismatched")
@settings(max_examples=4)
@given(pieces=LENGTHS)
def test_sounds(tiny, name, pieces):
    encoder = loaded(tiny(name), Modality.AUDIO)
    shortest = encoder._preparation._guard.convolutions.shortest
    check(encoder, [sound(seed, shortest + 97 * n) for seed, n in pieces], TOLERANCE["float32"])


@pytest.mark.parametrize("name", tiny_models.TEXT)
@settings(max_examples=4)
@given(pieces=LENGTHS)
def test_texts(tiny, name, pieces):
    encoder = loaded(tiny(name), Modality.TEXT)
    check(encoder, [words(encoder, seed, n) for seed, n in pieces], TOLERANCE["float32"])


@pytest.mark.parametrize("name", [*WAVES, *tiny_models.TEXT])
@pytest.mark.filterwarnings("ignore:Support for mismatched")
def test_in_bfloat16(tiny, name):
    modality = Modality.AUDIO if name in WAVES else Modality.TEXT
    encoder = load(tiny(name), modality, "bfloat16")
    pieces = [
        sound(n, 160 * n) if modality is Modality.AUDIO else words(encoder, n, n)
        for n in (50, 7, 23)
    ]
    check(encoder, pieces, TOLERANCE["bfloat16"])


@pytest.mark.parametrize("name", [*tiny_models.VISUAL, "whisper"])
def test_what_has_one_size_anyway(tiny, name):
    modality = Modality.AUDIO if name == "whisper" else Modality.VISUAL
    encoder = load(tiny(name), modality)
    generator = torch.Generator().manual_seed(0)
    if name == "whisper":
        made = [torch.randn(n, generator=generator) for n in (16_000, 400, 5_000)]
    else:
        shape = (2, encoder._preparation._side, encoder._preparation._side, 3)
        made = [
            list(torch.randint(0, 255, shape, generator=generator, dtype=torch.uint8).numpy())
            for _ in range(3)
        ]
    check(encoder, [encoder._preparation._piece(one) for one in made], TOLERANCE["float32"])


def test_padding_is_harmful_without_the_guard(tiny):
    """Else the guard would guard nothing."""
    for name in ("wav2vec2-base", "hubert-base", "data2vec-audio", "wav2vec2-conformer"):
        encoder = load(tiny(name), Modality.AUDIO)
        encoder._preparation._guard.expect = lambda *_: None
        with pytest.raises(AssertionError, match="tensor"):
            check(encoder, [sound(1, 4000), sound(2, 1700)], 1e-3)


@given(
    st.lists(st.tuples(st.integers(1, 10), st.integers(1, 5)), min_size=1, max_size=7),
    st.integers(0, 500),
)
def test_moments_are_those_of_convolutions(sizes, more):
    convolutions = Convolutions(*zip(*sizes, strict=True))
    samples = convolutions.shortest + more
    states = torch.zeros(1, 1, samples)
    for kernel, stride in sizes:
        states = torch.nn.functional.conv1d(states, torch.zeros(1, 1, kernel), stride=stride)
    assert convolutions.count(samples) == states.shape[-1] >= 1
    assert convolutions.count(convolutions.shortest - 1) < 1


def test_the_shortest_sound_of_wav2vec2():
    assert Convolutions((10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)).shortest == 400


@given(st.integers(1, 10_000), st.integers(1, 3_000))
def test_windows_are_few_whole_and_equal(length, longest):
    windows = divide(length, longest)
    assert [n for window in windows for n in range(length)[window]] == list(range(length))
    sizes = [window.stop - window.start for window in windows]
    assert len(windows) == -(-length // longest)
    assert max(sizes) <= longest
    assert max(sizes) - min(sizes) <= 1


def test_shares_weigh_moments():
    states = torch.arange(12.0).reshape(2, 3, 2)
    mean, both = weigh(states, [torch.full((1, 2), 0.5), torch.eye(2)])
    assert mean.tolist() == [[1.0, 2.0]]
    assert both.tolist() == states[1, :2].tolist()
