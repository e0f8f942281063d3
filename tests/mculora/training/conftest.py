"""The small splits of `training_example`, and one thread: a second one only waits for the first."""

import pytest
import torch
from training_example import make_data

from mculora.training.data import TrainingData


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def data() -> TrainingData:
    return make_data()
