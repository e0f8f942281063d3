"""The store: what is added is read back, what is still true is kept, nothing foreign gets in."""

import csv
import multiprocessing
import resource
import sys
import time
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from store_example import (
    FRAMES,
    IDENTITY,
    IDS,
    INPUTS,
    check,
    contents,
    extracted,
    fill,
    held,
    shards,
)

from mculora.errors import InputError
from mculora.features.extraction import GROUP
from mculora.features.identity import FeatureIdentity, Level, check_same
from mculora.features.outcome import Absence, Extracted
from mculora.features.store import writer as writer_module
from mculora.features.store.index import Place, StoreIndex, read_index, write_index
from mculora.features.store.reader import (
    StoredFeatures,
    check_same_corpus,
    open_sequences,
    read_store,
)
from mculora.features.store.writer import StoreWriter
from mculora.modality import Modality


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


@given(ids=st.sets(st.text(min_size=1), min_size=1), reason=st.text(), fact=st.text())
def test_any_text_comes_back(tmp_path_factory, ids, reason, fact):
    folder = tmp_path_factory.mktemp("text")
    inputs = dict.fromkeys(ids, reason)
    with StoreWriter(folder, IDENTITY, inputs) as writer:
        for i in ids:
            writer.add(Extracted(i, Absence(reason), {fact: fact}))
        writer.finish()
    stored = read_store(folder)
    assert stored.absent == dict.fromkeys(ids, reason)
    assert stored.facts == {i: {fact: fact} for i in ids}
    with StoreWriter(folder, IDENTITY, inputs) as writer:
        assert writer.pending == ()


# Going on


@pytest.mark.parametrize("stop", [0, 1, GROUP - 1, GROUP, GROUP + 1, len(IDS)])
def test_a_stopped_extraction_goes_on_with_the_same_bytes(tmp_path, stop):
    fill(tmp_path / "whole")
    fill(tmp_path / "resumed", stop=stop)
    (tmp_path / "resumed" / "shard-00001.safetensors.partial").write_bytes(b"half")
    assert len(fill(tmp_path / "resumed")) == len(IDS) - stop // GROUP * GROUP
    assert contents(tmp_path / "whole") == contents(tmp_path / "resumed")


@pytest.mark.parametrize(
    ("stop", "num_kept"),
    [
        (KeyboardInterrupt(), GROUP + 9),
        (InputError("a", found="b", expected="c"), GROUP + 9),
        (OSError(), GROUP),
    ],
)
def test_a_stop_in_between_costs_little(tmp_path, stop, num_kept):
    with pytest.raises(type(stop)), StoreWriter(tmp_path / "a", IDENTITY, INPUTS) as writer:
        for utterance_id in IDS[: GROUP + 9]:
            writer.add(extracted(utterance_id, INPUTS[utterance_id]))
        raise stop
    assert fill(tmp_path / "a") == IDS[num_kept:]
    check(tmp_path / "a")


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
def test_another_recipe_asks_for_all_and_the_old_content_stays_until_it_is_there(tmp_path, change):
    fill(tmp_path / "a")
    other = replace(IDENTITY, **change)
    assert fill(tmp_path / "a", identity=other, stop=GROUP + 3) == IDS
    check(tmp_path / "a")
    assert len(fill(tmp_path / "a", identity=other)) == len(IDS) - GROUP
    check(tmp_path / "a", identity=other)
    assert len(shards(tmp_path / "a")) == 3


digests = st.sampled_from([f"input {i}" for i in range(6)])
manifests = st.dictionaries(st.sampled_from("abcdefghij"), digests)
runs = st.lists(st.tuples(manifests, st.none() | st.integers(0, 10)), max_size=8)


