"""Pages behind one-time links, for people without an account or without its password.

    join.html          token, invitation, username, error
    new_password.html  token, username, error
    link_over.html     message

What is no token is a 400, one that is over a 404, and ten of either from one address in
five minutes a 429: they count as failed sign-ins do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from sessions_app.errors import Invalid, NotFound, ServiceError
from sessions_app.guessing import ONE_TIME_LINK
from sessions_app.services.people import directory, invitations

_TRIES = {"username": ONE_TIME_LINK}

Open = Callable[[str], Any]


def _guarded(find: Open) -> Callable[[Callable[..., HttpResponse]], Any]:
    """`view(request, token, found)`, reached with a good token only."""

    def decorate(view: Callable[..., HttpResponse]) -> Any:
        @never_cache
        @require_http_methods(["GET", "POST"])
        def inner(request: HttpRequest, token: str = "") -> HttpResponse:
            hide_address(request)
            if not AxesProxyHandler.is_allowed(request, _TRIES):
                return link_over(request, "Too many wrong links. Try again later.", 429)
            try:
                found = find(token)
                return view(request, token, found)
            except NotFound as exc:
                return _wrong(request, exc, 404)
            except ServiceError as exc:
                return _wrong(request, exc, 400)

        inner.__name__ = view.__name__
        return inner

    return decorate


def hide_address(request: HttpRequest) -> None:
    """Sign-ins are recorded with their address; this one opens an account."""
    match = request.resolver_match
    request.META["PATH_INFO"] = f"/{match.route}" if match else ""


def _wrong(request: HttpRequest, exc: ServiceError, status: int) -> HttpResponse:
    user_login_failed.send(sender=__name__, credentials=_TRIES, request=request)
    return link_over(request, exc.message, status)


def link_over(request: HttpRequest, message: str, status: int) -> HttpResponse:
    """The page of a link that opens nothing, with what to do instead."""
    return render(request, "link_over.html", {"message": message}, status=status)


@_guarded(invitations.find)
def join(request: HttpRequest, token: str, invitation: Any) -> HttpResponse:
    """Choose a name and a password, as somebody invited; or join with one's account."""
    page = {"token": token, "invitation": invitation, "username": ""}
    if request.method != "POST":
        return render(request, "join.html", page)
    if isinstance(request.user, User):
        invitations.accept_as(token=token, user=request.user)
        messages.success(request, "You have joined.")
        return redirect("teams")
    if not settings.MAESTRO_SSO_PASSWORDS and not invitation.makes_administrator:
        raise Invalid(f"Here people join with {settings.MAESTRO_SSO_LABEL}.")
    try:
        user = invitations.accept(
            token=token,
            username=request.POST.get("username", ""),
            password=request.POST.get("password", ""),
            again=request.POST.get("again", ""),
        )
    except NotFound:
        raise
    except ServiceError as exc:
        page |= {"username": request.POST.get("username", ""), "error": exc}
        return render(request, "join.html", page, status=400)
    login(request, user, backend=settings.MAESTRO_PASSWORD_BACKEND)
    return redirect("chat")


@_guarded(directory.person_of_reset)
def new_password(request: HttpRequest, token: str, person: User) -> HttpResponse:
    """A new password, by an administrator's link."""
    page: dict[str, Any] = {"token": token, "username": person.get_username()}
    if request.method != "POST":
        return render(request, "new_password.html", page)
    try:
        directory.reset_password(
            token=token,
            password=request.POST.get("password", ""),
            again=request.POST.get("again", ""),
        )
    except NotFound:
        raise
    except ServiceError as exc:
        return render(request, "new_password.html", page | {"error": exc}, status=400)
    messages.success(request, "The password was changed. Sign in with it.")
    return redirect("login")
