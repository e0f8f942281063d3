"""The table and its batches: every utterance once, in its place, and nothing made up."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mculora.batch import FeatureTable, batches, build_table
from mculora.corpora.manifest import Corpus, Task
from mculora.corpora.utterance import Split, Utterance
from mculora.errors import InputError
from mculora.features.identity import FeatureIdentity
from mculora.features.store.reader import StoredFeatures
from mculora.modality import Modality


def table(lengths: list[int]) -> FeatureTable:
    num = sum(lengths)
    features = tuple(torch.arange(num * w, dtype=torch.float32).view(num, w) for w in (1, 2, 3))
    dialogue = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
    available = torch.ones(num, 3, dtype=torch.bool)
    labels = torch.arange(num, dtype=torch.float32)
    return FeatureTable(tuple(map(str, range(num))), dialogue, features, available, labels)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=20),
    st.integers(1, 6),
    st.one_of(st.none(), st.integers(0, 99)),
)
def test_batches_hold_every_utterance_once_and_in_order(lengths, batch_dialogues, seed):
    whole = table(lengths)
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    seen = []
    for batch in batches(whole, batch_dialogues, generator):
        assert torch.equal(batch.dialogue, whole.dialogue[batch.rows])
        numbers, counts = torch.unique_consecutive(batch.dialogue, return_counts=True)
        assert len(numbers) <= batch_dialogues
        assert len(numbers) == len(set(numbers.tolist()))  # a dialogue stands together
        assert counts.tolist() == [lengths[number] for number in numbers.tolist()]
        for own in batch.rows.split(counts.tolist()):
            assert own.tolist() == list(range(int(own[0]), int(own[0]) + len(own)))
        seen += batch.rows.tolist()
    assert sorted(seen) == list(range(sum(lengths)))


def test_like_lengths_stand_together_in_an_order_that_is_drawn():
    whole = table([1, 5] * 30)
    drawn = []
    for seed in (0, 0, 1):
        generator = torch.Generator().manual_seed(seed)
        drawn.append([batch.dialogue for batch in batches(whole, 10, generator)])
    for batch in drawn[0]:
        assert len({int((whole.dialogue == number).sum()) for number in batch}) == 1
    orders = [torch.cat(batches_of_epoch).tolist() for batches_of_epoch in drawn]
    assert orders[0] == orders[1] != orders[2]


def utterance(name: str, dialogue: str) -> Utterance:
    return Utterance(name, dialogue, "", Split.TRAIN, "", 0.0, 1.0, "hello", 0.5)


def store(modality: Modality, ids: tuple[str, ...], width: int) -> StoredFeatures:
    identity = FeatureIdentity("c", "f", modality, "e", "1", {}, width)
    return StoredFeatures(identity, ids, torch.ones(len(ids), width) * (1 + modality), {})


def test_the_join_marks_what_is_absent_and_leaves_out_what_offers_nothing():
    corpus = Corpus(
        "c", Task.REGRESSION, (), tuple(utterance(f"d{d}_{n}", f"d{d}") for d in "12" for n in "01")
    )
    stores = [
        store(Modality.AUDIO, ("d1_0", "d2_0"), 2),
        store(Modality.TEXT, ("d1_0", "d1_1"), 3),
        store(Modality.VISUAL, ("d1_1", "d2_0"), 4),
    ]
    joined = build_table(corpus, stores, ["d2", "d1"])
    assert joined.ids == ("d1_0", "d1_1", "d2_0")  # d2_1 offers nothing
    assert joined.available.tolist() == [
        [True, True, False],
        [False, True, True],
        [True, False, True],
    ]
    assert joined.widths == (2, 3, 4)
    assert joined.features[Modality.TEXT][0].tolist() == [2.0, 2.0, 2.0]
    assert build_table(corpus, stores, ["d2"]).ids == ("d2_0",)
    with pytest.raises(InputError, match="no utterance of the split"):
        build_table(corpus, stores, ["d3"])


def test_a_row_that_offers_nothing_is_refused():
    whole = table([2])
    nothing = torch.zeros(2, 3, dtype=torch.bool)
    with pytest.raises(InputError, match="an empty row"):
        FeatureTable(whole.ids, whole.dialogue, whole.features, nothing, whole.labels)
