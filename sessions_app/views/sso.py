"""Single sign-on by OpenID Connect, carried by django-allauth; imported only if set up.

    sso_go_on.html     address, label: the issuer's sign-in page is on another host
    sso_refused.html   message

The library speaks the protocol: discovery, state, PKCE, the code, the id token. Who that
is here is decided in `services/people/single_sign_on.py`; none of the library's own pages,
registrations or sessions are used.
"""

from __future__ import annotations

import logging
from typing import Any, NoReturn
from urllib.parse import urlsplit

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.providers.openid_connect.views import callback as answer
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from providers.http import foreign
from sessions_app.errors import NotAllowed, ServiceError
from sessions_app.services.people import invitations, single_sign_on
from sessions_app.sign_in import SSO
from sessions_app.views import present_password

log = logging.getLogger(__name__)


@never_cache
@require_POST
def begin(request: HttpRequest) -> HttpResponse:
    """To the issuer's sign-in page; what is wanted there and after waits in the session."""
    wants: dict[str, str] = {}
    me = request.user if request.POST.get("connect") == "1" else None
    connects = isinstance(me, User)
    try:
        if isinstance(me, User):
            present_password.check(request, me)
        if token := request.POST.get("invitation"):
            wants["invitation"] = invitations.find(token).token_hash
        return _to_issuer(request, "connect" if connects else "login", wants)
    except ServiceError as exc:
        if connects:
            messages.error(request, exc.message)
            return redirect("account")
        return refused(request, exc.message, exc.status)
    except OSError as exc:  # the library's word for whatever the network does
        log.warning("sso.unreachable", extra={"error": str(exc)[:300]})
        message = "The sign-in service cannot be reached. Try again in a moment."
        return refused(request, message, 502)


def _to_issuer(
    request: HttpRequest, process: str, wants: dict[str, str]
) -> HttpResponse:
    provider = get_adapter().get_provider(request, provider=_provider_id())
    after = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(after, {request.get_host()}):
        wants["next"] = after
    going: HttpResponse = provider.redirect(request, process=process, data=wants)
    address = str(going["Location"])
    if _origin(address) == _origin(settings.MAESTRO_SSO_ISSUER):
        return going
    # A page may send its forms to the issuer only; a link may lead anywhere.
    page = {"address": address, "label": settings.MAESTRO_SSO_LABEL}
    return render(request, "sso_go_on.html", page)


@never_cache
@require_safe
def callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    """The issuer's answer; it ends in one of the adapter's responses."""
    response: HttpResponse = answer(request, provider_id)
    return response


def refused(request: HttpRequest, message: str, status: int = 403) -> HttpResponse:
    """Nobody was signed in, and why."""
    return render(request, "sso_refused.html", {"message": message}, status=status)


class Adapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Where the library asks what to do: everything ends in an answer of our own."""

    def get_requests_session(self) -> Any:
        return foreign.session("sso")

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False  # nobody becomes anybody on the library's own ways

    def on_authentication_error(
        self, request: HttpRequest, provider: Any, *_: Any, **facts: Any
    ) -> NoReturn:
        cause = facts.get("exception") or facts.get("error") or "unknown"
        log.warning("sso.failed", extra={"error": type(cause).__name__})
        message = (
            "You were not signed in: the sign-in was broken off, is too old, or the "
            "service's answer does not fit. Try again."
        )
        raise ImmediateHttpResponse(refused(request, message, 400))

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> NoReturn:
        state = sociallogin.state
        try:
            subject, claims = single_sign_on.identity(sociallogin.account.extra_data)
            if state.get("process") == "connect":
                response = _connect(request, subject, claims)
            else:
                response = _sign_in(request, subject, claims, state.get("data") or {})
        except ServiceError as exc:
            log.warning("sso.refused", extra={"why": exc.code})
            response = refused(request, exc.message, exc.status)
        raise ImmediateHttpResponse(response)


def _connect(
    request: HttpRequest, subject: str, claims: dict[str, Any]
) -> HttpResponse:
    if not isinstance(request.user, User):
        raise NotAllowed("You were signed out meanwhile. Sign in and connect again.")
    single_sign_on.connect(user=request.user, subject=subject, claims=claims)
    messages.success(request, "Your identity is connected.")
    return redirect("account")


def _sign_in(
    request: HttpRequest, subject: str, claims: dict[str, Any], wants: dict[str, str]
) -> HttpResponse:
    user = single_sign_on.account_of(subject)
    if user is None:
        user = single_sign_on.join(
            subject=subject,
            claims=claims,
            invitation=wants.get("invitation", ""),
        )
    login(request, user, backend=SSO)
    return redirect(wants.get("next") or "chat")


def _provider_id() -> str:
    return single_sign_on.issuer_key(settings.MAESTRO_SSO_ISSUER)


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc
