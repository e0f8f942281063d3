"""A store of a few utterances whose features follow from recipe and input alone."""

import os
import time
from dataclasses import replace

import torch

from mculora.features.extraction import GROUP
from mculora.features.identity import FeatureIdentity, Level
from mculora.features.outcome import Absence, Extracted
from mculora.features.store.reader import open_sequences, read_store
from mculora.features.store.shard import read_shard
from mculora.features.store.writer import StoreWriter
from mculora.modality import Modality

IDENTITY = FeatureIdentity(
    corpus="sample",
    corpus_fingerprint="f" * 64,
    modality=Modality.AUDIO,
    encoder="logmel",
    revision="1",
    settings={"mels": 64, "layers": [-1]},
    width=5,
)
FRAMES = replace(IDENTITY, level=Level.FRAME)
OTHER = replace(IDENTITY, encoder="egemaps")
INPUTS = {f"v{i:03d}_{i}": f"input {i}" for i in range(2 * GROUP + 7)}
IDS = tuple(INPUTS)


def extracted(utterance_id, digest, identity=IDENTITY):
    """What an encoder would make of an input."""
    seed = sum(map(ord, digest + identity.encoder))
    if seed % 5 == 0:
        absence = Absence(f"no face in {seed} frames", {"frames": seed})
        return Extracted(utterance_id, absence, absence.facts)
    shape = (seed % 7 + 1, 5) if identity.level is Level.FRAME else (5,)
    features = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return Extracted(utterance_id, features, {"frames": seed} if seed % 3 else {})


def fill(folder, inputs=INPUTS, identity=IDENTITY, *, stop=None, pause=0.0):
    """Complete a store, or add some utterances and leave; the ids that were asked for."""
    with StoreWriter(folder, identity, inputs) as writer:
        pending = writer.pending
        for utterance_id in pending[:stop]:
            writer.add(extracted(utterance_id, inputs[utterance_id], identity))
            time.sleep(pause)
        if stop is None:
            writer.finish()
    return pending


def contents(folder):
    """The bytes of a store's files."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def shards(folder):
    """The names of a store's shards."""
    return sorted(path.name for path in folder.glob("shard*.safetensors"))


def held(folder):
    """Which inputs of which ids the shards of a store hold, stale ones included."""
    found = {}
    for name in shards(folder):
        for record in read_shard(folder / name).records:
            found.setdefault(record.utterance_id, set()).add(record.input_digest)
    return found


def check(folder, inputs=INPUTS, identity=IDENTITY):
    """A store holds exactly what these inputs give, in their order."""
    stored, sequences = read_store(folder), open_sequences(folder)
    wanted = [extracted(i, digest, identity) for i, digest in inputs.items()]
    present = [one for one in wanted if not isinstance(one.outcome, Absence)]
    assert stored.identity == sequences.identity == identity
    assert stored.ids == tuple(sequences) == tuple(one.utterance_id for one in present)
    assert stored.facts == {one.utterance_id: one.facts for one in wanted if one.facts}
    absent = [one for one in wanted if isinstance(one.outcome, Absence)]
    assert list(stored.absent.items()) == [(a.utterance_id, a.outcome.reason) for a in absent]
    for row, one in enumerate(present):
        moments = one.outcome.reshape(-1, 5)
        vector = moments.mean(dim=0) if identity.level is Level.FRAME else one.outcome
        assert torch.equal(stored.vectors[row], vector)
        assert torch.equal(sequences[one.utterance_id], moments)


def work(connection, folder, inputs, identity, pause):
    """Complete a store in a process of its own, which says when it starts."""
    torch.set_num_threads(1)
    connection.send(os.getpid())
    pending = fill(folder, inputs, identity, pause=pause)
    connection.send(len(pending))
