"""The parts that each corpus consists of: which of their files are needed, and how to get them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Artefact:
    """One part of a corpus, brought from one source.

    Attributes:
        name: Its key below `sources.<dataset>` in params.yaml, and its folder below the raw corpus.
        members: Which files are needed: shell patterns on `/<path inside the source>`, in which
            `*` crosses folders; empty for all of them.
        how_to_get: What a person must do to have it: what, from where.
        is_optional: Whether the corpus can be read without it.
    """

    name: str
    members: tuple[str, ...]
    how_to_get: str
    is_optional: bool = False
