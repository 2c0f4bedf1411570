"""Sessions of `requests`, one per provider and origin, shared by the whole process.

A TLS handshake costs more than the first token of a small model, so connections are
kept. Sharing is safe because a session here holds nothing of any one caller: no headers,
no cookies, no environment; headers travel with each prepared request. A forked child
starts empty, or it would write into its parent's connections.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections import OrderedDict
from collections.abc import Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import certifi
import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection
from urllib3.util.ssl_ import create_urllib3_context

from providers.errors import ConfigurationError
from providers.http.connection import POOLS
from providers.http.settings import generation, settings

_MAX_SESSIONS = 64
_MAX_IDLE_CONNECTIONS = 64  # per session


def session_for(provider: str, origin: str) -> requests.Session:
    """The shared session for requests of `provider` to `origin`."""
    key = (provider, origin, generation())
    with _lock:
        session = _sessions.get(key)
        if session is None:
            session = _sessions[key] = new_session()
            while len(_sessions) > _MAX_SESSIONS:
                _sessions.popitem(last=False)[1].close()
        else:
            _sessions.move_to_end(key)
        return session


def close_idle() -> None:
    """Close every connection that no answer is being read from."""
    with _lock:
        while _sessions:
            _sessions.popitem()[1].close()


class _Session(requests.Session):
    """No redirects: not followed, and not even prepared (that would read the body)."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _Adapter(HTTPAdapter):
    """`requests`' adapter on our connection classes and one TLS context."""

    def __init__(self, context: ssl.SSLContext, pools: Mapping[str, Any]) -> None:
        self._context = context
        self._pools = pools
        super().__init__(pool_connections=4, pool_maxsize=_MAX_IDLE_CONNECTIONS)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(
            *args,
            **kwargs,
            ssl_context=self._context,
            socket_options=_SOCKET_OPTIONS,
        )
        self.poolmanager.pool_classes_by_scheme = self._pools

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(
            proxy, **kwargs, ssl_context=self._context, socket_options=_SOCKET_OPTIONS
        )
        manager.pool_classes_by_scheme = self._pools
        return manager

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Certificates are always checked, by the context's authorities: naming a file
        here would make urllib3 read it again for every connection."""
        conn.cert_reqs = "CERT_REQUIRED"


def new_session(pools: Mapping[str, Any] = POOLS) -> requests.Session:
    """A session that nobody shares; `pools` make its connections, by scheme."""
    session = _Session()
    session.trust_env = False
    session.headers.clear()
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    adapter = _Adapter(_context(settings().ca_bundle), pools)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _context(ca_bundle: str) -> ssl.SSLContext:
    if ca_bundle not in _contexts:
        context = create_urllib3_context()
        try:
            context.load_verify_locations(ca_bundle or certifi.where())
        except (OSError, ssl.SSLError):
            raise ConfigurationError(
                f"The file with certificate authorities {ca_bundle!r} cannot be read."
            ) from None
        _contexts[ca_bundle] = context
    return _contexts[ca_bundle]


def _keep_alive_options() -> list[tuple[int, int, int]]:
    """A peer that vanished without a word is noticed in a minute, not in hours."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (
        ("TCP_KEEPIDLE", 30),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
    ):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options


_SOCKET_OPTIONS = [*HTTPConnection.default_socket_options, *_keep_alive_options()]
_lock = threading.Lock()
_sessions: OrderedDict[tuple[str, str, int], requests.Session] = OrderedDict()
_contexts: dict[str, ssl.SSLContext] = {}


def _forget() -> None:
    global _lock, _sessions
    _lock = threading.Lock()
    _sessions = OrderedDict()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
