"""A model hub on this machine: what the real one answers of a few models, and when it refuses."""

import json
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def fill_cache(cache, name, folder, *, commit=COMMIT, branch="main", without=()):
    """Lay a model's files into the hub's cache, as downloads leave them there."""
    root = Path(cache) / f"models--{name.replace('/', '--')}"
    for path in Path(folder).iterdir():
        if path.name in without:
            continue
        blob = root / "blobs" / path.name
        link = root / "snapshots" / commit / path.name
        for target in (blob, link):
            target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, blob)
        link.symlink_to(blob)
    if branch:
        (root / "refs").mkdir(exist_ok=True)
        (root / "refs" / branch).write_text(commit)
    return root / "snapshots" / commit


@dataclass
class Hub:
    """What a hub has, what it was asked, and where it is."""

    models: dict[str, Path] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    branches: tuple[str, ...] = ("main", COMMIT)
    is_broken: bool = False
    asked: list[str] = field(default_factory=list)
    endpoint: str = ""


@contextmanager
def serve(hub):
    """Answer on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            hub.asked.append(self.path)
            status, headers, body = answer(hub, unquote(urlsplit(self.path).path))
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(hub, path):
    """The hub's answer: status, headers, body."""
    if hub.is_broken:
        return 503, {}, b"{}"
    is_question = path.startswith("/api/models/")
    owner, name, *rest = path.removeprefix("/api/models" if is_question else "").split("/")[1:]
    model = f"{owner}/{name}"
    if model in hub.gated:
        return 401, {"X-Error-Code": "GatedRepo"}, b"{}"
    if model not in hub.models:
        return 401, {"X-Error-Code": "RepoNotFound"}, b"{}"
    verb, revision, *file = rest
    if revision not in hub.branches:
        return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
    files = {path.name: path for path in hub.models[model].iterdir()}
    if verb == "revision":
        siblings = [{"rfilename": name} for name in files]
        return 200, {}, json.dumps({"id": model, "sha": COMMIT, "siblings": siblings}).encode()
    if verb == "tree":
        listed = [
            {"type": "file", "path": name, "size": path.stat().st_size, "oid": name}
            for name, path in files.items()
        ]
        return 200, {}, json.dumps(listed).encode()
    found = files.get("/".join(file))
    if verb != "resolve" or found is None:
        return 404, {"X-Error-Code": "EntryNotFound"}, b"{}"
    return 200, {"X-Repo-Commit": COMMIT, "ETag": f'"{found.name}"'}, found.read_bytes()
