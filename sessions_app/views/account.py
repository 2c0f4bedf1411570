"""One's own account: name, password, the browsers that are signed in, all data to take.

account.html   browsers (SignedInBrowser), this_session (the key of this one), sso_linked
"""

from __future__ import annotations

from uuid import UUID

import msgspec
from django.conf import settings
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sessions_app.services.people import accounts, browsers, single_sign_on
from sessions_app.views import present_password
from sessions_app.views.forms import action
from sessions_app.views.forms import page as as_page


def _back(**_: object) -> str:
    return reverse("account")


def _me(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # every view here asks for a login
    return request.user


@as_page
def show(request: HttpRequest) -> HttpResponse:
    """The page."""
    found = browsers.browsers_of(user=request.user)
    here = request.session.session_key
    page: dict[str, object] = {"browsers": found, "this_session": here}
    if settings.MAESTRO_SSO_ISSUER:
        page["sso_linked"] = single_sign_on.is_connected(_me(request))
    return render(request, "account.html", page)


@action(_back)
def rename(request: HttpRequest) -> tuple[str, str]:
    """The name that others see."""
    accounts.rename(
        user=_me(request), display_name=request.POST.get("display_name", "")
    )
    return "account", "Your name was changed."


@action(_back)
def password(request: HttpRequest) -> tuple[str, str]:
    """A new password; this browser stays signed in, no other does."""
    user = _me(request)
    present_password.check(request, user)
    accounts.change_password(
        user=user,
        password=request.POST.get("password", ""),
        again=request.POST.get("again", ""),
        session_key=request.session.session_key or "",
    )
    update_session_auth_hash(request, user)
    return "account", "Your password was changed. All other browsers are signed out."


@action(_back)
def end(request: HttpRequest, browser_id: UUID) -> tuple[str, str]:
    """Sign one browser out."""
    browsers.end(user=_me(request), browser_id=browser_id)
    return "account", "That browser is signed out."


@action(_back)
def end_others(request: HttpRequest) -> tuple[str, str]:
    """Sign all others out."""
    user = _me(request)
    browsers.end_all(user_id=user.pk, but=request.session.session_key or "")
    return "account", "All other browsers are signed out."


@never_cache
@require_safe
@login_required
def export(request: HttpRequest) -> HttpResponse:
    """All that this person has here, as a file."""
    text = msgspec.json.format(
        msgspec.json.encode(accounts.everything_of(request.user)), indent=1
    )
    response = HttpResponse(text, content_type="application/json")
    response["Content-Disposition"] = 'attachment; filename="maestro-account.json"'
    return response
