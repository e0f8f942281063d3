"""A real server on loopback whose every file can fail in its own way."""

import base64
import contextlib
import os
import re
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = 16384


@dataclass
class Reply:
    """An answer that comes once, before the file itself does."""

    status: int
    headers: dict = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Served:
    """A file and the faults with which it is served; `replies` and `cuts` are used up in turn."""

    content: bytes
    etag: str = '"v1"'
    last_modified: str = ""
    content_type: str = "application/octet-stream"
    encoding: str = ""
    replies: list = field(default_factory=list)
    cuts: list = field(default_factory=list)
    """After how many bytes of the body the line is cut; negative: by a reset."""
    ignores_range: bool = False
    ignores_if_range: bool = False
    says_range: str = ""
    """The Content-Range of every 206."""
    says_length: int | None = None
    """The Content-Length of every 200; -1: none, and the connection's end is the file's."""
    is_chunked: bool = False
    user: str = ""
    password: str = ""
    bytes_per_second: float = 0.0


@dataclass
class Asked:
    """A request that came."""

    path: str
    headers: dict
    num_sent: int = 0


class Server:
    """Serves files by path; remembers what was asked for and how many bytes went out."""

    def __init__(self, tls=None):
        self.files, self.asked = {}, []
        self._scheme = "https" if tls else "http"
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def root(self):
        return f"{self._scheme}://127.0.0.1:{self._http.server_port}"

    @property
    def num_sent(self):
        return sum(asked.num_sent for asked in self.asked)

    def serve(self, path, content=b"", **faults):
        """Serve a file; its address and its faults, which may be changed at any time."""
        self.files[f"/{path}"] = served = Served(content, **faults)
        return f"{self.root}/{path}", served

    def close(self):
        self._http.shutdown()
        self._http.server_close()


def _handler(server):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.asked = Asked(self.path, dict(self.headers))
            server.asked.append(self.asked)
            served = server.files.get(self.path.partition("?")[0])
            if served is None:
                return self.reply(Reply(404, body=b"<html><title>Not here</title></html>"))
            if served.replies:
                return self.reply(served.replies.pop(0))
            pair = base64.b64encode(f"{served.user}:{served.password}".encode()).decode()
            if served.user and self.headers.get("Authorization") != f"Basic {pair}":
                return self.reply(Reply(401, {"WWW-Authenticate": 'Basic realm="Corpus"'}))
            with contextlib.suppress(ConnectionError):
                self.send_file(served)

        def reply(self, reply):
            self.send_response(reply.status)
            for name, value in ({"Content-Length": len(reply.body)} | reply.headers).items():
                self.send_header(name, str(value))
            self.end_headers()
            self.wfile.write(reply.body)

        def send_file(self, served):
            begin, total = self.first_byte(served), len(served.content)
            if begin >= total > 0 and begin:
                return self.reply(Reply(416, {"Content-Range": f"bytes */{total}"}))
            self.send_response(206 if begin else 200)
            for name, value in self.headers_for(served, begin).items():
                self.send_header(name, str(value))
            self.end_headers()
            self.send_body(served, served.content[begin:])
            self.close_connection = True

        def first_byte(self, served):
            match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            tag = self.headers.get("If-Range")
            is_same = tag in (None, served.etag, served.last_modified)
            is_part = match and not served.ignores_range
            return int(match[1]) if is_part and (is_same or served.ignores_if_range) else 0

        def headers_for(self, served, begin):
            total = len(served.content)
            length = total - begin
            if begin == 0 and served.says_length is not None:
                length = served.says_length
            headers = {
                "Content-Type": served.content_type,
                "ETag": served.etag,
                "Last-Modified": served.last_modified,
                "Content-Encoding": served.encoding,
                "Content-Length": "" if served.is_chunked or length < 0 else length,
                "Transfer-Encoding": "chunked" if served.is_chunked else "",
                "Connection": "close",
            }
            if begin:
                headers["Content-Range"] = served.says_range or f"bytes {begin}-{total - 1}/{total}"
            return {name: value for name, value in headers.items() if value != ""}

        def send_body(self, served, body):
            cut = served.cuts.pop(0) if served.cuts else None
            left = body if cut is None else body[: abs(cut)]
            for place in range(0, len(left), BLOCK):
                block = left[place : place + BLOCK]
                framed = b"%x\r\n%b\r\n" % (len(block), block)
                self.wfile.write(framed if served.is_chunked else block)
                self.asked.num_sent += len(block)
                if served.bytes_per_second:
                    time.sleep(len(block) / served.bytes_per_second)
            if cut is None and served.is_chunked:
                self.wfile.write(b"0\r\n\r\n")
            if cut is not None and cut < 0:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                os.close(self.connection.detach())

        def log_message(self, *args):
            pass

    return Handler
