"""Seven combinations, seven presence rows: one and the same thing, both ways."""

from itertools import product

import pytest
import torch

from mculora.errors import InputError
from mculora.modality import (
    ABSENT,
    NUM_COMBINATIONS,
    NUM_MODALITIES,
    Modality,
    ModalityCombination,
    combination_index,
    presence_table,
)


@pytest.mark.parametrize("combination", ModalityCombination)
def test_presence_and_back(combination):
    assert ModalityCombination.from_presence(combination.presence) is combination


@pytest.mark.parametrize("presence", [p for p in product([False, True], repeat=3) if any(p)])
def test_combination_and_back(presence):
    assert ModalityCombination.from_presence(presence).presence == presence


def test_order_is_the_papers():
    assert [c.word for c in ModalityCombination] == ["atv", "at", "av", "tv", "a", "t", "v"]
    assert [m.word for m in Modality] == ["audio", "text", "visual"]
    assert (NUM_COMBINATIONS, NUM_MODALITIES) == (7, 3)


def test_words_spell_their_modalities():
    for combination in ModalityCombination:
        assert "".join(m.letter for m in combination.modalities) == combination.word
        assert [combination.contains(m) for m in Modality] == list(combination.presence)


@pytest.mark.parametrize("presence", [(False, False, False), (True, True), (True,) * 4])
def test_impossible_presence_is_refused(presence):
    with pytest.raises(InputError, match="three flags, at least one True"):
        ModalityCombination.from_presence(presence)


@pytest.mark.parametrize("modality", Modality)
def test_parse_reads_its_own_word(modality):
    assert Modality.parse(modality.word) is modality


@pytest.mark.parametrize("word", ["video", "AUDIO", "a", ""])
def test_parse_refuses_other_words(word):
    with pytest.raises(InputError, match="expected audio, text or visual"):
        Modality.parse(word)


def test_table_and_index_are_inverse():
    table = presence_table()
    assert table.shape == (NUM_COMBINATIONS, NUM_MODALITIES)
    assert combination_index(table).tolist() == list(range(NUM_COMBINATIONS))
    assert combination_index(table.reshape(7, 1, 3).expand(7, 2, 3)).shape == (7, 2)


def test_nothing_present_is_absent():
    assert combination_index(torch.zeros(2, 3, dtype=torch.bool)).tolist() == [ABSENT, ABSENT]
