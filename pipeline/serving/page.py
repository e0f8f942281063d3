"""The page on which a clip is dropped: one document that loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pipeline.serving.limits import Limits


@dataclass(frozen=True)
class Page:
    """The page.

    Attributes:
        html: The document.
        policy: Its Content-Security-Policy: its own style and script, and this service.
    """

    html: str
    policy: str


def render_page(facts: Mapping[str, Any], limits: Limits) -> Page:
    """Fill in the page, which looks like the report.

    Args:
        facts: Of the model, by `model_facts`.
        limits: What a client may ask for.
    """
    report = (_read("pipeline.page", "templates", name) for name in ("figure.css", "page.css"))
    style = "".join((*report, _read("pipeline.serving", "page.css")))
    script = _read("pipeline.serving", "page.js")
    environment = Environment(
        loader=PackageLoader("pipeline.serving", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    html = environment.get_template("page.html").render(
        facts=facts, limits=limits, style=Markup(style), script=Markup(script)
    )
    return Page(html, _policy(style, script))


def _read(package: str, *names: str) -> str:
    return files(package).joinpath(*names).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    rules = {
        "default-src": "'none'",
        "style-src": _hashed(style),
        "script-src": _hashed(script),
        "connect-src": "'self'",
        "img-src": "data:",
        "media-src": "blob:",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{rule} {what}" for rule, what in rules.items())


def _hashed(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
