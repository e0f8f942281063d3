"""Options that change the wait: which device, how many processes, how strict."""

import os

import pytest
import torch

from mculora.errors import InputError
from pipeline.device import Computing, num_processes, one_thread, pick_device, prepare_process


@pytest.mark.parametrize("name", ["cpu", "auto"])
def test_there_is_always_a_device(name):
    assert pick_device(name).type in ("cpu", "cuda")


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", ""])
def test_a_device_that_is_not_there_is_one_line(name):
    with pytest.raises(InputError, match="--device: found "):
        pick_device(name)


def test_as_many_processes_as_processors_and_one_on_a_gpu():
    assert 1 <= num_processes(torch.device("cpu")) <= (os.cpu_count() or 1)
    assert num_processes(torch.device("cuda")) == 1


@pytest.mark.parametrize(
    ("device", "is_deterministic", "is_strict"),
    [("cpu", False, False), ("cpu", True, False), ("cuda", False, False), ("cuda", True, True)],
)
def test_only_cuda_has_to_be_told_to_repeat_itself(
    monkeypatch, same_torch_after, device, is_deterministic, is_strict
):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "as it was")
    torch.use_deterministic_algorithms(False)
    prepare_process(Computing(torch.device(device), is_deterministic))
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled() == is_strict
    expected = ":4096:8" if is_strict else "as it was"
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == expected


def test_one_thread_for_a_while():
    threads = torch.get_num_threads()
    with pytest.raises(KeyError), one_thread():
        assert torch.get_num_threads() == 1
        raise KeyError
    assert torch.get_num_threads() == threads
