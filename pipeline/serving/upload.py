"""A form on its way in: the clip goes straight into a file with a name of ours, gone afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pipeline.serving.limits import MEGABYTE, Limits
from pipeline.serving.refusal import BAD_REQUEST, NO_MEDIA, TOO_LARGE, UNAVAILABLE, Refusal

CLIP, TRANSCRIPT = "clip", "transcript"
"""The two fields of the form."""

MAX_TRANSCRIPT_BYTES = 32_768
_FRAMING_BYTES = 16_384  # boundaries and headers of a form, beside its content
_MAX_PARTS = 8  # a form with more is somebody's joke
_MAX_HEADERS, _MAX_HEADER_BYTES = 8, 4096  # of one part


@dataclass(frozen=True)
class Upload:
    """What a client sent.

    Attributes:
        clip: The file that holds it, or None if there was none.
        transcript: The words; `""` if there were none.
    """

    clip: Path | None
    transcript: str


@asynccontextmanager
async def receive_upload(request: Request, limits: Limits, folder: Path) -> AsyncIterator[Upload]:
    """Receive a form; its clip lies in `folder` for the length of the block.

    What a client says of lengths and names is not relied on: bytes are counted as they come, and
    the file has a name that is drawn here.

    Raises:
        Refusal: It is no such form, or too large.
        starlette.requests.ClientDisconnect: The client hung up before its end.
    """
    form = _Form(_boundary(request), folder, limits)
    try:
        _check_claim(request, form.most_bytes)
        async for chunk in request.stream():
            form.feed(chunk)
        yield form.finish()
    finally:
        form.remove()


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise Refusal(NO_MEDIA, "send a form: multipart/form-data with clip, transcript or both")
    if not options.get(b"boundary"):
        raise Refusal(BAD_REQUEST, "the form names no boundary")
    return options[b"boundary"]


def _check_claim(request: Request, most_bytes: int) -> None:
    """Refuse at once what says itself that it is too large; what says less is counted anyway."""
    claimed = request.headers.get("content-length", "")
    if claimed.isdecimal() and int(claimed[:20]) > most_bytes:
        raise _too_large(most_bytes)


def _too_large(most_bytes: int) -> Refusal:
    return Refusal(TOO_LARGE, f"more than {most_bytes / MEGABYTE:.3g} MB")


class _Form:
    """The parser's callbacks: which part is being read, and where its bytes go."""

    def __init__(self, boundary: bytes, folder: Path, limits: Limits) -> None:
        self._folder, self.most_bytes = folder, limits.max_bytes + _FRAMING_BYTES
        self._num_bytes, self._seen, self._num_parts = 0, set[str](), 0
        self._header, self._value, self._disposition = bytearray(), bytearray(), b""
        self._part, self._transcript, self._is_whole = "", bytearray(), False
        self._file: IO[bytes] | None = None
        self._path: Path | None = None
        names = (
            *("on_part_begin", "on_part_data", "on_part_end", "on_end"),
            *("on_header_field", "on_header_value", "on_header_end", "on_headers_finished"),
        )
        callbacks: Any = {name: getattr(self, f"_{name}") for name in names}
        try:
            self._parser = MultipartParser(
                boundary,
                callbacks,
                max_header_count=_MAX_HEADERS,
                max_header_size=_MAX_HEADER_BYTES,
            )
        except FormParserError:
            raise Refusal(BAD_REQUEST, "the form's boundary is too long") from None

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes of the body."""
        self._num_bytes += len(chunk)
        if self._num_bytes > self.most_bytes:
            raise _too_large(self.most_bytes)
        if not chunk:
            return
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise Refusal(BAD_REQUEST, "the form is damaged") from None
        except OSError:  # a full disk, most likely
            raise Refusal(UNAVAILABLE, "no room for the clip at the moment") from None

    def finish(self) -> Upload:
        """What was sent, when all of it is here."""
        if not self._is_whole:
            raise Refusal(BAD_REQUEST, "the form breaks off")
        try:
            transcript = self._transcript.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise Refusal(BAD_REQUEST, "the transcript is not UTF-8") from None
        if self._path is None and not transcript:
            raise Refusal(BAD_REQUEST, "send a clip, a transcript or both")
        return Upload(self._path, transcript)

    def remove(self) -> None:
        """Remove the clip; a system that keeps open files from going lets `serve` do it later."""
        if self._file is not None:
            self._file.close()
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _on_part_begin(self) -> None:
        self._num_parts += 1
        if self._num_parts > _MAX_PARTS:
            raise Refusal(BAD_REQUEST, "the form has too many parts")
        self._disposition = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._part = options.get(b"name", b"").decode("utf-8", "replace")
        if self._part not in (CLIP, TRANSCRIPT):
            raise Refusal(BAD_REQUEST, "the form's fields are clip and transcript")
        if self._part in self._seen:
            raise Refusal(BAD_REQUEST, f"the form has more than one {self._part}")
        self._seen.add(self._part)
        if self._part == CLIP and options.get(b"filename") != b"":  # so a page says: none chosen
            self._open()

    def _open(self) -> None:
        self._file = tempfile.NamedTemporaryFile(dir=self._folder, delete=False)  # noqa: SIM115
        self._path = Path(self._file.name)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._part == TRANSCRIPT:
            if len(self._transcript) + end - start > MAX_TRANSCRIPT_BYTES:
                raise Refusal(TOO_LARGE, f"a transcript of more than {MAX_TRANSCRIPT_BYTES} bytes")
            self._transcript += data[start:end]
            return
        if self._file is not None:
            self._file.write(data[start:end])

    def _on_part_end(self) -> None:
        if self._part == CLIP and self._file is not None:
            self._file.close()

    def _on_end(self) -> None:
        self._is_whole = True
