"""Why a request gets no prediction: a status and a sentence, all that a client learns."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi.responses import JSONResponse

BAD_REQUEST, TOO_SLOW, TOO_LARGE, NO_MEDIA, NOT_USABLE = 400, 408, 413, 415, 422
CLIENT_GONE = 499  # nobody reads it; it is counted under this number
INTERNAL, UNAVAILABLE, TIME_OUT = 500, 503, 504

RETRY_SECONDS = 5
"""When a client that found no place may ask again."""


class Refusal(Exception):
    """A request is answered with an error.

    Args:
        status: The HTTP status.
        sentence: What is wrong, for the client: no path and no name of ours.
    """

    def __init__(self, status: int, sentence: str) -> None:
        self.status, self.sentence = status, sentence
        super().__init__(sentence)


def error_response(
    status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """The answer to a request that is refused: `{"error": sentence}`."""
    told = dict(headers or {})
    if status == UNAVAILABLE:
        told["Retry-After"] = str(RETRY_SECONDS)
    if status == INTERNAL:
        told["Connection"] = "close"  # uvicorn closes it
    return JSONResponse({"error": sentence}, status, told)
