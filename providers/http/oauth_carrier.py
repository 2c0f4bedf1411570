"""One OAuth request on its way: our transport in the place of a `requests` adapter.

The library prepares requests and believes it sends them. Here each one goes through
`exchange.send` instead; its answer is read with suspicion and turned into tokens or one
of our errors, from which everything secret of the request has been taken out.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import requests
from requests.adapters import BaseAdapter

from providers.errors import ProtocolError
from providers.fail_points import fail_point
from providers.http import exchange
from providers.http.exchange import Outgoing
from providers.http.redact import without
from providers.http.settings import settings
from providers.oauth.server import AuthorizationServer, BodyKind
from providers.oauth.token_errors import said, token_error
from providers.oauth.tokens import Tokens, tokens_from

_MAX_ANSWER = 1024 * 1024
_FORM_ANSWER = re.compile(r"(?:[\w.%+-]+=[^\s<>\"=&]*&)*access_token=[^\s<>\"]+\Z")
# Fields of a request that a refusal must not repeat.
_SECRET_FIELDS = frozenset(
    {
        "code",
        "code_verifier",
        "refresh_token",
        "client_secret",
        "subject_token",
        "token",
        "device_auth_id",
    }
)


class Carrier(BaseAdapter):
    """Carries one request of a session over `exchange`, and keeps what came back."""

    def __init__(
        self,
        server: AuthorizationServer,
        body: BodyKind,
        *,
        is_refresh: bool = False,
        takes_refusals: bool = False,
    ) -> None:
        super().__init__()
        self.body = body
        self.known: dict[str, str] = {}
        self.limit_s = settings().total_timeout_s
        self.status = 0
        self.document: Any = {}
        self._server = server
        self._is_refresh = is_refresh
        self._takes_refusals = takes_refusals
        self._received_at = datetime.now(UTC)

    def tokens(self) -> Tokens:
        """The tokens of the answer. Raises ProtocolError when there are none."""
        found = self._named()
        token = found.get("access_token")
        if not isinstance(token, str) or not token:
            raise ProtocolError(
                f"{self._server.label}'s login service answered without a token. "
                "Start the login again.",
                provider=self._server.provider,
            )
        return tokens_from(found, self._received_at)

    def as_the_library_wants_it(self, response: Any) -> Any:
        """It reads `.text`, and takes no answer without an access token."""
        token = self.tokens().access_token.reveal()
        return _Text(msgspec.json.encode({"access_token": token}).decode())

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """See `requests.adapters.BaseAdapter`; limits and certificates are our own."""
        limits = settings()
        fields = _fields(request.body)
        body = msgspec.json.encode(fields) if self.body == "json" else None
        going = Outgoing(
            provider=self._server.provider,
            method=str(request.method),
            url=str(request.url),
            body=body if fields and body else _bytes(request.body),
            headers={
                name: value
                for name, value in request.headers.items()
                if name.lower() != "content-length"
            },
        )
        end = time.monotonic() + self.limit_s
        response = exchange.send(
            going,
            read_timeout_s=min(limits.read_timeout_s, self.limit_s),
            deadline_s=self.limit_s,
        )
        if self._is_refresh:
            fail_point("refresh.sent")
        left_s = max(end - time.monotonic(), 0.001)
        raw = response.read_all(_MAX_ANSWER, left_s)
        self._received_at = datetime.now(UTC)
        self.status = response.status
        secrets = [v for name, v in fields.items() if name in _SECRET_FIELDS]
        secrets += _bearer(request.headers)
        self._read(response.status, response.headers, raw, secrets)
        return _answer(request, response.status, raw)

    def _read(
        self, status: int, headers: Mapping[str, str], raw: bytes, secrets: list[str]
    ) -> None:
        is_good = 200 <= status < 300
        code, _ = said(raw)
        if not self._takes_refusals and (not is_good or code):
            text = without(raw.decode("latin-1"), secrets).encode("latin-1")
            raise token_error(
                self._server,
                status,
                headers,
                text,
                is_refresh=self._is_refresh,
                secrets=secrets,
            )
        self.document = _document(raw)
        if is_good and raw.strip() and not isinstance(self.document, dict):
            raise ProtocolError(
                f"{self._server.label}'s login service does not speak JSON here.",
                provider=self._server.provider,
                status=status,
            )

    def _named(self) -> dict[str, Any]:
        """What the answer names, over what we knew before."""
        document = self.document if isinstance(self.document, dict) else {}
        present = {name: value for name, value in document.items() if value}
        return {**self.known, **present}

    def close(self) -> None:
        """Connections belong to the pool."""


class _Text:
    """As much of a response as the library reads after the hooks."""

    def __init__(self, text: str) -> None:
        self.text = text


def _fields(body: bytes | str | None) -> dict[str, str]:
    text = body.decode() if isinstance(body, bytes) else body or ""
    return dict(parse_qsl(text, keep_blank_values=True))


def _bytes(body: bytes | str | None) -> bytes | None:
    return body.encode() if isinstance(body, str) else body


def _bearer(headers: Mapping[str, Any]) -> list[str]:
    return [str(headers.get("Authorization", "")).rpartition(" ")[2]]


def _document(raw: bytes) -> Any:
    """JSON, or the form encoding that some servers answer in; None for neither."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    text = raw.decode("utf-8", "replace").strip()
    return dict(parse_qsl(text)) if _FORM_ANSWER.match(text) else None


def _answer(
    request: requests.PreparedRequest, status: int, raw: bytes
) -> requests.Response:
    found = requests.Response()
    found.status_code = status
    found.request = request
    found.url = str(request.url)
    found._content = raw
    return found
