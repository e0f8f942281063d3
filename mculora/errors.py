"""The errors that users meet: each takes facts and composes one sentence from them."""

from __future__ import annotations

from pathlib import Path
from typing import Any


class MCULoRAError(Exception):
    """Root of every error that is the user's to mend: shown as one line, exit code 1."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Cross from a worker process as it is: the sentence is composed already."""
        return _restore, (type(self), self.args, self.__dict__)


def _restore(kind: type[MCULoRAError], args: tuple[Any, ...], facts: dict[str, Any]) -> Any:
    error = kind.__new__(kind, *args)  # sets args, and skips __init__, which asks for other facts
    error.__dict__.update(facts)
    return error


class InputError(MCULoRAError):
    """A file, folder or key is not what is needed.

    Args:
        where: The file, folder or key, as the user knows it.
        found: What is there.
        expected: What should be there.
        remedy: What to do about it.
    """

    def __init__(self, where: str | Path, *, found: str, expected: str, remedy: str = "") -> None:
        self.where, self.found, self.expected, self.remedy = str(where), found, expected, remedy
        sentence = f"{where}: found {found}, expected {expected}"
        super().__init__(f"{sentence}; {remedy}" if remedy else sentence)


class MissingInputError(InputError):
    """A stage's input does not exist yet; `command` makes it."""

    def __init__(self, where: str | Path, *, command: str) -> None:
        super().__init__(
            where,
            found="nothing",
            expected="the output of an earlier stage",
            remedy=f"run `{command}` first",
        )


class MediaError(MCULoRAError):
    """One clip cannot be read; the modality it would have given is absent for this reason.

    Args:
        path: The media file.
        reason: Why it cannot be used, as it will stand in the feature store and the report.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(f"{path}: {reason}")
