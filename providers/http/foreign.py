"""A `requests` session for a library that makes its own calls, over our transport.

Called by single sign-on, whose library asks for a session. It believes it uses `requests`;
each call goes through `exchange.send`: no environment, no redirect, our certificates,
proxy and limits. Our errors become its own kind, without what was sent.
"""

from __future__ import annotations

import time
from typing import Any

import requests
from requests.adapters import BaseAdapter

from providers.errors import ConfigurationError, ProviderError
from providers.http import exchange
from providers.http.exchange import Outgoing
from providers.http.settings import settings
from providers.http.urls import is_loopback

MAX_ANSWER = 1024 * 1024


def session(name: str) -> requests.Session:
    """A session whose calls are logged under this name. Close it when done."""
    found = requests.Session()
    found.trust_env = False
    for scheme in ("https://", "http://"):
        found.mount(scheme, _Carrier(name))
    return found


class _Carrier(BaseAdapter):
    """In the place of the library's adapter."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """See `requests.adapters.BaseAdapter`; everything but the request is ours."""
        limits = settings()
        failure = ""
        try:
            return self._sent(request, limits.read_timeout_s, limits.total_timeout_s)
        except ProviderError as exc:
            failure = exc.message
        raise requests.ConnectionError(failure)

    def _sent(
        self, request: requests.PreparedRequest, read_s: float, total_s: float
    ) -> requests.Response:
        url = str(request.url)
        if not url.startswith("https://") and not is_loopback(url):
            raise ConfigurationError("Identity is asked for over https only.")
        body = request.body
        going = Outgoing(
            provider=self._name,
            method=str(request.method),
            url=url,
            body=body.encode() if isinstance(body, str) else body,
            headers={
                key: value
                for key, value in request.headers.items()
                if key.lower() not in ("content-length", "cookie")
            },
        )
        end = time.monotonic() + total_s
        answer = exchange.send(going, read_timeout_s=read_s, deadline_s=total_s)
        raw = answer.read_all(MAX_ANSWER, max(end - time.monotonic(), 0.001))
        found = requests.Response()
        found.status_code = answer.status
        found.headers.update(answer.headers)
        found.headers.setdefault("content-type", "")
        found.request = request
        found.url = url
        found._content = raw
        return found

    def close(self) -> None:
        """Connections belong to the pool."""
