"""Where the parts of a corpus come from: the `sources` section of params.yaml."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

from mculora.acquire.checksums import Known
from mculora.corpora.artefacts import published_artefacts, raw_artefacts


def _as_tuple(value: Any) -> Any:
    """What may be left out, stand alone or be a list, as a tuple."""
    if value is None or isinstance(value, str):
        return () if value is None else (value,)
    return tuple(value) if isinstance(value, list) else value


Place = Annotated[str, Field(min_length=1)]
MD5 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{32}$")]
SHA256 = Annotated[str, Field(pattern=r"^[0-9a-fA-F]{64}$")]
_LISTED = BeforeValidator(_as_tuple)


@dataclass(frozen=True, config=ConfigDict(extra="forbid", strict=True))
class Source:
    """One artefact's source.

    Attributes:
        at: Local folders, local files or archives, or URLs; none where a person has to get it
            first.
        bytes: The size of the file or archive, if it is known.
        md5: Its MD5, or several of which one is right.
        sha256: Its SHA-256, likewise.
        auth_env: The beginning of two environment variables, `<auth_env>_USER` and
            `<auth_env>_PASSWORD`, for basic authentication.
    """

    at: Annotated[tuple[Place, ...], _LISTED]
    bytes: Annotated[int, Field(ge=1)] | None = None
    md5: Annotated[tuple[MD5, ...], _LISTED] = ()
    sha256: Annotated[tuple[SHA256, ...], _LISTED] = ()
    auth_env: Annotated[str, Field(pattern=r"^[A-Z_][A-Z0-9_]*$")] | None = None

    @property
    def known(self) -> Known:
        """What the file or archive must be; a folder is taken as it is."""
        return Known(self.bytes, self.md5, self.sha256)


Sources = dict[str, Source]
"""By artefact name."""


def artefact_names(dataset: str) -> list[str]:
    """The parts that a dataset can have, sorted: keys of its sources, folders of its raw corpus."""
    artefacts = (*raw_artefacts(dataset), *published_artefacts(dataset, ()))
    return sorted({artefact.name for artefact in artefacts})


def is_remote(place: str) -> bool:
    """Whether a place is an address and no path."""
    return "://" in place


def source_rules(dataset: str, sources: Sources) -> dict[str, tuple[bool, str, str]]:
    """What must hold of a dataset's sources: by key whether it does, what was found, expected."""
    names = artefact_names(dataset)
    rules = {}
    for name, source in sources.items():
        key, places = f"sources.{dataset}.{name}", source.at
        rules[key] = (name in names, "an unknown part", " or ".join(names) or "no part")
        if any(map(_has_secret, places)):
            found, expected = "a user or password inside an address", f"them in {key}.auth_env's"
            rules[f"{key}.at"] = (False, found, f"{expected} environment variables")
        elif len(places) > 1 and source.known != Known():
            rules[f"{key}.at"] = (False, "several places", "one, where size or sum is given")
        elif len(set(places)) < len(places):
            rules[f"{key}.at"] = (False, "a place twice", "each place once")
    return rules


def _has_secret(place: str) -> bool:
    return is_remote(place) and "@" in place.partition("://")[2].split("/")[0]
