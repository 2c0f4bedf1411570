"""A vendor that is an attacker: it says whatever a test gives it, in every place it can.

Speaks just enough of the Chat Completions wire for a `custom` credential. It also counts
every request that is not of that wire: those are leaks (S-32).
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Hostile:
    """What it says next. `refusal`: the message of a 400 instead of an answer."""

    url: str = ""
    text: str = ""
    reasoning: str = ""
    tool: tuple[str, dict[str, Any]] | None = None
    citation: tuple[str, str] | None = None  # url, title
    refusal: str = ""
    failing: str = ""  # an error in the middle of the stream
    models: list[str] = field(default_factory=lambda: ["plain"])
    piece_chars: int = 3
    leaked: list[str] = field(default_factory=list)

    def say(self, **words: Any) -> None:
        """Only this, from now on."""
        fresh: dict[str, Any] = dict.fromkeys(
            ("text", "reasoning", "refusal", "failing"), ""
        ) | {"tool": None, "citation": None}
        for name, value in (fresh | words).items():
            setattr(self, name, value)

    def chunks(self) -> Iterator[dict[str, Any]]:
        """The events of the answer."""
        for name, words in (
            ("reasoning_content", self.reasoning),
            ("content", self.text),
        ):
            for at in range(0, len(words), self.piece_chars):
                yield _delta({name: words[at : at + self.piece_chars]})
        if self.citation:
            url, title = self.citation
            cited = {"url": url, "title": title, "start_index": 0, "end_index": 1}
            note = {"type": "url_citation", "url_citation": cited}
            yield _delta({"annotations": [note]})
        if self.tool:
            name, arguments = self.tool
            function = {"name": name, "arguments": json.dumps(arguments)}
            call = {"index": 0, "id": "c1", "type": "function", "function": function}
            yield _delta({"tool_calls": [call]})
        if self.failing:
            yield {
                "error": {"message": self.failing, "type": self.failing, "code": 500}
            }
            return
        yield _delta({}, "tool_calls" if self.tool else "stop")


def _delta(delta: dict[str, Any], stop: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": stop}
    return {"id": "x", "object": "chat.completion.chunk", "choices": [choice]}


class _Handler(BaseHTTPRequestHandler):
    hostile: Hostile

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            rows = [{"id": name, "object": "model"} for name in self.hostile.models]
            self._json(200, {"object": "list", "data": rows})
        else:
            self.hostile.leaked.append(self.path)
            self._json(200, {})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path != "/v1/chat/completions":
            self.hostile.leaked.append(self.path)
            self._json(200, {})
        elif self.hostile.refusal:
            error = {"message": self.hostile.refusal, "type": self.hostile.refusal}
            self._json(400, {"error": error})
        else:
            events = [json.dumps(chunk) for chunk in self.hostile.chunks()]
            body = "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"])
            self._send(200, "text/event-stream", body.encode())

    def _json(self, status: int, data: Any) -> None:
        self._send(status, "application/json", json.dumps(data).encode())

    def _send(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.send_header("access-control-allow-origin", "*")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Says nothing."""


@contextmanager
def serving() -> Iterator[Hostile]:
    """It runs on a free port of this machine until the block ends."""
    hostile = Hostile()
    handler = type("Handler", (_Handler,), {"hostile": hostile})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hostile.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield hostile
    server.shutdown()
    server.server_close()
    thread.join(5)
