"""The index: which utterance stands where in which shard; a store without one is unfinished."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mculora.errors import InputError
from mculora.features.identity import JSON, FeatureIdentity, canonical
from mculora.features.store.reasons import kind_of
from mculora.files import write_text

INDEX_FILE = "index.json"
ABSENT_FILE = "absent.csv"


@dataclass(frozen=True)
class Place:
    """Where the features of one utterance stand, or why they do not.

    Attributes:
        shard: The file's name.
        first_row: The first of its rows there.
        num_rows: How many there are; 0 if it is absent.
        absence: Why it has no features, or None.
        facts: What was seen on the way.
    """

    shard: str
    first_row: int
    num_rows: int
    absence: str | None = None
    facts: Mapping[str, JSON] = field(default_factory=dict)

    @property
    def rows(self) -> slice:
        """Its rows in the shard."""
        return slice(self.first_row, self.first_row + self.num_rows)


@dataclass(frozen=True)
class StoreIndex:
    """What a finished store holds.

    Attributes:
        identity: What the features are.
        shards: The SHA-256 of each shard's content, by its file's name.
        places: Where each utterance's features stand, in manifest order.
    """

    identity: FeatureIdentity
    shards: Mapping[str, str]
    places: Mapping[str, Place]

    @property
    def absent(self) -> dict[str, str]:
        """The utterances without features, each with its reason."""
        return {i: p.absence for i, p in self.places.items() if p.absence is not None}

    @property
    def facts(self) -> dict[str, Mapping[str, JSON]]:
        """What was seen on the way, of each utterance of which there is something to tell."""
        return {i: p.facts for i, p in self.places.items() if p.facts}


def write_index(folder: Path, index: StoreIndex) -> None:
    """Close a store: the absent ones as a table for people, then the index for all readers."""
    write_text(folder / ABSENT_FILE, _absent_table(index))
    body = _to_text(index)
    write_text(folder / INDEX_FILE, f'{{"sha256": "{_sha256(body)}",\n{body}')


def read_index(folder: Path) -> StoreIndex:
    """Read what closes a store.

    Raises:
        InputError: The store is missing, unfinished or damaged.
    """
    path = folder / INDEX_FILE
    if not folder.is_dir():
        raise store_error(folder, "nothing", modality=folder.name)
    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text)
        if content["sha256"] != _sha256(text.partition("\n")[2]):
            raise ValueError("other bytes than were written")
        return _from_json(content)
    except FileNotFoundError:
        found = "an extraction that did not finish"
        raise store_error(folder, found, modality=folder.name) from None
    except (ValueError, OSError, KeyError, TypeError, AttributeError, InputError) as error:
        found = f"a damaged index ({' '.join(str(error).split())})"
        raise store_error(path, found, modality=folder.name) from None


def store_error(where: Path, found: str, *, modality: str) -> InputError:
    """Say what is wrong with a store, and which command makes it anew."""
    expected = "a finished feature store"
    return InputError(where, found=found, expected=expected, remedy=remedy_for(modality))


def remedy_for(modality: str) -> str:
    """The command that completes a store."""
    return f"run `mculora extract --modality {modality}`"


def _to_text(index: StoreIndex) -> str:
    """All but the first line: a line for each shard and each utterance, so that people can look."""
    numbers = {name: number for number, name in enumerate(index.shards)}
    shards = ",\n".join(canonical([name, sha256]) for name, sha256 in index.shards.items())
    utterances = ",\n".join(
        canonical([i, numbers[p.shard], p.first_row, p.num_rows, p.absence, p.facts])
        for i, p in index.places.items()
    )
    identity = canonical(index.identity.to_json())
    return f'"identity": {identity},\n"shards": [\n{shards}],\n"utterances": [\n{utterances}]}}\n'


def _from_json(content: Mapping[str, Any]) -> StoreIndex:
    shards = dict(content["shards"])
    names = list(shards)
    return StoreIndex(
        identity=FeatureIdentity.from_json(content["identity"]),
        shards=shards,
        places={i: Place(names[shard], *rest) for i, shard, *rest in content["utterances"]},
    )


def _absent_table(index: StoreIndex) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "kind", "reason"])
    writer.writerows([i, kind_of(reason), reason] for i, reason in index.absent.items())
    return text.getvalue()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
