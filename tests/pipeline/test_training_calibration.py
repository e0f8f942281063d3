"""Every network carries what makes its certainty true; validation alone decides it."""

import pytest

from mculora.modality import ModalityCombination
from mculora.model.checkpoint import read_provenance
from pipeline.layout import Layout

pytestmark = pytest.mark.slow
WORDS = {c.word for c in ModalityCombination}


def calibration_of(road, method, seed=0, combination=None):
    path = Layout("sample", road.folder).checkpoint(method, seed, "official", combination)
    return read_provenance(path)["calibration"]


@pytest.mark.parametrize("method", ["mculora", "joint"])
def test_a_network_for_all_has_an_interval_for_each(finished_road, method):
    found = calibration_of(finished_road, method)
    assert set(found) <= WORDS and "atv" in found
    assert all(set(c) == {"half_width"} and c["half_width"] > 0 for c in found.values())
    assert found != calibration_of(finished_road, method, seed=1)


def test_a_specialist_has_its_own_alone(finished_road):
    found = calibration_of(finished_road, "specialists", combination=ModalityCombination.ATV)
    assert set(found) == {"atv"}