@settings(max_examples=100)
@given(runs=runs, identity=st.sampled_from([IDENTITY, FRAMES]))
def test_after_any_edits_exactly_what_is_not_there_is_asked_for(tmp_path_factory, runs, identity):
    """Random manifests one after another, some runs stopped, against a model of what is held."""
    folder = tmp_path_factory.mktemp("edits") / "a"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer_module, "GROUP", 3)
        for inputs, stop in runs:
            there = held(folder)
            pending = fill(folder, inputs, identity, stop=stop)
            assert pending == tuple(i for i in inputs if inputs[i] not in there.get(i, ()))
            if stop is None:
                check(folder, inputs, identity)
                assert len(shards(folder)) <= 2 * -(-len(inputs) // 3)
            else:
                whole = pending[:stop][: min(stop, len(pending)) // 3 * 3]
                assert all(inputs[i] in held(folder)[i] for i in whole)


def test_many_small_edits_do_not_leave_many_shards(tmp_path):
    inputs = dict(INPUTS)
    fill(tmp_path / "a", inputs)
    for number in range(20):
        inputs[IDS[number * 5]] = f"edit {number}"
        assert len(fill(tmp_path / "a", inputs)) == 1
        assert len(shards(tmp_path / "a")) <= 2 * 3
        check(tmp_path / "a", inputs)


# What is refused


@pytest.mark.parametrize(
    ("identity", "features", "message"),
    [
        (IDENTITY, torch.zeros(4), r"shape \(4,\), expected a finite vector of width 5$"),
        (IDENTITY, torch.zeros(2, 5), r"shape \(2, 5\)"),
        (IDENTITY, torch.tensor(1.0), r"shape \(\)"),
        (IDENTITY, torch.tensor([0, 1, 2, 3, torch.nan]), "not finite"),
        (IDENTITY, torch.tensor([0, 1, 2, 3, torch.inf]), "not finite"),
        (IDENTITY, torch.full((5,), 1e300, dtype=torch.float64), "not finite"),
        (FRAMES, torch.zeros(5), r"shape \(5,\), expected .* width 5 per moment"),
        (FRAMES, torch.zeros(0, 5), r"shape \(0, 5\)"),
        (FRAMES, torch.zeros(3, 4), r"shape \(3, 4\)"),
        (FRAMES, torch.full((3, 5), torch.nan), "not finite"),
    ],
)
def test_bad_features_are_refused(tmp_path, identity, features, message):
    with StoreWriter(tmp_path / "a", identity, INPUTS) as writer:
        with pytest.raises(InputError, match=message):
            writer.add(Extracted(IDS[0], features))
        assert writer.pending == IDS


def test_order_is_kept_and_finish_waits_for_all(tmp_path):
    with StoreWriter(tmp_path / "a", IDENTITY, INPUTS) as writer:
        with pytest.raises(InputError, match=f"expected {IDS[0]}"):
            writer.add(Extracted(IDS[1], Absence("silent")))
        with pytest.raises(InputError, match=f"{len(IDS)} utterances not yet stored"):
            writer.finish()
    fill(tmp_path / "a")
    with (
        StoreWriter(tmp_path / "a", IDENTITY, INPUTS) as writer,
        pytest.raises(InputError, match="expected no further utterance"),
    ):
        writer.add(Extracted(IDS[1], Absence("silent")))


def test_a_writer_works_in_its_with_block_only(tmp_path):
    writer = StoreWriter(tmp_path / "a", IDENTITY, INPUTS)
    with pytest.raises(AssertionError):
        writer.add(extracted(IDS[0], INPUTS[IDS[0]]))
    with writer:
        writer.add(extracted(IDS[0], INPUTS[IDS[0]]))
    with pytest.raises(AssertionError):
        writer.finish()


def test_features_of_another_corpus_or_encoder_are_refused(tmp_path):
    fill(tmp_path)
    stored = read_store(tmp_path)
    check_same_corpus(stored, "f" * 64)
    with pytest.raises(InputError, match="corpus ffffffffffff, expected the corpus 000000000000"):
        check_same_corpus(stored, "0" * 64)
    other = replace(IDENTITY, encoder="egemaps")
    with pytest.raises(InputError, match="found encoder logmel, expected egemaps, which"):
        check_same(IDENTITY, other, remedy="train again")
    with pytest.raises(InputError, match="found level utterance, expected frame, which"):
        check_same(IDENTITY, FRAMES, remedy="train again")
    check_same(IDENTITY, replace(other, encoder="logmel"), remedy="train again")


# Identity and reasons


def test_identity_digest_sees_every_field():
    changes = {
        "corpus": "mosei",
        "corpus_fingerprint": "0",
        "modality": Modality.TEXT,
        "encoder": "egemaps",
        "revision": "2",
        "settings": {"mels": 40},
        "width": 6,
        "level": Level.FRAME,
    }
    changed = [replace(IDENTITY, **{key: value}) for key, value in changes.items()]
    assert len({one.digest for one in changed} | {IDENTITY.digest}) == len(changes) + 1
    assert [one.recipe == IDENTITY.recipe for one in changed] == [True] * 2 + [False] * 6
    assert all(FeatureIdentity.from_json(one.to_json()) == one for one in [IDENTITY, *changed])
    reordered = replace(IDENTITY, settings={"layers": (-1,), "mels": 64})
    assert reordered.digest == IDENTITY.digest


def test_identity_without_a_level_is_of_utterances():
    """Networks that were trained before there was a choice do not name it."""
    content = IDENTITY.to_json()
    del content["level"]
    assert FeatureIdentity.from_json(content) == IDENTITY


def test_reasons_are_counted_by_kind():
    absent = {
        "a": "no face in 3 frames",
        "b": "no face in 12 frames",
        "c": "no video file x-4.mp4",
        "d": "no video file _9.mp4",
        "e": "no video file y.mp4",
        "f": "the clip ends at 1.0 s, the utterance starts at 2.5 s",
    }
    stored = StoredFeatures(IDENTITY, (), torch.empty(0, 5), absent)
    assert stored.absent_by_reason == {
        "no video file *.mp4": 3,
        "no face in N frames": 2,
        "the clip ends at N s, the utterance starts at N s": 1,
    }


# Large stores


def test_sequences_are_known_without_reading_them(tmp_path):
    fill(tmp_path / "a", identity=FRAMES)
    sequences = open_sequences(tmp_path / "a")
    for path in (tmp_path / "a").glob("shard*"):
        path.unlink()
    present = read_index(tmp_path / "a").absent.keys() ^ INPUTS.keys()
    assert set(sequences) == present and len(sequences) == len(present)
    assert min(present) in sequences and "nobody" not in sequences
    with pytest.raises(KeyError):
        sequences["nobody"]
    with pytest.raises(InputError, match=r"nothing, expected a whole shard .*; run `mculora extr"):
        sequences[min(present)]


def peak_of_reading(connection, folder):
    """How much a process that reads a store grows beyond its vectors, in bytes."""
    read_store(folder.with_name("small"))  # what is allocated once
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    vectors = read_store(folder).vectors
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    connection.send(grown * 1024 - vectors.nbytes)


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux")
def test_a_long_store_of_frames_is_read_in_little_memory(tmp_path):
    """Twelve shards of 4 MiB: no more than two of them are held."""
    identity = replace(FRAMES, width=1024)
    for name, num_shards in (("small", 1), ("large", 12)):
        inputs = {str(n): "" for n in range(num_shards * GROUP)}
        with StoreWriter(tmp_path / name, identity, inputs) as writer:
            for utterance_id in inputs:
                features = torch.full((16, 1024), float(utterance_id))
                writer.add(Extracted(utterance_id, features))
            writer.finish()
    mine, its = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=peak_of_reading, args=(its, tmp_path / "large"))
    process.start()
    its.close()
    assert mine.recv() < 2 * 4 * 2**20
    process.join()


def test_a_large_index_is_small_and_quick(tmp_path):
    names = [f"shard-{n:05d}.safetensors" for n in range(360)]
    facts = {"frames": 28, "frames_with_face": 20}
    places = {
        f"{n:011d}_{n % 30}": Place(names[n // 64], n % 64, 1, None, facts) for n in range(23_000)
    }
    index = StoreIndex(IDENTITY, dict.fromkeys(names, "0" * 64), places)
    write_index(tmp_path, index)
    assert (tmp_path / "index.json").stat().st_size < 5e6
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        assert len(read_index(tmp_path).places) == 23_000
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.5
    assert read_index(tmp_path) == index
