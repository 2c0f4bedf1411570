"""Who is at the other end of a socket: the person of the session cookie.

Asked again at each frame and while a socket sends, so that a logout, a changed password
or a closed account ends what is open.
"""

from __future__ import annotations

from http.cookies import CookieError, SimpleCookie
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user

from sessions_app.person import Person


def session_key_of(scope: Any) -> str:
    """The session cookie of a handshake; "" when there is none."""
    for name, value in scope["headers"]:
        if name.lower() != b"cookie":
            continue
        try:
            cookies = SimpleCookie(value.decode("latin-1"))
        except CookieError:
            continue
        found = cookies.get(settings.SESSION_COOKIE_NAME)
        if found is not None:
            return str(found.value)
    return ""


def person_of(session_key: str) -> Person | None:
    """The person of a session that is valid now. Reads the database."""
    if not session_key:
        return None
    engine = import_module(settings.SESSION_ENGINE)
    # Django's own check asks a request for nothing but its session.
    request: Any = SimpleNamespace(session=engine.SessionStore(session_key))
    user = get_user(request)
    return user if user.is_authenticated and user.is_active else None
