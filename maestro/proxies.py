"""Forwarded headers count only from proxies the operator named.

Without this, anybody could write `X-Forwarded-For` and be locked out, or logged, as
somebody else. Plain ASGI, in front of everything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, TypeAlias

from maestro.env import SettingError

Scope = dict[str, Any]
App = Callable[
    [Scope, Callable[..., Awaitable[Any]], Callable[..., Awaitable[Any]]],
    Awaitable[None],
]
Network: TypeAlias = IPv4Network | IPv6Network


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """MAESTRO_TRUSTED_PROXIES: addresses and networks. Raises SettingError."""
    try:
        return tuple(ip_network(text.strip()) for text in texts)
    except ValueError as exc:
        raise SettingError(
            f"MAESTRO_TRUSTED_PROXIES names addresses or networks: {exc}."
        ) from None


class TrustedProxies:
    """Strips `X-Forwarded-*` and `Forwarded` from everyone but `trusted` peers.

    From a trusted peer the client's address becomes the last one in `X-Forwarded-For`
    that is not itself a trusted proxy.
    """

    def __init__(self, app: App, trusted: Sequence[str]) -> None:
        self.app = app
        self._networks = networks(trusted)
        self._is_trusted = lru_cache(1024)(self._look_up)

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        if scope["type"] in ("http", "websocket"):
            scope = self._clean(scope)
        await self.app(scope, receive, send)

    def _look_up(self, address: str) -> bool:
        try:
            found = ip_address(address)
            # What comes by IPv4 to a socket that speaks both.
            found = getattr(found, "ipv4_mapped", None) or found
        except ValueError:
            return False
        return any(found in network for network in self._networks)

    def _clean(self, scope: Scope) -> Scope:
        peer = (scope.get("client") or ("", 0))[0]
        headers = scope["headers"]
        if not self._is_trusted(peer):
            kept = [
                (name, value)
                for name, value in headers
                if not name.startswith(b"x-forwarded-") and name != b"forwarded"
            ]
            return scope if len(kept) == len(headers) else {**scope, "headers": kept}
        chain = [
            text.strip()
            for name, value in headers
            if name == b"x-forwarded-for"
            for text in value.decode("latin-1").split(",")
        ]
        for text in reversed(chain):
            address = _address(text)
            if text and not self._is_trusted(address):
                # What is no address hides whoever it was; what stands before it, anybody
                # may have written.
                return {**scope, "client": (address, 0)} if address else scope
        return scope


def _address(text: str) -> str:
    """The address of an element; "" for what is none. Some proxies write a port behind."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ip_address(text.partition("%")[0]))
    except ValueError:
        return ""
