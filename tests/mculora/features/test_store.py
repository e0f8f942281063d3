"""The store: what is added is read back, what is still true is kept, nothing foreign gets in."""

import csv
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mculora.features.extraction import GROUP
from mculora.features.identity import FeatureIdentity, Level
from mculora.features.outcome import Absence, Extracted
from mculora.features.store import writer as writer_module
from mculora.features.store.reader import (
    open_sequences,
    read_store,
)
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
INPUTS = {f"v{i:03d}_{i}": f"input {i}" for i in range(2 * GROUP + 7)}
IDS = tuple(INPUTS)


def extracted(utterance_id, digest, identity=IDENTITY):
    """What an encoder would make of an input: nothing but the recipe and the input decide it."""
    seed = sum(map(ord, digest + identity.encoder))
    if seed % 5 == 0:
        absence = Absence(f"no face in {seed} frames", {"frames": seed})
        return Extracted(utterance_id, absence, absence.facts)
    shape = (seed % 7 + 1, 5) if identity.level is Level.FRAME else (5,)
    features = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    return Extracted(utterance_id, features, {"frames": seed} if seed % 3 else {})


def fill(folder, inputs=INPUTS, identity=IDENTITY, *, stop=None):
    """Complete a store, or add some utterances and leave; the ids that were asked for."""
    with StoreWriter(folder, identity, inputs) as writer:
        pending = writer.pending
        for utterance_id in pending[:stop]:
            writer.add(extracted(utterance_id, inputs[utterance_id], identity))
        if stop is None:
            writer.finish()
    return pending


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


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


@pytest.mark.parametrize("identity", [IDENTITY, FRAMES])
def test_round_trip(tmp_path, identity):
    assert fill(tmp_path / "audio", identity=identity) == IDS
    check(tmp_path / "audio", identity=identity)
    names = ["absent.csv", "index.json", *(f"shard-{n:05d}.safetensors" for n in range(3))]
    assert list(contents(tmp_path / "audio")) == names
    assert {path.name for path in tmp_path.iterdir()} == {"audio", "audio.lock"}


def test_all_absent_and_nothing_at_all(tmp_path):
    identity = replace(IDENTITY, width=0)
    with StoreWriter(tmp_path / "a", identity, {"x": "1", "y": "2"}) as writer:
        for utterance_id in writer.pending:
            writer.add(Extracted(utterance_id, Absence("silent")))
        assert writer.absent == {"x": "silent", "y": "silent"}
        writer.finish()
    assert read_store(tmp_path / "a").vectors.shape == (0, 0)
    with StoreWriter(tmp_path / "b", IDENTITY, {}) as writer:
        writer.finish()
    assert read_store(tmp_path / "b").vectors.shape == (0, 5)


