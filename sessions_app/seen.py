"""Notes which browsers are signed in and when they were used last (`browsers.note`), and
marks them as known (`guessing.mark`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from django.db import Error
from django.http import HttpRequest, HttpResponse

from sessions_app import guessing
from sessions_app.services.people import browsers


class SeenMiddleware:
    """After `AuthenticationMiddleware`. Asks for nobody's session by itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Only where a view asked who it is: a picture costs no query.
        user = getattr(request, "_cached_user", None)
        key = request.session.session_key
        if user is not None and user.is_authenticated and key:
            guessing.mark(request, response, user)
            # A busy database must not cost the answer.
            with suppress(Error):
                browsers.note(
                    user_id=user.pk,
                    session_key=key,
                    address=request.META.get("REMOTE_ADDR", ""),
                    agent=request.headers.get("User-Agent", ""),
                )
        return response
