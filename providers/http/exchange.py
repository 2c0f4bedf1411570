"""One request out, one response (or one of our errors) back.

Called by `client.py` only. Here is the one call of `requests` in the product.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import requests

from providers.error_bodies import error_from_response, error_in_good_response
from providers.errors import (
    ProtocolError,
    ProviderError,
    ProviderUnavailable,
    StreamCut,
)
from providers.http import failures, pool
from providers.http.connection import Call, carried_by
from providers.http.reroute import reroute
from providers.http.response import StreamingResponse
from providers.http.settings import HttpSettings, settings
from providers.http.urls import host, is_loopback, origin

log = logging.getLogger(__name__)

MAX_ERROR_BYTES = 1024 * 1024
_ERROR_BODY_S = 10.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request ready to go, and the handle to abort it. Its repr holds no secret."""

    provider: str
    method: str
    url: str = field(repr=False)
    body: bytes | None = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    call: Call = field(default_factory=Call, repr=False)


def send(
    going: Outgoing, *, read_timeout_s: float, deadline_s: float
) -> StreamingResponse:
    """Send it and wait for the headers of the answer, whatever its status.

    `read_timeout_s`: the longest silence; `deadline_s`: until the headers are whole.
    Raises ProviderError: nothing came, a redirect came, or somebody aborted.
    """
    limits = settings()
    started = time.monotonic()
    answer, failure = None, None
    try:
        with _deadline(going.call, deadline_s), carried_by(going.call):
            answer = _send(going, limits, read_timeout_s)
    except failures.FOREIGN as exc:
        failure = failures.from_exception(exc, going.provider, host(going.url))
    status = answer.status_code if answer is not None else None
    _log(going, status, failure, time.monotonic() - started)
    if going.call.is_aborted:
        if answer is not None:
            answer.raw.close()
        raise _aborted(going, deadline_s)
    if answer is None:
        raise failure or stopped(going.provider)
    if 300 <= answer.status_code < 400:
        answer.raw.close()
        raise _redirected(going.provider, answer.status_code)
    return StreamingResponse(
        answer.raw,
        going.call,
        provider=going.provider,
        status=answer.status_code,
        headers={name.lower(): value for name, value in answer.headers.items()},
        idle_timeout_s=read_timeout_s,
        max_bytes=limits.max_stream_bytes,
    )


def read_error_body(response: StreamingResponse, limit: int) -> bytes:
    """What a refusal says, as far as it comes: the status alone is enough to go on."""
    with contextlib.suppress(ProtocolError, ProviderUnavailable):
        return response.read_all(limit, _ERROR_BODY_S)
    return b""


def refusal(provider: str, response: StreamingResponse, body: bytes) -> ProviderError:
    """The error that an answer means which is not what was asked for."""
    if 200 <= response.status < 300:
        return error_in_good_response(provider, response.status, response.headers, body)
    return error_from_response(provider, response.status, response.headers, body)


def stopped(provider: str) -> ProviderError:
    """Somebody here ended the request."""
    return StreamCut(
        "The request was stopped.", provider=provider, vendor_type="stopped"
    )


def _send(
    going: Outgoing, limits: HttpSettings, read_timeout_s: float
) -> requests.Response:
    url = reroute(going.url, limits.reroute)
    request = requests.Request(
        going.method,
        url,
        headers={"User-Agent": limits.user_agent, **going.headers},
        data=going.body,
    ).prepare()
    return pool.session_for(going.provider, origin(url)).send(
        request,
        stream=True,
        timeout=(limits.connect_timeout_s, read_timeout_s),
        allow_redirects=False,
        proxies=_proxies(url, limits),
        verify=True,
        cert=None,
    )


def _proxies(url: str, limits: HttpSettings) -> dict[str, str]:
    name = host(url).rpartition(":")[0] or host(url)
    if (
        not limits.proxy
        or is_loopback(url)
        or any(name == h or name.endswith("." + h) for h in limits.no_proxy)
    ):
        return {}
    return {"http": limits.proxy, "https": limits.proxy}


@contextlib.contextmanager
def _deadline(call: Call, deadline_s: float) -> Iterator[None]:
    """A server that drips its headers keeps every socket timeout happy; not this one."""
    timer = threading.Timer(deadline_s, call.abort, args=("deadline",))
    timer.daemon = True
    timer.name = "http-deadline"
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _aborted(going: Outgoing, deadline_s: float) -> ProviderError:
    if going.call.reason != "deadline":
        return stopped(going.provider)
    return ProviderUnavailable(
        f"{host(going.url)} did not answer within {deadline_s:.0f} s.",
        provider=going.provider,
        vendor_type="read_timeout",
    )


def _redirected(provider: str, status: int) -> ProviderError:
    return ProtocolError(
        "Unexpected redirect: the provider points to another address, which is not "
        "followed. If the service has moved, change the base URL.",
        provider=provider,
        status=status,
    )


def _log(
    going: Outgoing, status: int | None, failure: ProviderError | None, took_s: float
) -> None:
    log.debug(
        "http.answered" if status else "http.failed",
        extra={
            "provider": going.provider,
            "method": going.method,
            "host": host(going.url),
            "status": status,
            "error": failure.vendor_type if failure else None,
            "duration_s": round(took_s, 4),
        },
    )


class _NoQuietLeaks(logging.Filter):
    """urllib3 prints URLs at DEBUG, and headers it cannot read at WARNING."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.INFO and not str(record.msg).startswith(
            "Failed to parse headers"
        )


logging.getLogger("urllib3").setLevel(logging.INFO)
for _name in ("connection", "connectionpool", "poolmanager", "response", "util.retry"):
    logging.getLogger(f"urllib3.{_name}").addFilter(_NoQuietLeaks())
