"""`fetch`: one public web page, for somebody who must not be trusted with the address.

    text ─▶ our URL ─▶ addresses, all public ─▶ connection to one of exactly these ─▶ text
      ▲                                                                      │
      └──── redirect within the host: all of it again, three times at most ──┘

Where it leads to another host is said and not followed: whoever allowed this address was
not asked about that one. Nothing travels along: no cookies, no credentials, no proxy,
nothing of the environment. Host, SNI and the certificate's name are the page's, the
address is ours (S-40 to S-42). Compression is undone in bounded steps (`framing.py`) and
stops at the limit of bytes.
"""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote, urljoin

import requests

from providers.errors import ProviderError
from providers.http import failures, pool
from providers.http.bounded import bounded, sentence
from providers.http.connection import (
    AbortableHTTPConnection,
    AbortableHTTPPool,
    AbortableHTTPSConnection,
    AbortableHTTPSPool,
    Call,
    carried_by,
)
from providers.http.public import NETWORK, Network, NotPublic, public_addresses
from providers.http.response import StreamingResponse
from providers.http.settings import settings
from providers.http.urls import after_origin, parse_base_url

MAX_URL = 4000  # characters
_MAX_REDIRECTS = 3
_MAX_TRIES = 3  # addresses of one name
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PORTS = {"http": 80, "https": 443}
_TEXT_TYPE = re.compile(
    r"text/[\w.+-]+|application/(json|xml|javascript|yaml|x-yaml|toml|x-ndjson"
    r"|[\w.-]+\+(json|xml))"
)
# Those of the WHATWG Encoding Standard that Python decodes in linear time.
_CHARSET = re.compile(
    r"utf-?8|utf-?16(le|be)?|us-ascii|latin-?1|iso-8859-\d{1,2}|windows-125\d|cp125\d"
    r"|shift[_-]jis|euc-(jp|kr)|iso-2022-jp|gb2312|gbk|gb18030|big5|koi8-[ru]|macintosh"
)
_META_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w-]{1,30})", re.I
)
_AFTER_ORIGIN_SAFE = "/-._~!$&'()*+,;=:@%?[]"
_NUMERIC_END = re.compile(r"(^|\.)(\d+|0x[0-9a-f]*)\.?\Z")
_DOTTED_QUAD = re.compile(r"\d{1,3}(\.\d{1,3}){3}\Z")


class FetchError(Exception):
    """The page was not fetched; the message says why and holds no more of the address
    than its host."""


