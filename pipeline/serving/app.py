"""The application: what is answered under each path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from mculora.inference.prediction import Prediction
from pipeline.serving.desk import Desk
from pipeline.serving.exchange import Exchange
from pipeline.serving.limits import Limits
from pipeline.serving.metrics import CONTENT_TYPE, Metrics
from pipeline.serving.model_facts import model_facts
from pipeline.serving.page import render_page
from pipeline.serving.predicting import Predicting, predict_upload
from pipeline.serving.refusal import (
    CLIENT_GONE,
    INTERNAL,
    TIME_OUT,
    TOO_SLOW,
    UNAVAILABLE,
    Refusal,
    error_response,
)
from pipeline.serving.upload import CLIP, TRANSCRIPT, receive_upload

Result = TypeVar("Result")

PATHS = frozenset({"/", "/predict", "/health", "/metrics", "/openapi.json"})
_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "properties": {
                    CLIP: {"type": "string", "format": "binary"},
                    TRANSCRIPT: {"type": "string"},
                },
            }
        }
    },
}


def make_app(predictor: Predicting, desk: Desk, limits: Limits, folder: Path) -> Exchange:
    """Make the application.

    Args:
        predictor: What predicts, in several threads at once.
        desk: Places and workers.
        limits: What a client may ask for.
        folder: Where clips lie while they are looked at.
    """
    app = FastAPI(title="MCULoRA", docs_url=None, redoc_url=None)  # their pages load from a CDN
    metrics = Metrics(desk)
    _answer_errors(app)
    facts = model_facts(predictor.bundle)
    page = render_page(facts, limits)

    @app.post("/predict", openapi_extra={"requestBody": _FORM})
    async def predict(request: Request) -> Response:
        """Predict the emotion of a clip, a transcript or both."""
        with desk.place():
            answer = await _predict(request, predictor, desk=desk, limits=limits, folder=folder)
        metrics.count_stages(answer["seconds"])
        return JSONResponse({"task": facts["task"], **answer})

    @app.get("/health")
    async def health() -> Response:
        """Say whether requests are taken, by which model, and how busy it is."""
        content = {
            "ready": not desk.is_closed,
            "model": facts,
            "limits": asdict(limits),
            "waiting": desk.num_waiting,
            "working": desk.num_working,
        }
        return JSONResponse(content, UNAVAILABLE if desk.is_closed else 200)

    @app.get("/metrics", response_class=Response)
    async def count() -> Response:
        """Give the counters to Prometheus."""
        return Response(metrics.render(), media_type=CONTENT_TYPE)

    @app.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def show() -> Response:
        """Show the page."""
        return HTMLResponse(page.html, headers={"Content-Security-Policy": page.policy})

    return Exchange(app, metrics, PATHS)


async def _predict(
    request: Request, predictor: Predicting, *, desk: Desk, limits: Limits, folder: Path
) -> dict[str, Any]:
    """One prediction as JSON, within the time of a request."""
    start, received = time.perf_counter(), None
    try:
        async with (
            asyncio.timeout(limits.max_seconds),
            receive_upload(request, limits, folder) as upload,
        ):
            received = time.perf_counter()
            job = partial(
                predict_upload, predictor, upload, max_clip_seconds=limits.max_clip_seconds
            )
            timed = partial(_timed, job)
            prediction, began = await _unless_gone(request, desk, timed)
    except TimeoutError:
        status, what = (TIME_OUT, "answer") if received else (TOO_SLOW, "upload")
        raise Refusal(status, f"no {what} within {limits.max_seconds:g} s") from None
    content = prediction.to_json()
    content["seconds"] = {
        "receive": received - start,
        "wait": began - received,
        **content["seconds"],
        "total": time.perf_counter() - start,
    }
    return content


def _timed(job: Callable[[], Prediction]) -> tuple[Prediction, float]:
    """Do a job; say when it began, too."""
    began = time.perf_counter()
    return job(), began


async def _unless_gone(request: Request, desk: Desk, job: Callable[[], Result]) -> Result:
    """Have a job done, unless the client hangs up before.

    Raises:
        ClientDisconnect: It did.
    """
    work = asyncio.ensure_future(desk.work(job))
    gone = asyncio.ensure_future(_until_gone(request))
    try:
        await asyncio.wait((work, gone), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        raise ClientDisconnect
    finally:
        work.cancel()
        gone.cancel()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _answer_errors(app: FastAPI) -> None:
    """Answer every error with one JSON line."""

    @app.exception_handler(Refusal)
    async def refused(_: Request, refusal: Refusal) -> Response:
        return error_response(refusal.status, refusal.sentence)

    @app.exception_handler(ClientDisconnect)
    async def gone(_: Request, __: ClientDisconnect) -> Response:
        return error_response(CLIENT_GONE, "the client hung up")

    @app.exception_handler(HTTPException)
    async def unknown(_: Request, error: HTTPException) -> Response:
        return error_response(error.status_code, str(error.detail).lower(), error.headers)

    @app.exception_handler(Exception)  # what it was stands in the service's own log
    async def failed(_: Request, __: Exception) -> Response:
        return error_response(INTERNAL, "something went wrong here")
