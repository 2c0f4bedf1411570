"""What the emulator remembers: requests, open streams, queued scripts and faults.

Opaque state (signatures, encrypted reasoning) is signed with a key of this process, so
that a value that was altered, or made by somebody else, is refused as vendors do.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import secrets
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from providers.emulator.answers import Answer, Question, answer_to
from providers.emulator.http11 import Request

_SECRET_HEADERS = {"authorization", "x-api-key", "x-goog-api-key", "cookie"}
_KEPT = 2000


@dataclass(slots=True)
class OpenStream:
    """A streaming answer: when it began, when and how it ended."""

    number: int
    path: str
    model: str
    began_at: float
    ended_at: float | None = None
    how: str = "open"  # finished, client_closed, fault


@dataclass(slots=True)
class Fault:
    """How the next fitting request goes wrong; see faults.py for the kinds."""

    kind: str
    status: int = 500
    retry_after_s: float | None = None
    delay_s: float = 30.0
    at_byte: int | None = None
    location: str = ""
    path: str = ""  # only requests whose path contains this
    times: int = 1


@dataclass(slots=True)
class State:
    """Everything that tests look at or set."""

    pace: float = 40.0
    replay_dir: Path | None = None
    replay_piece: int = 0
    scripts: list[Answer] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    replays: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    streams: list[OpenStream] = field(default_factory=list)
    sealed: list[str] = field(default_factory=list)
    _key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def reset(self) -> None:
        """Forget scripts, faults, replays and what was seen."""
        for kept in (
            self.scripts,
            self.faults,
            self.replays,
            self.requests,
            self.streams,
            self.sealed,
        ):
            kept.clear()

    def number(self) -> int:
        """A number never used before, for ids."""
        return int(next(self._numbers))

    def answer(self, question: Question) -> Answer:
        """The first queued script that fits, else what the keywords say."""
        for i, script in enumerate(self.scripts):
            if script.match in question.text:
                return self.scripts.pop(i)
        return answer_to(question)

    def fault_for(self, path: str) -> Fault | None:
        """The fault that befalls this request, counted down."""
        for fault in self.faults:
            if fault.path in path:
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    def remember(self, request: Request) -> None:
        """Keep what came, with secrets as a hash; the newest two thousand."""
        headers = {
            name: _hashed(value) if name in _SECRET_HEADERS else value
            for name, value in request.headers.items()
        }
        self.requests.append(
            {
                "method": request.method,
                "target": request.target,
                "path": request.path,
                "headers": headers,
                "body": request.body.decode("utf-8", "replace"),
                "at": time.time(),
            }
        )
        del self.requests[:-_KEPT]

    def open_stream(self, path: str, model: str) -> OpenStream:
        """Register a stream that begins."""
        stream = OpenStream(self.number(), path, model, time.time())
        self.streams.append(stream)
        del self.streams[:-_KEPT]
        return stream

    def seal(self, kind: str) -> str:
        """A fresh opaque value, in base64 as the vendors' are."""
        nonce = f"{kind}.{self.number()}"
        value = base64.b64encode(f"{nonce}.{self._mac(nonce)}".encode()).decode()
        self.sealed.append(value)
        del self.sealed[:-_KEPT]
        return value

    def is_ours(self, kind: str, value: Any) -> bool:
        """Whether this very value was sealed here for this kind."""
        try:
            text = base64.b64decode(value, validate=True).decode()
            nonce, mac = text.rsplit(".", 1)
        except (ValueError, TypeError):
            return False
        return nonce.startswith(f"{kind}.") and hmac.compare_digest(
            mac, self._mac(nonce)
        )

    def _mac(self, nonce: str) -> str:
        return hmac.new(self._key, nonce.encode(), hashlib.sha256).hexdigest()


def _hashed(value: str) -> str:
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()[:16]


def tokens(text: Any) -> int:
    """A plausible count: four characters a token, at least one."""
    return max(1, len(text if isinstance(text, str) else json.dumps(text)) // 4)
