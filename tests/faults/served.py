"""A server that gives one answer to everything: recorded refusals, and rude vendors."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """What it answers. `echo` makes the body from the key that came."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    echo: Callable[[str], bytes] | None = None
    seen_keys: list[str] = field(default_factory=list)

    def answer(
        self, status: int, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        """From now on this."""
        self.status, self.body, self.headers = status, body, headers or {}
        self.echo = None


_KEY_HEADERS = ("Authorization", "x-api-key", "x-goog-api-key")
_OURS = {"content-length", "transfer-encoding", "connection", "content-encoding"}


class _Handler(BaseHTTPRequestHandler):
    served: Served

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer()

    def _answer(self) -> None:
        served = self.served
        found = [self.headers[name] for name in _KEY_HEADERS if self.headers[name]]
        key = found[0].removeprefix("Bearer ") if found else ""
        served.seen_keys.append(key)
        body = served.echo(key) if served.echo else served.body
        self.send_response(served.status)
        headers = {"content-type": "application/json"} | {
            name.lower(): value for name, value in served.headers.items()
        }
        for name, value in headers.items():
            if name not in _OURS:
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@contextmanager
def serving() -> Iterator[Served]:
    """Run one on a free port."""
    served = Served()
    handler = type("Handler", (_Handler,), {"served": served})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