def test_absent_utterances_are_listed_for_people(tmp_path):
    fill(tmp_path / "a")
    with (tmp_path / "a" / "absent.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["id", "kind", "reason"]
    assert {row[0]: row[2] for row in rows} == read_store(tmp_path / "a").absent
    assert {row[1] for row in rows} == {"no face in N frames"}


def test_facts_of_an_absence_are_kept(tmp_path):
    with StoreWriter(tmp_path / "a", IDENTITY, {"x": "1"}) as writer:
        writer.add(Extracted("x", Absence("no face", {"frames": 3})))
        writer.finish()
    assert read_store(tmp_path / "a").facts == {"x": {"frames": 3}}


# Going on


@pytest.mark.parametrize("stop", [0, 1, GROUP - 1, GROUP, GROUP + 1, len(IDS)])
def test_a_stopped_extraction_goes_on_with_the_same_bytes(tmp_path, stop):
    fill(tmp_path / "whole")
    fill(tmp_path / "resumed", stop=stop)
    (tmp_path / "resumed" / "shard-00001.safetensors.partial").write_bytes(b"half")
    assert len(fill(tmp_path / "resumed")) == len(IDS) - stop // GROUP * GROUP
    assert contents(tmp_path / "whole") == contents(tmp_path / "resumed")


def test_opening_a_finished_store_leaves_nothing_to_do(tmp_path):
    fill(tmp_path / "a")
    before = contents(tmp_path / "a")
    with StoreWriter(tmp_path / "a", IDENTITY, INPUTS) as writer:
        assert writer.pending == ()
        assert writer.absent == read_store(tmp_path / "a").absent
        writer.finish()
    assert contents(tmp_path / "a") == before


def test_only_what_changed_is_asked_for(tmp_path):
    fill(tmp_path / "a")
    changed = {**INPUTS, IDS[3]: "another", IDS[70]: "another", "new": "input 1"}
    del changed[IDS[100]]
    assert fill(tmp_path / "a", changed) == (IDS[3], IDS[70], "new")
    check(tmp_path / "a", changed)


def test_another_manifest_of_the_same_inputs_writes_the_index_alone(tmp_path):
    fill(tmp_path / "a")
    before = contents(tmp_path / "a")
    other = replace(IDENTITY, corpus="renamed", corpus_fingerprint="0" * 64)
    turned = dict(reversed(INPUTS.items()))
    assert fill(tmp_path / "a", turned, other) == ()
    check(tmp_path / "a", turned, other)
    after = contents(tmp_path / "a")
    assert {name for name in after if after[name] != before[name]} == {"absent.csv", "index.json"}


@pytest.mark.parametrize(
    "change",
    [
        {"encoder": "egemaps"},
        {"revision": "2"},
        {"settings": {"mels": 40}},
        {"settings": {"mels": 64.0, "layers": [-1]}},
        {"level": Level.FRAME},
        {"modality": Modality.TEXT},
    ],
)
def test_another_recipe_asks_for_all_and_keeps_the_old_content_until_it_is_there(tmp_path, change):
    fill(tmp_path / "a")
    other = replace(IDENTITY, **change)
    assert fill(tmp_path / "a", identity=other, stop=GROUP + 3) == IDS
    check(tmp_path / "a")
    assert len(fill(tmp_path / "a", identity=other)) == len(IDS) - GROUP
    check(tmp_path / "a", identity=other)
    assert len(list((tmp_path / "a").glob("shard*"))) == 3


digests = st.sampled_from([f"input {i}" for i in range(6)])
manifests = st.dictionaries(st.sampled_from("abcdefghij"), digests)


@settings(max_examples=60)
@given(runs=st.lists(st.tuples(manifests, st.booleans(), st.integers(0, 10)), max_size=8))
def test_after_any_edits_exactly_the_changed_ones_are_asked_for(tmp_path_factory, runs):
    """Random manifests one after another, some runs stopped: a model of what must be there."""
    folder = tmp_path_factory.mktemp("edits") / "a"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer_module, "GROUP", 3)
        there = {}  # what whole shards hold, since the last finish
        for inputs, is_stopped, stop in runs:
            pending = fill(folder, inputs, stop=stop if is_stopped else None)
            missing = tuple(i for i in inputs if inputs[i] not in there.get(i, ()))
            if is_stopped:
                assert set(pending) <= set(missing) | set(inputs)
                for i in pending[: min(stop, len(pending)) // 3 * 3]:
                    there.setdefault(i, set()).add(inputs[i])
            assert pending == missing
            if not is_stopped:
                check(folder, inputs)
                num_shards = len(list(folder.glob("shard*")))
                assert num_shards <= 2 * -(-len(inputs) // 3)
                there = held(folder)


def held(folder):
    """Which inputs of which ids the shards of a store hold, stale ones included."""
    found = {}
    for path in folder.glob("shard*"):
        for record in writer_module.read_shard(path).records:
            found.setdefault(record.utterance_id, set()).add(record.input_digest)
    return found


def test_many_small_edits_do_not_leave_many_shards(tmp_path):
    inputs = dict(INPUTS)
    fill(tmp_path / "a", inputs)
    for number in range(20):
        inputs[IDS[number * 5]] = f"edit {number}"
        assert len(fill(tmp_path / "a", inputs)) == 1
        assert len(list((tmp_path / "a").glob("shard*"))) <= 2 * 3
        check(tmp_path / "a", inputs)
