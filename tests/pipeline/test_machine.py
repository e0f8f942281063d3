"""What a process may use: never more than the machine has, and never more than its container."""

import os

import pytest

from pipeline.health import machine


@pytest.fixture
def cgroup(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    return tmp_path


def test_without_a_container_it_is_the_machine(cgroup):
    assert 1 <= machine.usable_cores() <= (os.cpu_count() or 1)
    memory = machine.usable_memory()
    assert memory.total is None or memory.free is None or 0 < memory.free <= memory.total


@pytest.mark.parametrize("quota", ["max 100000", "10000000 100000"])
def test_a_wide_quota_changes_nothing(cgroup, quota):
    free = machine.usable_cores()
    (cgroup / "cpu.max").write_text(quota)
    assert machine.usable_cores() == free


def test_a_narrow_quota_counts(cgroup):
    (cgroup / "cpu.max").write_text("50000 100000")
    assert machine.usable_cores() == 1


def test_a_quota_of_the_older_kind_counts(cgroup):
    (cgroup / "cpu").mkdir()
    (cgroup / "cpu" / "cpu.cfs_quota_us").write_text("100000\n")
    (cgroup / "cpu" / "cpu.cfs_period_us").write_text("100000\n")
    assert machine.usable_cores() == 1
    (cgroup / "cpu" / "cpu.cfs_quota_us").write_text("-1\n")
    assert machine.usable_cores() >= 1


def test_the_container_s_memory_counts(cgroup):
    (cgroup / "memory.max").write_text("max\n")
    whole = machine.usable_memory()
    (cgroup / "memory.max").write_text("100000000\n")
    (cgroup / "memory.current").write_text("40000000\n")
    assert machine.usable_memory() == machine.Memory(100_000_000, 60_000_000)
    assert whole.total is None or whole.total > 100_000_000


def test_disk_of_a_folder_that_is_not_there_yet(tmp_path):
    assert machine.free_disk(tmp_path / "a" / "b") > 0


def test_sizes_read_well():
    sizes = [machine.write_size(n) for n in (None, 0, 289_700_000, 3_056_000_000)]
    assert sizes == ["unknown", "0 MB", "290 MB", "3.1 GB"]
