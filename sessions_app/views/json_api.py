"""JSON over HTTP for the page: who may, what came, what goes back.

Every view is a function `(request, **ids) -> data` under `@json_view`: signed-in people
only, no page of another site, CSRF as everywhere, strict bodies, and one form of error:

    {"error": {"code": "not_found", "message": "…", "field": "…"}}
"""

from __future__ import annotations

import functools
import logging
import re
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.db import Error
from django.http import HttpRequest, HttpResponse, UnreadablePostError

from providers.errors import (
    ConfigurationError,
    CredentialError,
    ProviderError,
    RateLimited,
    RequestRejected,
)
from sessions_app import storage
from sessions_app.errors import (
    Invalid,
    LimitReached,
    ServiceError,
    TooLarge,
    TooOften,
)

log = logging.getLogger(__name__)

T = TypeVar("T")
View = Callable[..., Any]

# msgspec's words: "… unknown field `x`", "… at `$.x`".
_FIELD = re.compile(r"field `([^`]+)`|at `\$\.([^`]+)`")
# What a browser says of a page that is not ours: https://www.w3.org/TR/fetch-metadata/.
_FOREIGN = ("same-site", "cross-site")
_encode = msgspec.json.Encoder(enc_hook=str).encode


def json_view(**handlers: View) -> Callable[..., HttpResponse]:
    """A view from one function per method: `json_view(GET=list_them, POST=add)`."""

    allowed = ", ".join(sorted(handlers))

    def view(request: HttpRequest, **ids: Any) -> HttpResponse:
        if refused := _stranger(request):
            return refused
        handler = handlers.get(request.method or "")
        if handler is None:
            response = error(405, "bad_method", f"Use {allowed} here.")
            response["Allow"] = allowed
            return response
        try:
            return answer(handler(request, **ids))
        except ServiceError as exc:
            return _service_error(exc)
        except ProviderError as exc:
            return _provider_error(exc)
        except Error as exc:
            if why := storage.trouble(exc):
                return error(storage.STATUS, storage.CODE, why)
            raise

    functools.update_wrapper(view, next(iter(handlers.values())))
    view.needs_login = True  # type: ignore[attr-defined]
    return view


def _stranger(request: HttpRequest) -> HttpResponse | None:
    """What is said to a page of another site, and to nobody."""
    # It may not read the answer, but a GET of it could still make us ask a vendor.
    if request.headers.get("Sec-Fetch-Site") in _FOREIGN:
        return error(403, "foreign_page", "Ask from a page of this installation.")
    if not request.user.is_authenticated:
        return error(401, "signed_out", "Sign in first.")
    return None


def body(request: HttpRequest, shape: type[T]) -> T:
    """The request's JSON as `shape`. Raises Invalid that names the field."""
    try:
        sent = request.body
    except RequestDataTooBig:
        raise TooLarge("The request is too large.") from None
    except UnreadablePostError:
        raise Invalid("The request did not arrive whole. Send it again.") from None
    try:
        return msgspec.json.decode(sent or b"{}", type=shape)
    except msgspec.ValidationError as exc:
        found = _FIELD.search(str(exc))
        field = found.group(1) or found.group(2) if found else ""
        raise Invalid(f"The request does not fit: {exc}.", field=field) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid("The request is not JSON in UTF-8.") from None


def answer(data: Any, status: int = 200) -> HttpResponse:
    """JSON that no cache keeps; a ready response passes through."""
    if isinstance(data, HttpResponse):
        return data
    response = HttpResponse(
        b"{}" if data is None else _encode(data),
        status=status,
        content_type="application/json",
    )
    response["Cache-Control"] = "no-store"
    return response


def error(status: int, code: str, message: str, field: str = "") -> HttpResponse:
    """An error in the one form."""
    found = {"code": code, "message": message}
    if field:
        found["field"] = field
    return answer({"error": found}, status)


def _service_error(exc: ServiceError) -> HttpResponse:
    response = error(exc.status, exc.code, exc.message, exc.field)
    if isinstance(exc, TooOften):
        response["Retry-After"] = str(exc.retry_after_s)
    return response


def _provider_error(exc: ProviderError) -> HttpResponse:
    """A vendor's refusal is not our failure: 400 for what the person can mend."""
    if isinstance(exc, RateLimited):
        status = 429
    elif isinstance(exc, ConfigurationError | CredentialError | RequestRejected):
        status = 400
    else:
        status = 502
    found: dict[str, Any] = {"code": exc.info().kind, "message": exc.message}
    if isinstance(exc, LimitReached):
        found["limit"] = exc.limit
    response = answer({"error": found}, status)
    if exc.retry_after_s is not None:
        response["Retry-After"] = str(max(1, round(exc.retry_after_s)))
    return response
