"""What a finished download is, noted beside it, so that it is neither fetched nor read again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mculora.acquire.remote import Remote
from mculora.files import write_text

RECORD_SUFFIX = ".fetched.json"


def is_finished(target: Path, remote: Remote) -> bool:
    """Whether `target` is the whole remote file, by its record; False asks `fetch` to look."""
    record, known = read_record(target), remote.known
    if not target.is_file() or record.get("num_bytes") != target.stat().st_size:
        return False
    if known.num_bytes not in (None, record["num_bytes"]):
        return False
    sums = record.get("sums")
    if known.has_sums:
        return isinstance(sums, dict) and known.accepts(sums)
    return bool(record.get("url") == remote.url)


def read_record(target: Path) -> dict[str, Any]:
    """The record of a file; empty when there is none to be read, which only asks for more care."""
    return read_object(beside(target, RECORD_SUFFIX))


def write_record(target: Path, remote: Remote, *, sums: Mapping[str, str]) -> None:
    """Note that `target` is the whole remote file, with its sums by algorithm."""
    record = {"url": remote.url, "num_bytes": target.stat().st_size, "sums": sums}
    write_text(beside(target, RECORD_SUFFIX), json.dumps(record, indent=2) + "\n")


def beside(path: Path, suffix: str) -> Path:
    """The companion of a file: its whole name with one more suffix."""
    return path.with_name(path.name + suffix)


def read_object(path: Path) -> dict[str, Any]:
    """A small JSON object; empty when there is none to be read."""
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}
