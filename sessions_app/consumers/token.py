"""The second wall of a websocket: a token that only a page of this session holds.

The page gets it in `<body data-socket-token>` and says it in its first frame. It is bound
to the session by the installation's key, so a cookie alone opens nothing, and it ends
with the session.
"""

from __future__ import annotations

from typing import Any

from django.utils.crypto import constant_time_compare, salted_hmac

_SALT = "sessions_app.consumers.token"


def make_socket_token(session: Any) -> str:
    """The token of a session (`request.session`); an unsaved session is saved."""
    if not session.session_key:
        session.save()
    return token_for(session.session_key)


def token_for(session_key: str) -> str:
    """The token of a session by its key."""
    return salted_hmac(_SALT, session_key, algorithm="sha256").hexdigest()


def is_token_of(token: str, session_key: str) -> bool:
    """Whether this token belongs to that session."""
    return constant_time_compare(token, token_for(session_key))
