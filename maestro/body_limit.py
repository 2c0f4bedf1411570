"""No request body is larger than the operator allows, whoever sends it.

Plain ASGI in front of Django, before any authentication: a body that announces too much
is refused unread; one that does not announce it is cut off while it is counted. Django
itself would first spool the whole body to disk. Under Daphne, `maestro/daphne_limits.py`
comes before this.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

# Where files are taken (context_app/urls.py).
_FILES = re.compile(r"/api/conversations/[0-9a-f-]{36}/context/file/$")
_AROUND_FILE = 10_000  # bytes of a form beside its file


class Limits(NamedTuple):
    """Bytes of a body: of any, and of one that brings a file."""

    body: int
    file: int

    def of(self, path: str) -> int:
        """What is taken at this address, whatever stands behind a question mark."""
        if _FILES.search(path.partition("?")[0]):
            return max(self.body, self.file + _AROUND_FILE)
        return self.body


class BodyLimit:
    """Answers 413 for more than the limits allow."""

    def __init__(self, app: Any, limits: Limits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        limit = self.limits.of(scope.get("path", ""))
        announced = _content_length(scope)
        if announced is not None and announced > limit:
            await _refuse(send, limit)
            return
        if announced is not None:
            await self.app(scope, receive, send)
            return
        await self._counted(limit, scope, receive, send)

    async def _counted(self, limit: int, scope: Any, receive: Any, send: Any) -> None:
        """No length was announced: read it here first, up to the limit."""
        messages: list[Any] = []
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > limit:
                await _refuse(send, limit)
                return
            if message["type"] != "http.request" or not message.get("more_body"):
                break

        async def again() -> Any:
            return messages.pop(0) if messages else await receive()

        await self.app(scope, again, send)


async def _refuse(send: Any, limit: int) -> None:
    headers, body = refusal(limit)
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def refusal(limit: int) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Headers and body of the answer to what is larger than `limit` bytes."""
    message = f"That is too large: at most {limit:,} bytes are taken at once."
    body = json.dumps({"error": {"code": "too_large", "message": message}}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    return headers, body


def _content_length(scope: Any) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None
