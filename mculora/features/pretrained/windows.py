"""Long sound and long text in pieces, as equal as can be."""

from __future__ import annotations

from itertools import pairwise


def divide(length: int, longest: int) -> list[slice]:
    """As few stretches as no more than `longest` each allows, none much shorter than another."""
    count = max(-(-length // longest), 1)
    edges = [length * index // count for index in range(count + 1)]
    return [slice(start, end) for start, end in pairwise(edges)]
