"""What browsers report when a page's policy stopped something: a line in the log.

Anybody may send anything here, so little is kept of it: the directive, what was stopped
as its origin or its kind, and the page as its route. No address (one-time links are
addresses), no query, nothing of a page's text. And only some lines a minute.

Source: https://www.w3.org/TR/CSP3/#deprecated-serialize-violation
"""

from __future__ import annotations

import logging
import re
import threading
import time
from urllib.parse import urlsplit

import msgspec
from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, get_script_prefix, resolve
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

log = logging.getLogger(__name__)

MAX_BYTES = 16_000
LINES, EVERY_S = 10, 60.0  # of one process
_WORD = re.compile(r"[a-z][a-z-]{0,39}\Z")
_HOST = re.compile(r"[a-z0-9.:\[\]-]{1,100}\Z", re.IGNORECASE)


class _Report(msgspec.Struct, rename="kebab"):
    effective_directive: str = ""
    violated_directive: str = ""  # the older name, with its value behind it
    blocked_uri: str = ""
    document_uri: str = ""


class _Sent(msgspec.Struct, rename="kebab"):
    csp_report: _Report


class Allowance:
    """So many lines in so much time; how many were left out is told with the next one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began, self._count = float("-inf"), 0

    def take(self) -> int | None:
        """How many were left out since the last period; None: this one is, too."""
        with self._lock:
            now, left_out = time.monotonic(), 0
            if now - self._began >= EVERY_S:
                left_out = max(0, self._count - LINES)
                self._began, self._count = now, 0
            self._count += 1
            return left_out if self._count <= LINES else None


allowance = Allowance()


@never_cache
@csrf_exempt
@require_POST
def report(request: HttpRequest) -> HttpResponse:
    """204, whatever came: browsers do not read the answer, and others are told nothing."""
    body = request.read(MAX_BYTES + 1)
    try:
        sent = msgspec.json.decode(body, type=_Sent).csp_report
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return HttpResponse(status=204)
    directive = sent.effective_directive or sent.violated_directive.partition(" ")[0]
    if len(body) <= MAX_BYTES and _WORD.match(directive):
        left_out = allowance.take()
        if left_out is not None:
            facts = {"blocked": _origin(sent.blocked_uri), "left_out": left_out}
            page = _route(sent.document_uri)
            log.warning(
                "csp.stopped", extra={"directive": directive, **facts, "page": page}
            )
    return HttpResponse(status=204)


def _origin(uri: str) -> str:
    """https://evil.example, or the kind: inline, eval, data, …"""
    scheme, _, rest = uri.partition(":")
    host = re.split(r"[/?#]", rest.removeprefix("//"))[0].rpartition("@")[2]
    if scheme in ("http", "https", "ws", "wss") and _HOST.match(host):
        return f"{scheme}://{host}"
    return scheme if _WORD.match(scheme) else "other"


def _route(uri: str) -> str:
    try:
        path = urlsplit(uri).path
        return f"/{resolve('/' + path.removeprefix(get_script_prefix())).route}"
    except (Resolver404, ValueError):
        return "other"
