"""Test masks: which modalities each test utterance keeps under every condition, drawn once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mculora.corpora.manifest import Corpus
from mculora.errors import InputError
from mculora.files import whole_file
from mculora.modality import NUM_MODALITIES, ModalityCombination
from mculora.protocol.bernoulli import draw_bernoulli
from mculora.protocol.folds import Fold
from mculora.protocol.gcnet import draw_gcnet
from mculora.protocol.imder import draw_imder

if TYPE_CHECKING:
    import torch

MASKS_FILE = "masks.safetensors"
Rule = Callable[[int, float, np.random.Generator], NDArray[np.bool_]]
"""Draws presence (N, M), no row empty, for N utterances and a nominal missing rate."""
GCNET = "gcnet"
RULES: Mapping[str, Rule] = {
    GCNET: draw_gcnet,
    "imder": draw_imder,
    "bernoulli": draw_bernoulli,
}
"""What a missing rate means, by name: the field has several rules, which realise other rates."""


@dataclass(frozen=True, eq=False)
class TestMasks:
    """What the test utterances of one fold keep, by condition.

    Attributes:
        fold: The fold's name.
        ids: The N test utterances, in corpus order.
        present: (N, M) bool by condition: `atv` … `v`, `rate-0.3` …; True means kept. No row is
            empty.
        rates: The nominal missing rate by condition.
        rule: How the rate conditions were drawn.
        seed: With which seed.

    Raises:
        InputError: A mask has the wrong shape, or an utterance with no modality.
    """

    __test__: ClassVar[bool] = False  # Not a test class, whatever pytest makes of its name.

    fold: str
    ids: tuple[str, ...]
    present: Mapping[str, torch.Tensor]
    rates: Mapping[str, float]
    rule: str
    seed: int

    def __post_init__(self) -> None:
        for condition, present in self.present.items():
            where = f"mask {condition} of fold {self.fold}"
            expected = (len(self.ids), NUM_MODALITIES)
            if tuple(present.shape) != expected:
                raise InputError(where, found=f"{tuple(present.shape)}", expected=f"{expected}")
            if not bool(present.any(-1).all()):
                raise InputError(
                    where, found="an utterance with nothing", expected="at least one modality each"
                )

    def realised(self, condition: str) -> float:
        """The missing rate that the condition really has: the fraction of (N, M) left out."""
        return 1.0 - float(self.present[condition].double().mean())

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of the ids and of every mask."""
        head = [self.fold, self.ids, self.rule, self.seed, sorted(self.rates.items())]
        digest = hashlib.sha256(json.dumps(head).encode())
        for condition in sorted(self.present):
            digest.update(condition.encode() + b"\0" + self.present[condition].numpy().tobytes())
        return digest.hexdigest()


def rate_condition(missing_rate: float) -> str:
    """Name the condition of a missing rate: `rate-0.3`."""
    return f"rate-{missing_rate}"


def draw_test_masks(
    corpus: Corpus, fold: Fold, *, missing_rates: Sequence[float], seed: int, rule: str = GCNET
) -> TestMasks:
    """Derive the seven fixed conditions and draw one mask per missing rate.

    Each draw depends on seed, fold and rate alone: another rate more leaves the rest as it was.

    Args:
        corpus: Gives the utterances of the fold's test dialogues.
        fold: What is tested.
        missing_rates: Fractions from 0 to 0.7 (0.7 realises 2/3, one modality each).
        seed: Of the draws.
        rule: One of `RULES`.

    Raises:
        InputError: The rule is unknown or has no such rate, or the fold tests nothing.
    """
    import torch

    if rule not in RULES:
        raise InputError("split.missing_rule", found=repr(rule), expected=" or ".join(RULES))
    tested = set(fold.test)
    ids = tuple(u.id for u in corpus.utterances if u.dialogue in tested)
    if not ids:
        raise InputError(f"fold {fold.name}", found="no test utterance", expected="some")
    present: dict[str, torch.Tensor] = {}
    rates: dict[str, float] = {}
    for combination in ModalityCombination:
        present[combination.word] = torch.tensor(combination.presence).repeat(len(ids), 1)
        rates[combination.word] = 1 - sum(combination.presence) / NUM_MODALITIES
    for rate in missing_rates:
        condition = rate_condition(rate)
        rng = named_generator(seed, fold.name, condition)
        present[condition] = torch.from_numpy(RULES[rule](len(ids), rate, rng))
        rates[condition] = rate
    return TestMasks(fold.name, ids, present=present, rates=rates, rule=rule, seed=seed)


def named_generator(seed: int, *names: str) -> np.random.Generator:
    """Make the source of chance of one draw, which no other draw touches."""
    name_hash = hashlib.sha256("\0".join(names).encode()).digest()
    return np.random.default_rng([seed, int.from_bytes(name_hash[:8], "big")])


def write_masks(folder: Path, masks: Sequence[TestMasks]) -> None:
    """Write the masks of all folds as one file; the digests travel in its header."""
    import torch
    from safetensors.torch import save

    tensors, folds = {}, []
    for fold in masks:
        for condition, present in fold.present.items():
            tensors[f"{fold.fold}/{condition}"] = present.to(torch.uint8).contiguous()
        folds.append(
            {
                "fold": fold.fold,
                "ids": fold.ids,
                "rule": fold.rule,
                "seed": fold.seed,
                "nominal": dict(fold.rates),
                "realised": {condition: fold.realised(condition) for condition in fold.present},
                "digest": fold.digest,
            }
        )
    with whole_file(folder / MASKS_FILE) as temporary:
        # One metadata key only: several would be written in an arbitrary order.
        temporary.write_bytes(save(tensors, metadata={"folds": json.dumps(folds)}))


def read_masks(folder: Path) -> tuple[TestMasks, ...]:
    """Read the masks of all folds.

    Raises:
        InputError: The file is damaged, or a mask is not the one that was drawn.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / MASKS_FILE
    try:
        with safe_open(path, framework="pt") as file:
            rows = json.loads(file.metadata()["folds"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            masks = tuple(_from_row(row, tensors) for row in rows)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, InputError) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise _altered(path, f"no readable masks ({reason})") from error
    for row, fold in zip(rows, masks, strict=True):
        if row["digest"] != fold.digest:
            raise _altered(path, f"masks of fold {fold.fold} with digest {fold.digest[:12]}")
    return masks


def _from_row(row: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> TestMasks:
    return TestMasks(
        row["fold"],
        tuple(row["ids"]),
        present={c: tensors[f"{row['fold']}/{c}"].bool() for c in row["nominal"]},
        rates=row["nominal"],
        rule=row["rule"],
        seed=row["seed"],
    )


def _altered(path: Path, found: str) -> InputError:
    return InputError(
        path,
        found=found,
        expected="the masks that were drawn",
        remedy="run `mculora split` again",
    )
