"""Seconds and peak memory of every stage of the sample run, each as its own process.

Run: python benchmarks/stages.py        (in the project's folder, inside its environment)
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

STAGES = [
    ["download"],
    ["prepare"],
    ["extract", "--modality", "audio"],
    ["extract", "--modality", "text"],
    ["extract", "--modality", "visual"],
    ["split"],
    ["train"],
    ["evaluate"],
    ["report"],
]


@dataclass(frozen=True)
class Cost:
    """What one stage took: its process and those that it started and waited for."""

    stage: str
    wall_seconds: float
    cpu_seconds: float
    peak_mebibytes: float


def measure(arguments: list[str], folder: Path) -> Cost:
    """Run one stage in `folder` and read the operating system's account of it."""
    start = time.perf_counter()
    program = Path(sys.executable).with_name("mculora")
    process = subprocess.Popen([program, *arguments], cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    if status:
        sys.exit(f"mculora {' '.join(arguments)} failed")
    cpu = usage.ru_utime + usage.ru_stime
    return Cost(" ".join(arguments), wall, cpu, usage.ru_maxrss / 1024)


def main() -> None:
    """Measure all stages in a fresh folder and print a table."""
    params = Path("params.yaml").resolve()
    with tempfile.TemporaryDirectory() as name:
        shutil.copy(params, name)
        costs = [measure(stage, Path(name)) for stage in STAGES]
    total = Cost(
        "all",
        sum(c.wall_seconds for c in costs),
        sum(c.cpu_seconds for c in costs),
        max(c.peak_mebibytes for c in costs),
    )
    print("| stage | wall s | cpu s | peak MiB of one process |\n| --- | ---: | ---: | ---: |")
    for cost in [*costs, total]:
        figures = f"{cost.wall_seconds:.1f} | {cost.cpu_seconds:.1f} | {cost.peak_mebibytes:.0f}"
        print(f"| {cost.stage} | {figures} |")


if __name__ == "__main__":
    main()
