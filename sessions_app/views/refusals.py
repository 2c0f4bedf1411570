"""What is refused before a view is reached: the page gets a page, JSON gets JSON.

`CSRF_FAILURE_VIEW` and the handlers of the root URLconf name these functions.
"""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views import csrf, defaults

from sessions_app import storage
from sessions_app.views.json_api import error

RETRY_AFTER_S = 5


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The CSRF token is missing, foreign or of an older session."""
    if _wants_json(request):
        message = "This page is out of date. Load it again, then repeat what you did."
        return error(403, "csrf", message)
    return csrf.csrf_failure(request, reason, template_name="403.html")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django refused the request itself."""
    if _wants_json(request):
        return error(400, "bad_request", "The request cannot be understood.")
    return defaults.bad_request(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """No such address."""
    if _wants_json(request):
        return error(404, "not_found", "There is nothing at this address.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """A bug of ours: it is in the log, under the request's id. Or the database is away,
    or has no room."""
    exc = sys.exc_info()[1]
    if why := storage.trouble(exc):
        return _no_room(request, why)
    if isinstance(exc, OperationalError | InterfaceError):
        return _unavailable(request)
    if _wants_json(request):
        message = "Something went wrong here. Try again; the log of the server has it."
        return error(500, "server_error", message)
    return defaults.server_error(request)


def _unavailable(request: HttpRequest) -> HttpResponse:
    """No connection to the database, or none free: worth another try."""
    message = "The database is busy or away. Nothing was lost; try again in a moment."
    if _wants_json(request):
        answer: HttpResponse = error(503, "unavailable", message)
    else:
        page = loader.render_to_string("503.html", {"message": message})
        answer = HttpResponse(page, status=503)
    answer["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def _no_room(request: HttpRequest, why: str) -> HttpResponse:
    """The disk is full or read-only; `why` is fit for anybody."""
    if _wants_json(request):
        return error(storage.STATUS, storage.CODE, why)
    page = loader.render_to_string("507.html", {"message": why})
    return HttpResponse(page, status=storage.STATUS)


def _wants_json(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")
