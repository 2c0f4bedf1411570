"""A server of one's own for a test: fixed answers by path, and what was asked.

    with TinyServer({"GET /v1/models": (200, {"data": []})}) as server: ...

An answer is (status, body); bytes go out as an event stream, anything else as JSON.
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Answers = dict[str, tuple[int, Any]]


@dataclass(frozen=True)
class Asked:
    """One request: `POST /v1/chat/completions`, its headers in lower case, its JSON."""

    line: str
    headers: dict[str, str]
    body: Any


class TinyServer:
    """Answers on a free port of this machine, in a thread of its own."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.asked: list[Asked] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        """Its origin."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                sent = self.rfile.read(int(self.headers.get("content-length") or 0))
                line = f"{self.command} {self.path}"
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = json.loads(sent) if sent else None
                outer.asked.append(Asked(line, headers, body))
                missing = (404, {"error": {"message": f"no {line}"}})
                status, answer = outer.answers.get(line, missing)
                is_stream = isinstance(answer, bytes)
                content = answer if is_stream else json.dumps(answer).encode()
                self.send_response(status)
                kind = "text/event-stream" if is_stream else "application/json"
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _answer

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: tests print what they assert."""

        return Handler
