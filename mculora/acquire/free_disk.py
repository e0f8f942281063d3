"""Room on the disk: asked for before the first byte, and missed in one sentence if it runs out."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mculora.errors import InputError

_REMEDY = "free some space and run again: what is here already is kept"


def check_free_disk(path: Path, num_bytes: int) -> None:
    """Refuse to begin what cannot end.

    Args:
        path: What is to be written; its folder exists.
        num_bytes: How many bytes are still to come.

    Raises:
        InputError: The file system has less room than that.
    """
    free_bytes = shutil.disk_usage(path.parent).free
    if free_bytes < num_bytes:
        raise InputError(
            path,
            found=f"{free_bytes / 1e9:,.2f} GB free",
            expected=f"room for the {num_bytes / 1e9:,.2f} GB that are still to come",
            remedy=_REMEDY,
        )


@contextmanager
def room_for(path: Path) -> Iterator[None]:
    """Writing to `path`.

    Raises:
        InputError: The disk is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise InputError(
            path,
            found=f"no space to write it ({error.strerror})",
            expected="room on the disk",
            remedy=_REMEDY,
        ) from error
