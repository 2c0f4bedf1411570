"""JSON of logins at vendors, and the address that vendors send people back to.

A login belongs to the person and to the browser session that began it. Answers come in
by a paste, here by the vendor's redirect, or by the loopback listener.
"""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from providers.errors import ProviderError
from sessions_app.errors import ServiceError
from sessions_app.services.logins import logging_in
from sessions_app.services.logins.results import view
from sessions_app.views.json_api import answer, body, json_view

log = logging.getLogger(__name__)


class NewLogin(msgspec.Struct, forbid_unknown_fields=True):
    """A login to begin. `credential_id`: log in again for that one; no name then."""

    provider: str
    name: str = ""
    method: str = ""
    mode: str = ""
    credential_id: UUID | None = None
    team: UUID | None = None
    is_shared_with_everyone: bool = False


class Pasted(msgspec.Struct, forbid_unknown_fields=True):
    """A code, `code#state`, or the address of the page that failed to open."""

    answer: str


def _begin(request: HttpRequest) -> Any:
    new = body(request, NewLogin)
    row = logging_in.begin(
        user=request.user,
        session_key=_session(request),
        provider=new.provider,
        name=new.name,
        method=new.method,
        mode=new.mode,
        credential_id=new.credential_id,
        team=new.team,
        is_shared_with_everyone=new.is_shared_with_everyone,
    )
    return answer({"login": view(row)}, 201)


def _poll(request: HttpRequest, login_id: UUID) -> Any:
    row = logging_in.poll(
        user=request.user, session_key=_session(request), login_id=login_id
    )
    return {"login": view(row)}


def _cancel(request: HttpRequest, login_id: UUID) -> Any:
    logging_in.cancel(
        user=request.user, session_key=_session(request), login_id=login_id
    )


def _paste(request: HttpRequest, login_id: UUID) -> Any:
    row = logging_in.answer(
        user=request.user,
        session_key=_session(request),
        login_id=login_id,
        text=body(request, Pasted).answer,
    )
    return {"login": view(row)}


@never_cache
@require_GET
def callback(request: HttpRequest, provider: str) -> HttpResponse:
    """Where a vendor sends the browser back to, one address for each vendor.

    The query holds the code: it is used, never shown, logged or passed on, and the page
    that follows has an address of its own.
    """
    if not request.user.is_authenticated:
        # Not back to here: the query must not travel through the login form.
        return _leave(reverse("login"))
    page = reverse("credentials")
    try:
        row = logging_in.answer_by_state(
            user=request.user,
            session_key=_session(request),
            provider=provider,
            state=request.GET.get("state", ""),
            # Rebuilt: behind a proxy the request does not know its public address.
            text=f"{settings.MAESTRO_URL}{request.get_full_path()}",
        )
    except (ServiceError, ProviderError) as exc:
        log.info("login.callback_refused", extra={"error": type(exc).__name__})
        return _leave(f"{page}?login=refused")
    return _leave(f"{page}?login={row.pk}")


def _leave(url: str) -> HttpResponse:
    response = redirect(url)
    response["Referrer-Policy"] = "no-referrer"
    return response


def _session(request: HttpRequest) -> str:
    return request.session.session_key or ""


collection = json_view(POST=_begin)
one = json_view(GET=_poll, DELETE=_cancel)
paste = json_view(POST=_paste)