class LeadsElsewhere(FetchError):
    """The page is at `url`, on another host: an address that others chose."""

    def __init__(self, url: str) -> None:
        super().__init__(f"The page leads to another host: {_host(url)}.")
        self.url = url


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A page. `url`: where it was in the end. `content_type`: without parameters.

    `is_cut`: there was more than the limit of bytes.
    """

    url: str
    status: int
    content_type: str
    text: str
    is_cut: bool = False


def fetch(
    url: str,
    *,
    max_bytes: int,
    deadline_s: float,
    stop: threading.Event | None = None,
    network: Network = NETWORK,
) -> Fetched:
    """GET one public page. `deadline_s` is for all of it, redirects included.

    Raises FetchError: not public, no text, a bad address, no answer in time;
    LeadsElsewhere.
    """
    until = time.monotonic() + deadline_s
    stop = stop or threading.Event()
    here = page_url(url)
    for _ in range(_MAX_REDIRECTS + 1):
        answer = _visit(here, max_bytes, until, stop, network)
        if isinstance(answer, Fetched):
            return answer
        there = page_url(urljoin(here, answer))
        if here.startswith("https:") and not there.startswith("https:"):
            raise FetchError(
                "The page leads from https to http, which is not followed."
            )
        if _host(there) != _host(here):
            raise LeadsElsewhere(there)
        here = there
    raise FetchError(f"The page leads on more than {_MAX_REDIRECTS} times.")


def _host(url: str) -> str:
    """Of an address as `page_url` spells it: there are no ports but the usual ones."""
    return url.partition("://")[2].partition("/")[0]


def page_url(text: str) -> str:
    """The address as it is asked for: our spelling of it, and no fragment.

    Scheme, host and port are rebuilt from parts that were read once; what reads the
    result later cannot find another host in it. Raises FetchError.
    """
    url = text.strip(" ")
    if len(url) > MAX_URL:
        raise FetchError(f"The address is longer than {MAX_URL} characters.")
    if any(ord(c) <= 32 or c in "\\\x7f" or c.isspace() for c in url):
        raise FetchError("The address has a space, a line break or a backslash in it.")
    scheme, mark, rest = url.partition("://")
    if scheme.lower() not in _PORTS or not mark:
        raise FetchError("The address must begin with https:// or http://.")
    tail = after_origin(url).partition("#")[0]
    authority = rest[: len(rest) - len(after_origin(url))]
    if "%" in authority:
        raise FetchError("The host of the address must be written plainly.")
    try:
        origin = parse_base_url(f"{scheme.lower()}://{authority}")
        path = quote(tail, safe=_AFTER_ORIGIN_SAFE)
    except ProviderError as exc:
        raise FetchError(exc.message) from None
    except UnicodeError:
        raise FetchError("The address is not valid Unicode.") from None
    host = origin.partition("://")[2]
    if ":" in host.rpartition("]")[2]:  # the default port is not written
        raise FetchError(
            "Only the usual ports are allowed: 443 for https, 80 for http."
        )
    if _NUMERIC_END.search(host) and not _DOTTED_QUAD.match(host):
        raise FetchError("The host of the address is not a name and not an address.")
    return f"{origin.removesuffix('.')}{path if path.startswith('/') else '/' + path}"


def _visit(
    url: str, max_bytes: int, until: float, stop: threading.Event, network: Network
) -> Fetched | str:
    """The page, or where it says it is."""
    scheme, _, rest = url.partition("://")
    host, port = rest.partition("/")[0], _PORTS[scheme]
    try:
        addresses = public_addresses(
            host, port, network=network, until=until, stop=stop
        )
    except NotPublic as exc:
        raise FetchError(str(exc)) from None
    failure: ProviderError | None = None
    for address in addresses[:_MAX_TRIES]:
        call = Call()
        with bounded(call, until, stop):
            try:
                return _ask(url, network.reach(address, port), call, max_bytes)
            except failures.FOREIGN as exc:
                failure = failures.from_exception(exc, "", host)
            except ProviderError as exc:
                failure = exc
        if call.is_aborted:
            raise FetchError(_why(call))
        if failure.vendor_type not in ("connect_refused", "connect_timeout", "connect"):
            break
    raise FetchError(sentence(failure, host))


def _ask(
    url: str, target: tuple[str, int], call: Call, max_bytes: int
) -> Fetched | str:
    """One request to one address."""
    limits = settings()
    headers = {
        "User-Agent": limits.user_agent,
        "Accept": "text/html, text/plain, application/json;q=0.9, text/*;q=0.8",
        "Accept-Encoding": "gzip, deflate",
    }
    with pool.new_session(_pinned(target)) as session, carried_by(call):
        request = requests.Request("GET", url, headers=headers).prepare()
        answer = session.send(
            request,
            stream=True,
            timeout=(limits.connect_timeout_s, limits.read_timeout_s),
            allow_redirects=False,
            proxies={},
            verify=True,
            cert=None,
        )
        try:
            return _read(url, answer, call, max_bytes)
        finally:
            call.detach()
            answer.raw.close()


def _read(
    url: str, answer: requests.Response, call: Call, max_bytes: int
) -> Fetched | str:
    location = answer.headers.get("location")
    if answer.status_code in _REDIRECTS and location:
        return location
    stated = answer.headers.get("content-type", "")
    content_type = stated.partition(";")[0].strip().lower()
    if not _TEXT_TYPE.fullmatch(content_type):
        kind = (
            content_type if re.fullmatch(r"[\w.+/-]{1,80}", content_type) else "nothing"
        )
        raise FetchError(f"The page is no text (it says {kind}) and is not read.")
    response = StreamingResponse(
        answer.raw,
        call,
        provider="",
        status=answer.status_code,
        headers={name.lower(): value for name, value in answer.headers.items()},
        idle_timeout_s=settings().read_timeout_s,
        max_bytes=max_bytes * 2 + 4 * 1024 * 1024,
    )
    data = bytearray()
    pieces = cast("Generator[bytes, None, None]", response.chunks())
    with contextlib.closing(pieces) as chunks:
        for chunk in chunks:
            data += chunk
            if len(data) > max_bytes:
                break
    if call.is_aborted:
        raise FetchError(_why(call))
    is_cut = len(data) > max_bytes
    return Fetched(
        url=url,
        status=answer.status_code,
        content_type=content_type,
        text=_text(bytes(data[:max_bytes]), stated),
        is_cut=is_cut,
    )


def _text(data: bytes, stated: str) -> str:
    """Decoded by what the server says, else the page, else as UTF-8."""
    said = re.search(r"charset\s*=\s*[\"']?([\w-]{1,30})", stated, re.I)
    meta = _META_CHARSET.search(data[:2048])
    name = said[1] if said else meta[1].decode("ascii", "replace") if meta else "utf-8"
    if data.startswith(b"\xef\xbb\xbf") or not _CHARSET.fullmatch(name.lower()):
        name = "utf-8-sig"
    try:
        return data.decode(name, "replace")
    except LookupError:
        return data.decode("utf-8", "replace")


def _pinned(target: tuple[str, int]) -> dict[str, Any]:
    """Pools whose connections go to this address, whatever name is asked for."""

    class Plain(AbortableHTTPConnection):
        def address(self) -> tuple[str, int]:
            return target

    class Tls(AbortableHTTPSConnection):
        def address(self) -> tuple[str, int]:
            return target

    class PlainPool(AbortableHTTPPool):
        ConnectionCls = Plain

    class TlsPool(AbortableHTTPSPool):
        ConnectionCls = Tls

    return {"http": PlainPool, "https": TlsPool}


def _why(call: Call) -> str:
    if call.reason == "deadline":
        return "The page did not come in time."
    return "The request was stopped."
