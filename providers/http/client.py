"""`HttpClient`: one credential's way to one vendor. Nobody else sends requests.

`provider.py` makes one per operation with `client_for` and closes it; vendor packages
get it for what is a conversation (model lists, checks, OAuth). It sends its headers to
the origin of `base_url` only (S-20), follows no redirect (S-21), takes nothing
from the environment (S-22), and turns every failure into the tree of `errors.py`.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import msgspec

from providers.calls import ApiCall, StreamCall
from providers.errors import (
    ConfigurationError,
    ProtocolError,
    ProviderError,
    from_info,
)
from providers.events import ErrorInfo
from providers.http import exchange, optional_fields
from providers.http.exchange import Outgoing
from providers.http.redact import without
from providers.http.response import StreamingResponse
from providers.http.settings import settings
from providers.http.urls import after_origin, origin

log = logging.getLogger(__name__)

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_HEADER_VALUE = re.compile(r"[\x20-\x7e\t]*\Z")
_JSON = "application/json"


def client_for(
    *, provider: str, base_url: str, headers: Mapping[str, str] | None = None
) -> HttpClient:
    """A client for one credential. `headers` authenticate; they are never shown.

    Raises ConfigurationError for an address or a header that cannot be sent.
    """
    return HttpClient(provider=provider, base_url=base_url, headers=headers or {})


class HttpClient:
    """Requests to one base URL. A context manager; `abort()` from any thread.

    One request at a time. After `abort()` or `close()` nothing more is sent.
    """

    def __init__(
        self, *, provider: str, base_url: str, headers: Mapping[str, str]
    ) -> None:
        self.provider = provider
        self.base_url = base_url.rstrip("/")
        self._origin = origin(self.base_url)
        self._headers = _checked(headers, provider)
        self._lock = threading.Lock()
        self._going: Outgoing | None = None
        self._response: StreamingResponse | None = None
        self._is_aborted = False

    def __repr__(self) -> str:
        return f"<HttpClient {self.provider} {self.base_url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def get_json(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """GET, and the JSON of the answer. Raises ProviderError."""
        return self._plain("GET", self._url(path, params), None, {})

    def post_json(self, path: str, body: Mapping[str, Any]) -> Any:
        """POST a JSON body, and the JSON of the answer. Raises ProviderError."""
        return self._plain("POST", self._url(path), _encode(body), _JSON_BODY)

    def request_json(self, call: ApiCall) -> Any:
        """An `ApiCall`, and the JSON of the answer. Raises ProviderError."""
        has_body = call.body is not None
        return self._plain(
            call.method,
            self._url(call.path, call.params),
            _encode(call.body) if call.body is not None else None,
            _JSON_BODY if has_body else {},
        )

    def post_form(self, path: str, data: Mapping[str, str]) -> Any:
        """POST a form (OAuth token endpoints), and the JSON of the answer."""
        content_type = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._plain(
            "POST", self._url(path), urlencode(data).encode(), content_type
        )

    def open_stream(
        self, call: StreamCall, *, idle_timeout_s: float
    ) -> StreamingResponse:
        """POST `call` and return its answer, whose body is still on its way.

        Raises ProviderError for everything but a 2xx that can be a stream. A server that
        refuses one of `call.optional_fields` is asked again without it.
        """
        url = self._url(call.url)
        body = dict(call.body)
        optional_fields.leave_out(body, self._origin, call.optional_fields)
        headers = {
            **_JSON_BODY,
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
            **_checked(call.headers, self.provider),
        }
        dropped: list[str] = []
        while True:
            going = self._outgoing("POST", url, _encode(body), headers)
            refused = ""
            try:
                response = self._stream(going, idle_timeout_s)
            except ProviderError as exc:
                refused = optional_fields.refused(exc, body, call.optional_fields)
                if not refused:
                    raise
            if not refused:
                break
            del body[refused]
            dropped.append(refused)
        optional_fields.remember(self._origin, dropped)
        return response

    def masked(self, error: ErrorInfo) -> ErrorInfo:
        """An error of this vendor's, without our key where it repeats that."""
        secrets = _secrets(self._headers)
        words = {
            name: without(value, secrets)
            for name, value in msgspec.structs.asdict(error).items()
            if isinstance(value, str)
        }
        return msgspec.structs.replace(error, **words)

    def abort(self) -> None:
        """End whatever is going on and send nothing more. Any thread; returns at once."""
        with self._lock:
            self._is_aborted = True
            going, response = self._going, self._response
        if going is not None:
            going.call.abort()
        if response is not None:
            response.abort()

    def close(self) -> None:
        """The caller is done. A stream that is still open ends."""
        self.abort()

    def _stream(self, going: Outgoing, idle_timeout_s: float) -> StreamingResponse:
        limits = settings()
        response = self._send(going, idle_timeout_s, idle_timeout_s)
        kind = (
            response.headers.get("content-type", "").partition(";")[0].strip().lower()
        )
        is_good = 200 <= response.status < 300
        if is_good and kind not in (_JSON, "text/html"):
            return response
        limit = limits.max_body_bytes if is_good else exchange.MAX_ERROR_BYTES
        body = exchange.read_error_body(response, limit)
        raise self._refusal(response, body)

    def _plain(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Any:
        limits = settings()
        end = time.monotonic() + limits.total_timeout_s
        going = self._outgoing(
            method,
            url,
            body,
            {"Accept": _JSON, "Accept-Encoding": "gzip, deflate", **headers},
        )
        response = self._send(going, limits.read_timeout_s, limits.total_timeout_s)
        if not 200 <= response.status < 300:
            text = exchange.read_error_body(response, exchange.MAX_ERROR_BYTES)
            raise self._refusal(response, text)
        left_s = max(end - time.monotonic(), 0.001)
        text = response.read_all(limits.max_body_bytes, left_s)
        if not text.strip():
            return None
        try:
            return msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            pass
        raise ProtocolError(
            "What answers there does not speak JSON. Check the base URL.",
            provider=self.provider,
            status=response.status,
        )

    def _refusal(self, response: StreamingResponse, body: bytes) -> ProviderError:
        """The error this answer means, without our key where it repeats that."""
        # Before anything is cut to length: half a key is not recognised any more.
        text = without(body.decode("latin-1"), _secrets(self._headers))
        found = exchange.refusal(self.provider, response, text.encode("latin-1"))
        return from_info(self.masked(found.info()))

    def _send(
        self, going: Outgoing, read_timeout_s: float, deadline_s: float
    ) -> StreamingResponse:
        with self._lock:
            if self._is_aborted:
                raise exchange.stopped(self.provider)
            self._going = going
        try:
            response = exchange.send(
                going, read_timeout_s=read_timeout_s, deadline_s=deadline_s
            )
        finally:
            with self._lock:
                self._going = None
        if not self._take(response):
            response.abort()
            raise exchange.stopped(self.provider)
        return response

    def _take(self, response: StreamingResponse) -> bool:
        """Remember what abort() must end. False when it was called in the meantime."""
        with self._lock:
            self._response = response
            return not self._is_aborted

    def _outgoing(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Outgoing:
        return Outgoing(
            provider=self.provider,
            method=method,
            url=url,
            body=body,
            headers={**self._headers, **headers},
        )

    def _url(self, path: str, params: Mapping[str, str] | None = None) -> str:
        """The absolute URL, on our own origin or not at all (S-20)."""
        if "://" in path:
            if origin(path) != self._origin:
                raise ConfigurationError(
                    "This credential belongs to another address and is not sent there.",
                    provider=self.provider,
                )
            url = self._origin + after_origin(path)
        else:
            url = f"{self.base_url}/{path.lstrip('/')}"
        url = quote(url, safe="/:?#[]@!$&'()*+,;=%-._~")
        if params:
            url += ("&" if "?" in url else "?") + urlencode(params)
        return url


_JSON_BODY = {"Content-Type": _JSON}


def _secrets(headers: Mapping[str, str]) -> list[str]:
    """The values that authenticate, without the word for how."""
    named = ("auth", "key", "token", "secret")
    return [
        value.rpartition(" ")[2]
        for name, value in headers.items()
        if any(word in name.lower() for word in named)
    ]


def _encode(body: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode(body)


def _checked(headers: Mapping[str, str], provider: str) -> dict[str, str]:
    """Only what HTTP can carry: libraries quote the value of a bad header in errors."""
    for name, value in headers.items():
        if not _HEADER_NAME.match(name) or not _HEADER_VALUE.match(value):
            raise ConfigurationError(
                f"The header {name!r} has a character that cannot be sent. "
                "If it is a key, copy it again without line breaks.",
                provider=provider,
            )
    return dict(headers)
