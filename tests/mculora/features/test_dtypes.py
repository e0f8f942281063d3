"""The dtype of a device is decided by what it has; measuring says what that is worth."""

import time

import pytest
import torch

from mculora.features import dtypes
from mculora.features.dtypes import cpu_bfloat16_unit, fastest_dtype, measure_dtypes


def test_the_choice_is_always_the_same_and_follows_the_processor():
    choices = {fastest_dtype("cpu") for _ in range(5)}
    assert choices == {torch.bfloat16 if cpu_bfloat16_unit() else torch.float32}


def test_other_devices_stay_exact():
    assert fastest_dtype("meta") == torch.float32
    assert fastest_dtype("mps") == torch.float32


@pytest.mark.parametrize(
    ("major", "has_bfloat16", "dtype"),
    [
        (9, True, torch.bfloat16),
        (8, True, torch.bfloat16),
        (7, False, torch.float16),
        (6, False, torch.float32),
    ],
)
def test_gpus_by_what_they_have(major, has_bfloat16, dtype):
    assert dtypes._cuda_dtype(major, has_bfloat16) == dtype


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_this_gpu():
    assert fastest_dtype("cuda") in (torch.bfloat16, torch.float16, torch.float32)
    assert measure_dtypes("cuda")[fastest_dtype("cuda")] >= 1


def test_without_torch_s_questions_linux_answers(monkeypatch):
    known = cpu_bfloat16_unit()
    for question, _ in dtypes._BFLOAT16_UNITS.values():
        monkeypatch.delattr(torch.cpu, question, raising=False)
    for flag, unit in [("amx_bf16", "AMX"), ("avx512_bf16", "AVX512-BF16"), ("avx2", None)]:
        monkeypatch.setattr(dtypes, "_processor_flags", lambda flag=flag: {"fpu", flag})
        assert cpu_bfloat16_unit() == unit
    monkeypatch.undo()
    assert cpu_bfloat16_unit() == known


def test_measuring_is_quick_and_relative_to_float32():
    start = time.perf_counter()
    measured = measure_dtypes("cpu")
    assert time.perf_counter() - start < 10  # half a second on a quiet machine
    assert measured[torch.float32] == 1
    assert all(ratio > 0 for ratio in measured.values())  # how much depends on who else computes
