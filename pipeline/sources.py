"""Where the parts of a corpus come from: the `sources` section of params.yaml."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from mculora.corpora.artefacts import published_artefacts, raw_artefacts

_STRICT = ConfigDict(extra="forbid", strict=True)
MD5 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{32}$")]
SHA256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]


@dataclass(frozen=True, config=_STRICT)
class Source:
    """One artefact's source.

    Attributes:
        at: A local folder, a local file or archive, or a URL; several of them as a list; None
            where a person has to get it first.
        bytes: The size of the file or archive, if it is known.
        md5: Its MD5, or several of which one is right.
        sha256: Its SHA-256, likewise.
        auth_env: The beginning of two environment variables, `<auth_env>_USER` and
            `<auth_env>_PASSWORD`, for basic authentication.
    """

    at: str | list[str] | None
    bytes: Annotated[int, Field(ge=1)] | None = None
    md5: MD5 | list[MD5] | None = None
    sha256: SHA256 | list[SHA256] | None = None
    auth_env: Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")] | None = None

    @property
    def places(self) -> list[str]:
        """Every place that `at` names."""
        return [self.at] if isinstance(self.at, str) else list(self.at or [])

    @property
    def md5_sums(self) -> tuple[str, ...]:
        """The MD5 sums of which one is right; none if unknown."""
        return (self.md5,) if isinstance(self.md5, str) else tuple(self.md5 or ())

    @property
    def sha256_sums(self) -> tuple[str, ...]:
        """The SHA-256 sums of which one is right; none if unknown."""
        return (self.sha256,) if isinstance(self.sha256, str) else tuple(self.sha256 or ())


Sources = dict[str, Source]
"""By artefact name."""


def source_rules(dataset: str, sources: Sources) -> dict[str, tuple[bool, str, str]]:
    """What must hold of a dataset's sources: by key whether it does, what was found, expected."""
    artefacts = {*raw_artefacts(dataset), *published_artefacts(dataset, ())}
    names = {artefact.name for artefact in artefacts}
    rules = {}
    for name, source in sources.items():
        key = f"sources.{dataset}.{name}"
        rules[key] = (name in names, "an unknown part", " or ".join(sorted(names)) or "no part")
        has_facts = bool(source.bytes or source.md5_sums or source.sha256_sums)
        is_plain = not has_facts or len(source.places) <= 1
        rules[f"{key}.at"] = (is_plain, "several places", "one where size or sum is given")
    return rules
