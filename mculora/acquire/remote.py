"""What is to be fetched: an address, what is known of the file there, and who may have it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from mculora.acquire.checksums import Known
from mculora.errors import InputError

LONGEST_NAME = 150
"""Characters of a file name: leaves room for the suffixes of a download that is under way."""


@dataclass(frozen=True)
class Credentials:
    """A user and a password, for the host of the address only; shown and stored nowhere."""

    user: str = field(repr=False)
    password: str = field(repr=False)


@dataclass(frozen=True)
class Remote:
    """A file on a server.

    Attributes:
        url: Its http or https address, without user and password.
        num_bytes: Its size, where known.
        md5: Known MD5 sums (hex, either case).
        sha256: Known SHA-256 sums; a file is right when any one of all these sums is its own.
        credentials: For basic authentication.
        how_to_sign_in: What a person must do to have or to mend the credentials, for errors.
        known: Size and sums as one object, made from the above.

    Raises:
        InputError: The address cannot be used, or a sum or size is none.
    """

    url: str
    num_bytes: int | None = None
    md5: tuple[str, ...] = ()
    sha256: tuple[str, ...] = ()
    credentials: Credentials | None = None
    how_to_sign_in: str = "set the user and the password in the environment variables for them"
    known: Known = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        _check_address(self.url, self.how_to_sign_in)
        object.__setattr__(self, "known", Known(self.num_bytes, self.md5, self.sha256))


def name_of(url: str) -> str:
    """A safe file name for an address: its last part, without query, folders or a leading dot."""
    path = re.sub(r"^[^/]*//[^/]*|[?#].*$", "", url)  # addresses may be malformed: no parser here
    last = unquote(path).rstrip("/").rpartition("/")[2]
    safe = re.sub(r"[^A-Za-z0-9._+=@-]", "_", last)[-LONGEST_NAME:]
    return safe.lstrip(".-").rstrip(".") or "download"


def _check_address(url: str, how_to_sign_in: str) -> None:
    shown = url.rpartition("@")[2]  # a password may hide in an address that is malformed, too
    try:
        parts = urlsplit(url)
        has_secrets = "@" in parts.netloc
        is_usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        is_usable = has_secrets = False
    if has_secrets:
        raise InputError(
            shown,
            found="a user or password inside the address",
            expected="an address without them",
            remedy=f"take them out and {how_to_sign_in}",
        )
    if not is_usable:
        raise InputError(
            shown or "address", found="no usable address", expected="http://… or https://…"
        )
