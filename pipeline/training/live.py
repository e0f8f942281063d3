"""A training under way to look at: every epoch so far as one table, written again and again.

`dvc plots show PATH -x epoch -y validation_mean -t scatter` draws it, a spreadsheet opens it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from mculora.files import write_text
from pipeline.training.account import HISTORY_COLUMNS, table
from pipeline.training.jobs import Plan
from pipeline.training.kept import Kept

SECONDS_BETWEEN_TABLES = 10.0


@contextmanager
def live_table(
    path: Path, plan: Plan, kept: Kept, every_seconds: float = SECONDS_BETWEEN_TABLES
) -> Iterator[None]:
    """Keep a table of all epochs up to date while other processes train.

    Args:
        path: The table, which appears whole each time.
        plan: What is trained.
        kept: Where trainings say how far they are.
        every_seconds: How long a table stands.
    """
    is_over = Event()

    def write() -> None:
        written = ""
        while not is_over.wait(every_seconds):
            text = table_of_all(plan, kept)
            if text != written:
                write_text(path, text)
                written = text

    writer = Thread(target=write, daemon=True)
    writer.start()
    try:
        yield
    finally:
        is_over.set()
        writer.join()


def table_of_all(plan: Plan, kept: Kept) -> str:
    """The rows of history.csv of all networks that have begun, in the plan's order."""
    accounts = []
    for job in plan.networks:
        try:
            accounts.append(kept.account(job))
        except (FileNotFoundError, json.JSONDecodeError):  # not begun, or of a crash of the system
            continue
    return table(HISTORY_COLUMNS, (row for account in accounts for row in account["history"]))
