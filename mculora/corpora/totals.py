"""How large the real corpora are known to be, and how a corpus at hand differs from that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from mculora.corpora.manifest import Corpus


@dataclass(frozen=True)
class Totals:
    """The known size of a corpus.

    Attributes:
        utterances: All of them: several numbers where several releases are known.
        parts: Utterances of each split or session, where these are agreed upon.
    """

    utterances: tuple[int, ...]
    parts: Mapping[str, int]


_MOSEI_PARTS = MappingProxyType({"train": 16_326, "validation": 1_871, "test": 4_659})
_MOSI_PARTS = MappingProxyType({"train": 1_284, "validation": 229, "test": 686})
_IEMOCAP4 = (1_085, 1_023, 1_151, 1_031, 1_241)
_IEMOCAP6_PUBLISHED = (1_373, 1_356, 1_569, 1_512, 1_623)
_WITHOUT_MAJORITY = (8, 8, 36, 0, 1)  # labelled happy in the published 6-way labels only


def _sessions(counts: tuple[int, ...]) -> Mapping[str, int]:
    return MappingProxyType({f"Session{n}": count for n, count in enumerate(counts, start=1)})


_IEMOCAP6 = tuple(a - b for a, b in zip(_IEMOCAP6_PUBLISHED, _WITHOUT_MAJORITY, strict=True))
_RAW = MappingProxyType(
    {
        "mosei": Totals((22_860, 22_856), MappingProxyType({})),
        "mosi": Totals((2_199,), _MOSI_PARTS),
        "iemocap4": Totals((5_531,), _sessions(_IEMOCAP4)),
        "iemocap6": Totals((7_380,), _sessions(_IEMOCAP6)),
    }
)
_PUBLISHED = MappingProxyType(
    {
        **_RAW,
        "mosei": Totals((22_856, 22_860), _MOSEI_PARTS),
        "iemocap6": Totals((7_433,), _sessions(_IEMOCAP6_PUBLISHED)),
    }
)


def compare_with_totals(corpus: Corpus, *, is_published: bool) -> str | None:
    """Say how a corpus differs from the known size of the real one.

    Args:
        corpus: The corpus; its name tells which real one it should be.
        is_published: Whether its labels are those that others have published.

    Returns:
        One sentence, or None if nothing differs or nothing is known of such a corpus.
    """
    known = (_PUBLISHED if is_published else _RAW).get(corpus.name)
    num = len(corpus.utterances)
    if known is None:
        return None
    parts = Counter(str(u.split or u.session) for u in corpus.utterances)
    differing = [
        f"{name} {parts[name]:,} instead of {count:,}"
        for name, count in known.parts.items()
        if parts[name] != count
    ]
    if num in known.utterances and (not differing or num != known.utterances[0]):
        return None
    expected = " or ".join(f"{count:,}" for count in known.utterances)
    difference = num - known.utterances[0]
    amount = f"{abs(difference):,} {'more' if difference > 0 else 'fewer'}" if difference else ""
    details = "; ".join(filter(None, [amount, *differing]))
    return f"This corpus has {num:,} utterances, the real {corpus.name} {expected} ({details})."
