"""What every HTTP request gets: an id in its logs and its answer, and an access line."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

log = logging.getLogger(__name__)

# Their address carries a one-time token.
_SECRET_ADDRESSES = {"setup", "join", "reset"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}\Z")


class RequestIdMiddleware:
    """Binds `request_id` to the logs and echoes it as `X-Request-Id`.

    A caller's own id is kept when it is a plain word: it ends up in logs.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _REQUEST_ID.match(given) else uuid.uuid4().hex
        started = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            log.info(
                "http.answered",
                extra={
                    "method": request.method,
                    "path": _loggable(request),
                    "status": response.status_code,
                    "user_id": _who(request),
                    "duration_s": round(time.monotonic() - started, 4),
                },
            )
        response["X-Request-Id"] = request_id
        return response


def _who(request: HttpRequest) -> object:
    """Whom the view found out to have asked; the log alone asks no database."""
    return getattr(getattr(request, "_cached_user", None), "pk", None)


def _loggable(request: HttpRequest) -> str:
    """The path, without the token that a one-time link carries."""
    match = request.resolver_match
    is_secret = match is not None and match.view_name in _SECRET_ADDRESSES
    return f"/{match.route}" if match and is_secret else request.path
