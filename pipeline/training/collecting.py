"""From unfinished work to finished models: checkpoints to their place, and both tables."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mculora.files import whole_file, write_text
from pipeline.layout import Layout
from pipeline.training.account import CONFLICT_COLUMNS, HISTORY_COLUMNS, table
from pipeline.training.jobs import Plan
from pipeline.training.kept import Kept


def collect(layout: Layout, plan: Plan, kept: Kept) -> None:
    """Give every finished network its place, write the tables and forget what was kept.

    Whenever it is broken off, it can be done again. What an earlier training left in the folder
    goes last, and so does unfinished work of other parameters.
    """
    new = {layout.history, layout.conflict}
    for job in plan.networks:
        path = layout.checkpoint(job.method.name, job.seed, job.fold, job.combination)
        _place(kept.weights(job), path)
        new.add(path)
        if job.keeps_epochs:
            path = layout.epochs(job.method.name, job.seed, job.fold, job.combination)
            _place(kept.epochs(job), path)
            new.add(path)
    accounts = [kept.account(job) for job in plan.networks]
    for path, columns in ((layout.history, HISTORY_COLUMNS), (layout.conflict, CONFLICT_COLUMNS)):
        rows = (row for account in accounts for row in account[path.stem])
        write_text(path, table(columns, rows))
    _remove_but(new, layout.models)
    shutil.rmtree(layout.unfinished)


def _place(source: Path, target: Path) -> None:
    """Let a file stand in a second place, at no cost where the disk can do that."""
    with whole_file(target) as temporary:
        temporary.unlink(missing_ok=True)
        try:
            os.link(source, temporary)
        except OSError:
            shutil.copyfile(source, temporary)


def _remove_but(paths: set[Path], folder: Path) -> None:
    """Remove every other file below a folder, and folders without files."""
    for path in sorted(folder.rglob("*"), reverse=True):  # what is inside comes first
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in paths:
            path.unlink()
