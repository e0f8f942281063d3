"""Writing a store: what is there and still true is kept, the rest is asked for and added.

A shard appears whole, for each `GROUP` utterances added, and nothing is removed before the index
of the new content has replaced the old one. So a store that was killed at any moment holds all
that it held, and the next writer goes on after the last whole shard.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import torch
from filelock import FileLock, Timeout

from mculora.errors import InputError
from mculora.features.extraction import GROUP
from mculora.features.identity import FeatureIdentity, Level, canonical
from mculora.features.outcome import Absence, Extracted
from mculora.features.store.index import Place, StoreIndex, read_index, write_index
from mculora.features.store.shard import Record, Shard, read_rows, read_shard
from mculora.files import TEMPORARY_SUFFIX

_SHARDS = "shard-[0-9]*.safetensors"
_SECONDS_BETWEEN_LOOKS = 0.2


class StoreWriter:
    """Completes a store, in manifest order; safe to kill at any moment.

    Only one writer works on a store at a time; the system ends the turn of one that is killed.

    Args:
        folder: The store; made if it does not exist. Beside it lies a lock file.
        identity: What the features are.
        inputs: All utterances in manifest order, each with a digest of what its features depend on
            apart from the recipe. Features that are there are kept while recipe, id and digest are
            the same.
        on_wait: Called once if another process is at work on the store, before waiting for it.
        retry: Which reasons of absence do not hold any more: such utterances are asked for again.
    """

    def __init__(
        self,
        folder: Path,
        identity: FeatureIdentity,
        inputs: Mapping[str, str],
        *,
        on_wait: Callable[[], None] = lambda: None,
        retry: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._folder, self._identity, self._inputs = folder, identity, dict(inputs)
        self._on_wait, self._retry = on_wait, retry
        lock_file = folder.with_name(f"{folder.name}.lock")
        self._lock = FileLock(lock_file, thread_local=False)
        self._shards: dict[str, str] = {}  # the SHA-256 of those of this recipe, by name
        self._places: dict[str, Place] = {}
        self._absent: dict[str, str] = {}
        self._pending: tuple[str, ...] = tuple(self._inputs)
        self._num_added = 0
        self._group: list[Extracted] = []
        self._highest = -1  # number of a shard

    def __enter__(self) -> StoreWriter:
        """Wait for the turn and look what is there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            self._on_wait()
            self._lock.acquire(poll_interval=_SECONDS_BETWEEN_LOOKS)
        try:
            self._take_up()
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let others have the turn; without `finish`, what was added stays for the next one."""
        try:
            if isinstance(error, InputError | KeyboardInterrupt):
                self._flush()
        finally:
            self._lock.release()

    @property
    def pending(self) -> tuple[str, ...]:
        """The ids still to be added, in manifest order."""
        return self._pending[self._num_added :]

    @property
    def absent(self) -> Mapping[str, str]:
        """The utterances without features so far, kept ones included, each with its reason."""
        return self._absent

    def add(self, extracted: Extracted) -> None:
        """Add the next pending utterance.

        Raises:
            InputError: It is not the next one, or its features are not finite or not of the shape
                that the store's level and width ask for.
        """
        assert self._lock.is_locked, "a store is written while the writer has its turn"
        is_over = self._num_added == len(self._pending)
        expected = "no further utterance" if is_over else self._pending[self._num_added]
        if extracted.utterance_id != expected:
            found = f"utterance {extracted.utterance_id}"
            raise InputError(self._folder, found=found, expected=expected)
        self._group.append(self._checked(extracted))
        if isinstance(extracted.outcome, Absence):
            self._absent[extracted.utterance_id] = extracted.outcome.reason
        self._num_added += 1
        if len(self._group) == GROUP:
            self._flush()

    def finish(self) -> None:
        """Write what remains, close the store with its index, and remove what it does not name.

        Raises:
            InputError: An utterance is still pending.
        """
        assert self._lock.is_locked, "a store is written while the writer has its turn"
        if self.pending:
            found = f"{len(self.pending)} utterances not yet stored"
            raise InputError(self._folder, found=found, expected="none")
        self._flush()
        self._remove_but({*self._named(), *self._named_by_index()})
        self._highest = max(map(_number, self._folder.glob(_SHARDS)), default=-1)
        if len(self._named()) > 2 * -(-len(self._inputs) // GROUP):
            self._compact()
        shards = {name: self._shards[name] for name in self._named()}
        places = {utterance_id: self._places[utterance_id] for utterance_id in self._inputs}
        write_index(self._folder, StoreIndex(self._identity, shards, places))
        self._remove_but(shards)

    def _take_up(self) -> None:
        """Find what is there of this recipe and these inputs; the index's shards come first."""
        found = sorted(self._folder.glob(_SHARDS), key=_number)
        self._highest = max(map(_number, found), default=-1)
        named, recipe = self._named_by_index(), canonical(self._identity.recipe)
        for path in sorted(found, key=lambda path: path.name not in named):
            try:
                shard = read_shard(path)
            except InputError:
                continue  # what it held is pending; `finish` removes it
            if canonical(shard.recipe) == recipe:
                self._keep(path.name, shard.sha256, shard.records)
        for utterance_id, place in list(self._places.items()):
            if place.absence is not None and self._retry(place.absence):
                del self._places[utterance_id]
        self._pending = tuple(i for i in self._inputs if i not in self._places)
        reasons = ((i, self._places[i].absence) for i in self._inputs if i in self._places)
        self._absent = {i: reason for i, reason in reasons if reason is not None}

    def _keep(self, name: str, sha256: str, records: Sequence[Record]) -> None:
        """Note where a shard has what is asked for, unless another has it as well."""
        self._shards[name] = sha256
        first_row = 0
        for r in records:
            is_asked = self._inputs.get(r.utterance_id) == r.input_digest
            known = self._places.get(r.utterance_id)
            is_better = known is None or (known.absence is not None and r.absence is None)
            if is_asked and is_better:  # what was tried again stands beside its earlier failure
                place = Place(name, first_row, r.num_rows, r.absence, r.facts)
                self._places[r.utterance_id] = place
            first_row += r.num_rows

    def _checked(self, extracted: Extracted) -> Extracted:
        """The utterance as it can be stored."""
        utterance_id, outcome = extracted.utterance_id, extracted.outcome
        if isinstance(outcome, Absence):
            return Extracted(utterance_id, outcome, {**outcome.facts, **extracted.facts})
        width, is_vector = self._identity.width, self._identity.level is Level.UTTERANCE
        where = f"{self._identity.encoder}, utterance {utterance_id}"
        expected = f"a finite vector of width {width}" + ("" if is_vector else " per moment")
        features = outcome.detach().to("cpu", torch.float32)
        num_axes = 1 if is_vector else 2
        if features.ndim != num_axes or features.shape[-1] != width or not len(features):
            raise InputError(where, found=f"shape {tuple(features.shape)}", expected=expected)
        if not np.isfinite(features.numpy()).all():  # in this thread: it runs beside the encoder
            raise InputError(where, found="values that are not finite", expected=expected)
        return Extracted(utterance_id, features.reshape(-1, width), extracted.facts)

    def _flush(self) -> None:
        """Write the utterances since the last shard as a new one."""
        records, features = [], []
        for one in self._group:
            rows = self._no_rows if isinstance(one.outcome, Absence) else one.outcome
            reason = one.outcome.reason if isinstance(one.outcome, Absence) else None
            digest = self._inputs[one.utterance_id]
            records.append(Record(one.utterance_id, digest, len(rows), reason, one.facts))
            features.append(rows)
        if records:
            self._append(records, features)
        self._group.clear()

    def _append(self, records: Sequence[Record], features: Sequence[torch.Tensor]) -> None:
        name = f"shard-{self._highest + 1:05d}.safetensors"
        joined = torch.cat([self._no_rows, *features])
        shard = Shard(self._identity.recipe, tuple(records), joined)
        sha256 = shard.write(self._folder / name)
        self._highest += 1
        self._keep(name, sha256, records)

    def _compact(self) -> None:
        """Write all anew as full shards in manifest order; what there is stays until the index."""
        old, self._places = self._places, {}
        ids = list(self._inputs)
        for start in range(0, len(ids), GROUP):
            group = {i: old[i] for i in ids[start : start + GROUP]}
            features = self._read(group)
            records = [
                Record(i, self._inputs[i], p.num_rows, p.absence, p.facts) for i, p in group.items()
            ]
            self._append(records, [features[i] for i in group])

    def _read(self, places: Mapping[str, Place]) -> dict[str, torch.Tensor]:
        """The rows of some utterances, whichever shards they are in."""
        rows: dict[str, torch.Tensor] = {}
        for name in {place.shard for place in places.values()}:
            ids = [i for i, place in places.items() if place.shard == name]
            parts = [places[i].rows for i in ids]
            read = read_rows(self._folder / name, parts, sha256=self._shards[name])
            rows.update(zip(ids, read, strict=True))
        return rows

    def _named(self) -> list[str]:
        """The shards that hold something asked for, in the order of their numbers."""
        return sorted({place.shard for place in self._places.values()}, key=_number)

    def _named_by_index(self) -> frozenset[str]:
        """The shards of the index that is there, whatever it is of."""
        try:
            return frozenset(read_index(self._folder).shards)
        except InputError:
            return frozenset()

    def _remove_but(self, names: Container[str]) -> None:
        for path in (*self._folder.glob(_SHARDS), *self._folder.glob(f"*{TEMPORARY_SUFFIX}")):
            if path.name not in names:
                path.unlink()

    @property
    def _no_rows(self) -> torch.Tensor:
        return torch.empty(0, self._identity.width)


def _number(shard: Path | str) -> int:
    """The number in a shard's name."""
    digits = Path(shard).stem.partition("-")[2]
    return int(digits) if digits.isdecimal() else -1
