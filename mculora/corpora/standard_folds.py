"""Standard folds of MOSEI and MOSI: lists of video ids in a Python file that is read, never run."""

from __future__ import annotations

import ast
import warnings
from pathlib import Path

from mculora.corpora.raw_tree import RawTree
from mculora.corpora.utterance import Split
from mculora.errors import InputError

_SUFFIX = "std_folds.py"
_NAMES = {
    "standard_train_fold": Split.TRAIN,
    "standard_valid_fold": Split.VALIDATION,
    "standard_test_fold": Split.TEST,
}


def find_standard_folds(tree: RawTree, official_name: str) -> Path:
    """Find a corpus's fold file, also where it was given another beginning of its name.

    Raises:
        InputError: There is none.
    """
    found = tree.find(lambda name: name.endswith(_SUFFIX))
    if not found:
        raise InputError(
            tree.raw_folder,
            found=f"no {official_name} below it",
            expected="the standard folds of the CMU Multimodal SDK",
            remedy="put that file there",
        )
    return tree.raw_folder / min(found, key=lambda path: path.name != official_name)


def read_standard_folds(path: Path) -> dict[str, Split]:
    """Read the split of each video id.

    Raises:
        InputError: The file is no Python, a list is missing or no list of strings, or a video is
            in two of them.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # Python's, on another's source
            tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _unusable(path, f"no Python source ({error})") from error
    splits: dict[str, Split] = {}
    seen = set()
    for statement in tree.body:
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        name = statement.targets[0].id
        if name not in _NAMES:
            continue
        seen.add(name)
        for video in _read_list(statement.value, path, name):
            if splits.setdefault(video, _NAMES[name]) is not _NAMES[name]:
                raise _unusable(path, f"video {video} in two folds")
    for name in _NAMES:
        if name not in seen:
            raise _unusable(path, f"no list {name}")
    return splits


def _read_list(node: ast.expr, path: Path, name: str) -> list[str]:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        value = None
    if not isinstance(value, list) or not all(map(_is_id, value)):
        raise _unusable(path, f"{name} that is no plain list of strings")
    return value


def _is_id(video: object) -> bool:
    """Tell whether something is a string, of whole characters: a lone surrogate is none."""
    return isinstance(video, str) and not any("\ud800" <= letter <= "\udfff" for letter in video)


def _unusable(path: Path, found: str) -> InputError:
    return InputError(
        path,
        found=found,
        expected=f"the lists {', '.join(_NAMES)} of video ids, each id in one of them",
        remedy="fetch the file again from the CMU Multimodal SDK",
    )
