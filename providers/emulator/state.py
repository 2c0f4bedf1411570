"""What the emulator remembers: requests, open streams, queued scripts and faults.

Opaque state (signatures, encrypted reasoning) is signed, so that a value that was altered,
or made by somebody else, is refused as vendors do. The key is no secret and the same for
every start: a conversation with the demo goes on after a restart.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from providers.emulator.answers import Answer, Question, answer_to
from providers.emulator.http11 import Request
from providers.emulator.oauth_state import AuthServers

SECRET_HEADERS = {"authorization", "x-api-key", "x-goog-api-key", "cookie"}
_KEPT = 2000
_KEPT_BYTES = 64 * 1024 * 1024
_KEY = b"the emulator seals nothing of value"


@dataclass(slots=True)
class OpenStream:
    """A streaming answer: when it began, when and how it ended."""

    number: int
    path: str
    model: str
    began_at: float
    ended_at: float | None = None
    how: str = "open"  # finished, client_closed, fault
    said: int = 0  # deltas handed to the network so far


@dataclass(slots=True)
class Fault:
    """How the next fitting request goes wrong; see faults.py for the kinds.

    `path`, `model`, `key`: only requests whose path, model or credential contain this.
    `code`, `message`: the vendor's word for the cause and its text, for kind `status`.
    """

    kind: str
    status: int = 500
    code: str = ""
    message: str = ""
    retry_after_s: float | None = None
    delay_s: float = 30.0
    at_byte: int | None = None
    location: str = ""
    path: str = ""
    model: str = ""
    key: str = ""
    times: int = 1

    def befalls(self, request: Request, model: str) -> bool:
        """Whether it is meant for this request."""
        keys = [request.headers.get(name, "") for name in SECRET_HEADERS]
        return (
            self.path in request.path
            and self.model in model
            and any(self.key in key for key in keys)
        )


@dataclass(slots=True)
class State:
    """Everything that tests look at or set."""

    pace: float = 40.0
    replay_dir: Path | None = None
    replay_piece: int = 0
    has_control: bool = True
    scripts: list[Answer] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    replays: list[str] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    streams: list[OpenStream] = field(default_factory=list)
    sealed: list[str] = field(default_factory=list)
    oauth: AuthServers = field(default_factory=AuthServers)
    _size: int = 0
    _prompts: dict[bytes, None] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def reset(self) -> None:
        """Forget scripts, faults, replays, logins and what was seen."""
        self._size = 0
        self.oauth.reset()
        for kept in (
            self.scripts,
            self.faults,
            self.replays,
            self.requests,
            self.streams,
            self.sealed,
            self._prompts,
        ):
            kept.clear()

    def answer(self, question: Question) -> Answer:
        """The first queued script that fits, else what the keywords say."""
        for i, script in enumerate(self.scripts):
            if script.match in question.text:
                return self.scripts.pop(i)
        return answer_to(question)

    def fault_for(self, request: Request, model: str = "") -> Fault | None:
        """The fault that befalls this request, counted down."""
        for fault in self.faults:
            if fault.befalls(request, model):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    def prompt_chars(self, model: str, prompt: Iterable[Any]) -> tuple[int, int]:
        """Characters of a prompt, and of these what an earlier one began with too."""
        digest = hashlib.sha256(model.encode())
        total = known = 0
        is_known = True
        for item in prompt:
            text = json.dumps(item)
            total += len(text)
            digest.update(text.encode() + b"\n")
            key = digest.digest()
            is_known = is_known and key in self._prompts
            if is_known:
                known = total
            self._prompts[key] = None
        for _ in range(len(self._prompts) - _KEPT):
            del self._prompts[next(iter(self._prompts))]
        return total, known

    def remember(self, request: Request) -> None:
        """Keep what came, with secrets as a hash; the newest, within limits."""
        if not self.has_control:
            return
        headers = {
            name: _hashed(value) if name in SECRET_HEADERS else value
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
        self._size += len(request.body)
        while len(self.requests) > _KEPT or (
            self._size > _KEPT_BYTES and len(self.requests) > 1
        ):
            self._size -= len(self.requests.pop(0)["body"].encode())

    def open_stream(self, stream: OpenStream) -> None:
        """Register a stream that begins."""
        stream.number = next(self._numbers)
        stream.began_at = time.time()
        self.streams.append(stream)
        del self.streams[:-_KEPT]

    def seal(self, kind: str, bound_to: str = "") -> str:
        """A fresh opaque value, in base64 as the vendors' are.

        `bound_to`: what it was given out with, and must come back with.
        """
        nonce = f"{kind}.{secrets.token_hex(16)}"
        signed = f"{nonce}.{_mac(nonce, bound_to)}"
        value = base64.b64encode(signed.encode()).decode()
        self.sealed.append(value)
        del self.sealed[:-_KEPT]
        return value

    def is_ours(self, kind: str, value: Any, bound_to: str = "") -> bool:
        """Whether this very value was sealed here for this kind and place."""
        try:
            text = base64.b64decode(value, validate=True).decode()
            nonce, mac = text.rsplit(".", 1)
        except (ValueError, TypeError):
            return False
        is_signed = hmac.compare_digest(mac.encode(), _mac(nonce, bound_to).encode())
        return is_signed and nonce.startswith(f"{kind}.")


def new_id(prefix: str) -> str:
    """An id in the vendors' form; no two are the same, also after a restart."""
    return prefix + secrets.token_hex(12)


def _mac(nonce: str, bound_to: str) -> str:
    return hmac.new(_KEY, f"{nonce}\n{bound_to}".encode(), hashlib.sha256).hexdigest()


def _hashed(value: str) -> str:
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()[:16]


def tokens(text: Any) -> int:
    """A plausible count: four characters a token, at least one."""
    return max(1, len(text if isinstance(text, str) else json.dumps(text)) // 4)
