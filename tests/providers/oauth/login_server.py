"""Every vendor's origins on this machine: fixed answers in order, and what was asked.

    with LoginServer() as server:
        server.says("POST https://auth.openai.com/oauth/token", {"access_token": "…"})

Answers of one address are given in turn, the last one for ever. What nobody scripted is
answered with 404. While the block lasts, the product's own transport leads here.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from providers.http import HttpSettings, configure, optional_fields, pool, settings
from tests.emulator import ORIGINS

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Asked:
    """One request as it came. `line`: method and the vendor's address without query."""

    line: str
    query: dict[str, str]
    headers: dict[str, str]
    raw: bytes

    @property
    def form(self) -> dict[str, str]:
        assert self.headers["content-type"] == FORM
        return dict(parse_qsl(self.raw.decode(), keep_blank_values=True))

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.raw)


@dataclass(frozen=True)
class Said:
    """One answer. `body`: bytes as they are, anything else as JSON."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # many may come at once


class LoginServer:
    """Answers on a free port, in threads of its own."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.hook: Callable[[Asked], None] = lambda _: None
        self._answers: dict[str, list[Said]] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def says(
        self, line: str, body: Any = None, status: int = 200, **headers: str
    ) -> None:
        """The next answer there. Header names with `_` for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers.setdefault(line, []).append(Said(body, status, named))

    def forget(self, line: str) -> None:
        """No more answers there, until the next `says`."""
        self._answers.pop(line, None)

    def to(self, line: str) -> list[Asked]:
        """The requests of one address."""
        return [asked for asked in self.asked if asked.line == line]

    def __enter__(self) -> Self:
        base = f"http://127.0.0.1:{self._server.server_port}"
        self._before = settings()
        optional_fields.forget()
        configure(
            HttpSettings(
                connect_timeout_s=2.0,
                read_timeout_s=5.0,
                reroute={o: f"{base}/{name}" for name, o in ORIGINS.items()},
            )
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pool.close_idle()
        configure(self._before)
        optional_fields.forget()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _next(self, asked: Asked) -> Said:
        with self._lock:
            self.asked.append(asked)
            answers = self._answers.get(asked.line, [])
            if not answers:
                return Said({"error": {"message": f"no {asked.line}"}}, 404)
            return answers.pop(0) if len(answers) > 1 else answers[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length") or 0))
                path = urlsplit(self.path)
                name, _, rest = path.path.lstrip("/").partition("/")
                asked = Asked(
                    f"{self.command} {ORIGINS.get(name, name)}/{rest}",
                    dict(parse_qsl(path.query)),
                    {k.lower(): v for k, v in self.headers.items()},
                    raw,
                )
                said = outer._next(asked)
                outer.hook(asked)
                content = said.body
                if not isinstance(content, bytes):
                    content = b"" if content is None else json.dumps(content).encode()
                headers = {"content-type": "application/json", **said.headers}
                self.send_response(said.status)
                for key, value in headers.items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _answer

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: tests print what they assert."""

        return Handler


def query_of(url: str) -> dict[str, str]:
    """The parameters of an address; every one is there once."""
    pairs = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs)
    return dict(pairs)


def unsigned(claims: Any) -> str:
    """A JWT with these claims that nobody signed."""
    parts = (json.dumps(part).encode() for part in ({"alg": "none"}, claims))
    head, body = (base64.urlsafe_b64encode(p).rstrip(b"=").decode() for p in parts)
    return f"{head}.{body}.x"
