"""A token endpoint that counts: rotation, reuse, grace, silence. And a list of models.

A family is one login. A refresh rotates its token as soon as the request has come, before
the answer is on its way: that is the worst a vendor can do to whoever dies in between. A
token that comes a second time after its grace is *reuse*, and ends the family (RFC 9700
section 4.14.2).
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

PATHS = {
    "https://auth.openai.com": "/openai-auth",
    "https://chatgpt.com": "/chatgpt",
    "https://platform.claude.com": "/anthropic-auth",
    "https://oauth2.googleapis.com": "/google-oauth",
    "https://api.anthropic.com": "/anthropic",
    "https://generativelanguage.googleapis.com": "/gemini",
}


@dataclass(frozen=True)
class Ways:
    """How it answers. Times in seconds; `failing`: this status to so many requests."""

    delay_s: float = 0.0
    grace_s: float = 0.0
    life_s: float = 3600.0
    is_rotating: bool = True
    loses: int = 0  # answers that never arrive, though the token was rotated
    failing: tuple[int, int] = (0, 0)  # (status, how many)
    refuses_access: bool = False  # every use is a 401
    error_code: str = "invalid_grant"


@dataclass
class Family:
    """One login. `used`: old refresh token → (when, the answer it got)."""

    refresh: str = ""
    access: str = ""
    is_revoked: bool = False
    requests: list[str] = field(default_factory=list)  # refresh tokens that came
    used: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)
    reuse: int = 0
    seen: list[str] = field(default_factory=list)  # access tokens that came
    issued: list[str] = field(default_factory=list)


class TokenServer:
    """All families, by the marker that is part of each of their tokens."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.ways = Ways()
        self.families: dict[str, Family] = {}
        self.unknown = 0
        self.arrived = threading.Event()  # a token request is here
        self._lock = threading.Lock()

    @property
    def reroute(self) -> str:
        """For MAESTRO_REROUTE."""
        return ",".join(f"{origin}={self.base}{path}" for origin, path in PATHS.items())

    def set(self, **ways: Any) -> None:
        """How it answers from now on; what is not named is as usual."""
        self.ways = Ways(**ways)
        self.arrived.clear()

    def login(self) -> tuple[str, Family]:
        """A new family; its marker."""
        marker = secrets.token_hex(6)
        family = Family()
        self.families[marker] = family
        self._rotate(marker, family, is_rotating=True)
        return marker, family

    def refresh(self, token: str) -> tuple[int, dict[str, Any]]:
        """Status and document for a refresh; (0, {}) when the answer gets lost."""
        with self._lock:
            status, document, ways = self._refresh(token)
        self.arrived.set()
        time.sleep(ways.delay_s)
        return status, document

    def _refresh(self, token: str) -> tuple[int, dict[str, Any], Ways]:
        ways = self.ways
        family = self.families.get(_marker(token))
        if family is None:
            self.unknown += 1
            return 400, {"error": "invalid_grant"}, ways
        family.requests.append(token)
        status, times = ways.failing
        if times:
            self.ways = replace(ways, failing=(status, times - 1))
            return status, {"error": "server_error"}, ways
        if family.is_revoked:
            return 400, {"error": ways.error_code}, ways
        now = time.monotonic()
        if token in family.used:
            at, answer = family.used[token]
            if now - at <= ways.grace_s:
                return 200, answer, ways
            family.reuse += 1
            family.is_revoked = True
            return 400, {"error": ways.error_code}, ways
        if token != family.refresh:
            return 400, {"error": ways.error_code}, ways
        answer = self._rotate(_marker(token), family, is_rotating=ways.is_rotating)
        if ways.is_rotating:
            family.used[token] = (now, answer)
        if ways.loses:
            self.ways = replace(ways, loses=ways.loses - 1)
            return 0, {}, ways
        return 200, answer, ways

    def _rotate(
        self, marker: str, family: Family, *, is_rotating: bool
    ) -> dict[str, Any]:
        family.access = f"at-test-{marker}-{secrets.token_hex(12)}"
        family.issued.append(family.access)
        answer = {
            "access_token": family.access,
            "token_type": "Bearer",
            "expires_in": self.ways.life_s,
        }
        if is_rotating:
            family.refresh = f"rt-test-{marker}-{secrets.token_hex(12)}"
            answer["refresh_token"] = family.refresh
        return answer

    def use(self, access: str) -> int:
        """The status for a use of this access token."""
        with self._lock:
            family = self.families.get(_marker(access))
            if family is None:
                return 401
            family.seen.append(access)
            is_good = access == family.access and not family.is_revoked
        return 200 if is_good and not self.ways.refuses_access else 401


def _marker(token: str) -> str:
    parts = token.split("-")
    return parts[2] if len(parts) == 4 else ""


class _Handler(BaseHTTPRequestHandler):
    state: TokenServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        access = (self.headers["Authorization"] or "").removeprefix("Bearer ")
        status = self.state.use(access)
        models = [{"slug": "model-1", "display_name": "Model 1"}]
        found = {
            "models": [*models, {"name": "models/model-1"}],
            "data": [{"id": "model-1", "type": "model"}],
        }
        refused = {"error": {"code": "token_expired", "message": "Sign in again."}}
        self._answer(status, found if status == 200 else refused)

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        is_json = raw.startswith("{")
        fields = json.loads(raw) if is_json else dict(parse_qsl(raw))
        status, document = self.state.refresh(fields.get("refresh_token", ""))
        if status:
            self._answer(status, document)
        else:
            self.close_connection = True

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response_only(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        # A vendor whose clock is a day off.
        self.send_header("Date", "Thu, 01 Jan 2015 00:00:00 GMT")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever asked is dead: that is what this is about."""


@contextmanager
def token_server() -> Iterator[TokenServer]:
    """Run one on a free port."""
    server = _Server(("127.0.0.1", 0), _Handler)
    state = TokenServer(server.server_port)
    server.RequestHandlerClass = type("Handler", (_Handler,), {"state": state})
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
