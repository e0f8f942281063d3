"""What a server's answer means: the bytes that were asked for, a reason to wait, or a dead end."""

from __future__ import annotations

import html
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path

from mculora.acquire.arrival import Interrupted, Origin
from mculora.acquire.checksums import describe
from mculora.acquire.magic import FileKind, expected_kind, sniff
from mculora.acquire.remote import Remote
from mculora.errors import InputError

OTHER_WAYS = "bring the file by other ways and name its place"
NAMES_OF_PAGES = (".html", ".htm", ".xml")
_CONTENT_RANGE = re.compile(
    r"\s*bytes\s+(?:(\d{1,18})-(\d{1,18})|\*)/(?:(\d{1,18})|\*)\s*", re.ASCII
)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)
_TITLE = re.compile(rb"<title[^>]*>(.*?)</title", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """The head of an answer to a request for a file, from some byte on.

    Attributes:
        remote: What was asked for.
        first_byte: From which byte on it was asked for.
        status: The HTTP status.
        headers: By name, in any case.
        host: Who answered, after redirects.
        was_signed: Whether that host was shown the credentials.
    """

    remote: Remote
    first_byte: int
    status: int
    headers: Mapping[str, str]
    host: str
    was_signed: bool

    @property
    def content_length(self) -> int | None:
        """The number of bytes in the body, as far as it is said."""
        text = self.headers.get("Content-Length", "").strip()
        is_said = _NUMBER.fullmatch(text) and "Transfer-Encoding" not in self.headers
        return int(text) if is_said else None

    @property
    def end(self) -> int | None:
        """The byte before which the body ends, as far as it is said."""
        if self.status != HTTPStatus.PARTIAL_CONTENT:
            return self.content_length
        match = self._content_range
        return int(match[2]) + 1 if match and match[2] else None

    @property
    def origin(self) -> Origin:
        """Which edition of the file it is of."""
        total_bytes = self.content_length
        if self.status != HTTPStatus.OK:
            match = self._content_range
            total_bytes = int(match[3]) if match and match[3] else None
        return Origin(
            self.remote.url,
            total_bytes,
            self.headers.get("ETag", ""),
            self.headers.get("Last-Modified", ""),
        )

    def check_status(self) -> None:
        """Let pass what can be read: 200, and what only a range asks for, 206 and 416.

        Raises:
            Interrupted: It may be otherwise later.
            InputError: It will not.
        """
        answers = (HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        if self.status == HTTPStatus.OK or (self.first_byte and self.status in answers):
            return
        if self.status in (408, 425, 429) or self.status >= 500:
            raise Interrupted(self._status_text, _seconds(self.headers.get("Retry-After", "")))
        if self.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise self._not_allowed()
        raise InputError(
            self.remote.url,
            found=self._status_text,
            expected="the file",
            remedy=f"correct the address, or {OTHER_WAYS}",
        )

    def check_range(self) -> None:
        """Refuse a part that does not begin where the last one ended.

        Raises:
            Interrupted: It is another part, or its length contradicts itself.
        """
        match = self._content_range
        begin = int(match[1]) if match and match[1] else None
        length = self.end - begin if self.end is not None and begin is not None else 0
        if begin != self.first_byte or length <= 0 or self.content_length not in (None, length):
            text = ascii(self.headers.get("Content-Range", "nothing"))[:80]
            raise Interrupted(f"another part ({text}) than that from byte {self.first_byte:,} on")

    def check_size(self) -> None:
        """Refuse a file of another size than the known one before it is fetched.

        Raises:
            InputError: The server's file has another size.
        """
        size, known = self.origin.total_bytes, self.remote.num_bytes
        if None not in (size, known) and size != known:
            raise InputError(
                self.remote.url,
                found=f"a file of {size:,} bytes",
                expected=f"{known:,} bytes",
                remedy="correct the expected size if the file was published anew",
            )

    def is_page(self, head: bytes, name: str) -> bool:
        """Whether a web page comes instead of the file `name`, by its first bytes or its type."""
        kind = sniff(head)
        is_typed = self.headers.get("Content-Type", "").strip().lower().startswith("text/html")
        has_kind = kind is not None and kind is expected_kind(name)
        is_meant = Path(name).suffix.lower() in NAMES_OF_PAGES
        return (kind is FileKind.HTML or is_typed) and not has_kind and not is_meant

    def check_beginning(self, head: bytes, name: str) -> None:
        """Refuse at its first bytes what is not the file `name`.

        Raises:
            InputError: It is a web page, a file of another kind, or packed by the server.
            Interrupted: It is nothing at all.
        """
        if not head:
            raise Interrupted("an empty answer")
        found, wanted = sniff(head), expected_kind(name)
        is_page = self.is_page(head, name)
        if is_page or (wanted is not None and found is not wanted):
            page = f"an HTML page{_title(head)} with status {self.status}"
            raise InputError(
                self.remote.url,
                found=page if is_page else describe(found),
                expected=describe(wanted) if wanted else f"the file {name}",
                remedy=f"see in a browser what the address asks for, correct it, or {OTHER_WAYS}",
            )
        self.check_encoding(head, name)

    def check_encoding(self, head: bytes, name: str) -> None:
        """Refuse what the server has packed, though it was asked not to.

        Many servers call a .gz file a gzip encoding of what is inside: that is the file itself.

        Raises:
            InputError: The bytes are not those of the file.
        """
        encoding = self.headers.get("Content-Encoding", "").strip().lower()
        is_gzip_file = expected_kind(name) is FileKind.GZIP and encoding in ("gzip", "x-gzip")
        if encoding in ("", "identity") or (is_gzip_file and not _is_packed_twice(head)):
            return
        raise InputError(
            self.remote.url,
            found=f"an answer in the encoding {ascii(encoding)[:40]}",
            expected="the file as it is",
            remedy=OTHER_WAYS,
        )

    @property
    def _content_range(self) -> re.Match[str] | None:
        return _CONTENT_RANGE.fullmatch(self.headers.get("Content-Range", ""))

    @property
    def _status_text(self) -> str:
        known = self.status in HTTPStatus.__members__.values()
        return f"status {self.status}" + (f" {HTTPStatus(self.status).phrase}" if known else "")

    def _not_allowed(self) -> InputError:
        if self.was_signed:
            how = "with the given user and password, which may be wrong or no longer valid"
        elif self.remote.credentials:
            how = f"from {self.host}, which is not shown the user and password of another host"
        else:
            how = "without user and password, since none were given"
        realm = re.search(r'realm="([^"]*)"', self.headers.get("WWW-Authenticate", ""))
        place = f" for {printable(realm[1])}" if realm else ""
        return InputError(
            self.remote.url,
            found=f"{self._status_text} {how}",
            expected=f"access, by user and password{place}",
            remedy=self.remote.how_to_sign_in,
        )


def _seconds(retry_after: str) -> float:
    """The wait that a Retry-After header asks for; 0 if it says none."""
    if _NUMBER.fullmatch(retry_after.strip()):
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())


def _title(page: bytes) -> str:
    found = _TITLE.search(page)
    words = printable(html.unescape(found[1].decode(errors="replace"))) if found else ""
    return f" “{words}”" if words else ""


def printable(text: str) -> str:
    """At most 100 characters on one line: a server must not write to a terminal, nor a secret."""
    text = re.sub(r"//[^/@\s]*@", "//", text)
    return "".join(c if c.isprintable() else " " for c in " ".join(text.split()))[:100].strip()


def _is_packed_twice(head: bytes) -> bool:
    try:
        inside = zlib.decompressobj(wbits=31).decompress(head, 2)
    except zlib.error:
        return False
    return sniff(inside) is FileKind.GZIP
