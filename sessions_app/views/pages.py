"""The pages. Each view says its template and what that gets.

    chat.html         socket_token, conversation_id ("" on the empty page)
    credentials.html  socket_token (the rest the page asks the JSON for)
    usage.html        see views/usage.py
    setup.html        token, username, error (an Invalid or None)
    login.html        form (Django's AuthenticationForm), next, setup_is_needed

Every page, for strangers too, also gets `demo_banner` and, from Django, `user` and
`request`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from csp.decorators import csp_update
from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from sessions_app.consumers.token import make_socket_token
from sessions_app.errors import Invalid, NotFound
from sessions_app.services.conversations import conversation_for
from sessions_app.services.people import setup
from sessions_app.views.one_time import hide_address, link_over

# Strings reach the page's HTML through one policy (js/shared/markdown.js) or not at all.
TRUSTED_TYPES = {
    "require-trusted-types-for": ["'script'"],
    "trusted-types": ["maestro", "dompurify"],
}


@never_cache
@csp_update(TRUSTED_TYPES)
@require_safe
@login_required
def chat(request: HttpRequest, conversation_id: UUID | None = None) -> HttpResponse:
    """The chat page, empty or at one conversation; a foreign one does not exist."""
    if conversation_id is not None:
        try:
            conversation_for(user=request.user, conversation_id=conversation_id)
        except NotFound:
            raise Http404 from None
    return render(
        request,
        "chat.html",
        {
            "socket_token": make_socket_token(request.session),
            "conversation_id": str(conversation_id or ""),
        },
    )


@never_cache
@csp_update(TRUSTED_TYPES)
@require_safe
@login_required
def credentials(request: HttpRequest) -> HttpResponse:
    """The page of credentials."""
    token = make_socket_token(request.session)
    return render(request, "credentials.html", {"socket_token": token})


@never_cache
@require_http_methods(["GET", "POST"])
def set_up(request: HttpRequest, token: str) -> HttpResponse:
    """The first administrator's password, by the one-time link."""
    hide_address(request)
    error: Invalid | None = None
    username = request.POST.get("username", "admin")
    if not setup.is_valid(token):
        return link_over(request, setup.why_over(), 404)
    if request.method == "POST":
        try:
            user = setup.create_administrator(
                token=token,
                username=username,
                password=request.POST.get("password", ""),
                again=request.POST.get("again", ""),
            )
        except NotFound as exc:
            return link_over(request, exc.message, 404)
        except Invalid as exc:
            error = exc
        else:
            login(request, user, backend=settings.MAESTRO_PASSWORD_BACKEND)
            return redirect("chat")
    return render(
        request,
        "setup.html",
        {"token": token, "username": username, "error": error},
        status=400 if error else 200,
    )


class SignIn(LoginView):
    """Django's login; somebody who is signed in already goes on."""

    template_name = "login.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        # The start prints this address above the one-time link: many open it first.
        return super().get_context_data(setup_is_needed=setup.is_needed(), **kwargs)
