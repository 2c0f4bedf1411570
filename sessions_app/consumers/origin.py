"""The first wall of a websocket: only our own pages may open one.

Browsers send cookies with a cross-site upgrade and ask no CORS question, so the Origin is
compared whole (scheme, host, port) with the installation's own. Missing, `null`, another
port or scheme: 403 before anything else happens. `docs/frames.md` describes the second
wall, the token.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

_DEFAULT_PORTS = {"http": 80, "https": 443}


class OwnOriginOnly:
    """ASGI middleware for websockets."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if is_own(scope["headers"]):
            await self.app(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close"})  # before accept: the server says 403


def is_own(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether exactly one Origin is given, and it is one of ours."""
    given = [value for name, value in headers if name.lower() == b"origin"]
    if len(given) != 1:
        return False
    own = {normalised(origin) for origin in settings.MAESTRO_ORIGINS}
    own.discard("")
    return normalised(given[0].decode("latin-1")) in own


def normalised(origin: str) -> str:
    """`scheme://host[:port]` as browsers write it; "" for what is not an origin."""
    try:
        url = urlsplit(origin.lower())
        port = url.port
    except ValueError:
        return ""
    is_bare = f"{url.scheme}://{url.netloc}" == origin.lower().rstrip("/")
    if url.scheme not in _DEFAULT_PORTS or not url.hostname or not is_bare:
        return ""
    if url.username is not None or url.password is not None:
        return ""
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    if port is None or port == _DEFAULT_PORTS[url.scheme]:
        return f"{url.scheme}://{host}"
    return f"{url.scheme}://{host}:{port}"
