"""Forwarded headers count only from proxies the operator named.

Without this, anybody could write `X-Forwarded-For` and be locked out, or logged, as
somebody else. Plain ASGI, in front of everything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

Scope = dict[str, Any]
App = Callable[
    [Scope, Callable[..., Awaitable[Any]], Callable[..., Awaitable[Any]]],
    Awaitable[None],
]


class TrustedProxies:
    """Strips `X-Forwarded-*` and `Forwarded` from everyone but `trusted` peers.

    From a trusted peer the client's address becomes the last one in `X-Forwarded-For`
    that is not itself a trusted proxy.
    """

    def __init__(self, app: App, trusted: Sequence[str]) -> None:
        self.app = app
        self.trusted = frozenset(trusted)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = self._clean(scope)
        await self.app(scope, receive, send)

    def _clean(self, scope: Scope) -> Scope:
        peer = (scope.get("client") or ("", 0))[0]
        headers = scope["headers"]
        if peer not in self.trusted:
            kept = [
                (name, value)
                for name, value in headers
                if not name.startswith(b"x-forwarded-") and name != b"forwarded"
            ]
            return scope if len(kept) == len(headers) else {**scope, "headers": kept}
        chain = [
            address.strip()
            for name, value in headers
            if name == b"x-forwarded-for"
            for address in value.decode("latin-1").split(",")
        ]
        for address in reversed(chain):
            if address and address not in self.trusted:
                return {**scope, "client": (address, 0)}
        return scope
