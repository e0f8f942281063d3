"""Ray: two workers, one of which is killed, end with what one process makes."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from mculora.corpora.utterance import Utterance
from mculora.errors import InputError, MCULoRAError
from mculora.features.encoder import EncoderSpec, identify
from mculora.features.extraction import GROUP, extract_utterances
from mculora.features.loading import load_encoder
from mculora.features.meter import Meter
from mculora.features.on_ray import RayExtraction
from mculora.features.outcome import Absence, Extracted
from mculora.features.outcome_rows import from_row, to_columns
from mculora.modality import Modality

SPEC = EncoderSpec(Modality.AUDIO, "logmel")
COUNT = 8 * GROUP + 5


def test_rows_travel_unchanged():
    vectors = [torch.randn(4), torch.randn(3, 4), torch.randn(0, 4)]
    group = [Extracted(f"u{i}", vector, {"frames": i}) for i, vector in enumerate(vectors)]
    group.insert(1, Extracted("ü", Absence("no face in 2 frames", {"frames": 2}), {"frames": 2}))
    row = {name: column[0] for name, column in to_columns(group).items()}
    for found, sent in zip(from_row(row), group, strict=True):
        assert (found.utterance_id, found.facts) == (sent.utterance_id, sent.facts)
        if isinstance(sent.outcome, Absence):
            assert found.outcome == sent.outcome
        else:
            assert torch.equal(found.outcome, sent.outcome)


def worker_pids():
    """The processes of Ray's workers, as the system shows them."""
    pids = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            name = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if name.startswith(b"ray::MapWorker"):
            pids.append(int(folder.name))
    return pids


@pytest.fixture
def corpus(tmp_path):
    """Two hours of noise in four files, cut into utterances; one of them has no file."""
    rng = np.random.default_rng(0)
    for number in range(4):
        sound = 0.1 * rng.standard_normal(16_000 * 140)
        soundfile.write(tmp_path / f"{number}.wav", sound, 16_000)
    return [
        Utterance(
            f"u{i}", f"d{i % 4}", "", None, "", float(i // 4), i // 4 + 1.0 + i % 3, "", 0.0,
            audio_path="gone.wav" if i == 70 else f"{i % 4}.wav",
        )
        for i in range(COUNT)
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds workers in /proc")
def test_a_killed_worker_changes_nothing(corpus, tmp_path):
    encoder = load_encoder(SPEC)
    alone = list(extract_utterances(encoder, corpus, tmp_path))
    meter, together = Meter(), []
    with RayExtraction(SPEC, num_workers=2) as extraction:
        about = {"corpus": "c", "corpus_fingerprint": "f"}
        assert extraction.identify(**about) == identify(encoder, **about)
        for one in extraction.extract(corpus, tmp_path, meter):
            if not together:
                victim = worker_pids()[0]
                os.kill(victim, signal.SIGKILL)
            together.append(one)
        assert victim not in worker_pids()
    assert [one.utterance_id for one in together] == [u.id for u in corpus]
    for found, wanted in zip(together, alone, strict=True):
        if isinstance(wanted.outcome, Absence):
            assert found.outcome == wanted.outcome
        else:
            assert torch.equal(found.outcome, wanted.outcome)
    assert together[70].outcome == Absence("no such file")
    assert meter.utterances == COUNT


@pytest.mark.slow
def test_an_encoder_that_does_not_load_is_one_line():
    broken = EncoderSpec(Modality.AUDIO, "egemapz")
    with pytest.raises(MCULoRAError, match=r"on a Ray worker: .*egemapz") as caught:
        RayExtraction(broken).__enter__()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "nowhere.invalid:6379"])
def test_no_such_cluster_is_one_line(address):
    with pytest.raises(InputError, match=f"--address {address}: found no Ray cluster") as caught:
        RayExtraction(SPEC, address=address).__enter__()
    assert "\n" not in str(caught.value)
