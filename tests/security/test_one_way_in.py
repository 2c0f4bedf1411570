"""S-09, S-24: a browser's session says who somebody is, and nothing else does.

There are no tokens for programs. A secret of ours is one in no header, no cookie of another
name, no query, no subprotocol: each is answered as nobody is.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.test import Client

from sessions_app.consumers.token import token_for
from sessions_app.routing import websocket_application
from tests.security import things
from tests.sessions_app.consumers.page import ORIGIN, session_of
from tests.sessions_app.factories import make_user
from tests.sessions_app.views.test_access import (
    OPEN,
    WORDS,
    alices_things,
    path_of,
    routes,
)

NAMES = (
    "Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "X-Auth-Token", "X-Session",
    "X-CSRFToken", "Proxy-Authorization", "Sec-WebSocket-Protocol", "X-User", "X-User-Id",
    "X-Forwarded-User", "Remote-User", "X-Auth-Request-User",
)  # fmt: skip


def spellings(secret: str) -> list[dict[str, str]]:
    """Headers in which a program could bring it."""
    return [
        {name: value}
        for name in NAMES
        for value in (secret, f"Bearer {secret}", f"Token {secret}", "alice")
    ]


@pytest.mark.django_db
def test_no_header_cookie_or_query_with_a_secret_of_ours_is_anybody() -> None:
    ids, _ = alices_things()
    alice = things.Conversation.objects.get().owner
    key = session_of(alice)
    before = things.snapshot()
    paths = [
        path_of(name, names, {**ids, **WORDS})
        for name, names in routes()
        if name not in OPEN
    ]
    for secret in (key, token_for(key), "sk-test-key"):
        cookies = f"session={secret}; token={secret}; access_token={secret}"
        for path in paths:
            nobody = Client()
            headers = {"cookie": cookies, "authorization": f"Bearer {secret}"}
            answer = nobody.get(
                f"{path}?sessionid={secret}&token={secret}", headers=headers
            )
            assert is_refused(answer), (path, answer.status_code)
        for headers in spellings(secret):
            answer = Client().get("/api/conversations/", headers=headers)
            assert answer.status_code == 401, headers
    assert things.snapshot() == before
    own = Client()
    own.cookies["sessionid"] = key
    assert own.get("/api/conversations/").status_code == 200  # the one way in


def is_refused(answer: Any) -> bool:
    if answer.status_code == 302:
        return "/login/" in answer["Location"]
    return answer.status_code in (401, 403, 405)


@pytest.mark.django_db(transaction=True)
async def test_no_header_or_subprotocol_opens_a_socket(transactional_db: None) -> None:
    alice = await sync_to_async(make_user)("alice")
    key = await sync_to_async(session_of)(alice)
    for secret in (key, token_for(key)):
        for headers in ({}, *spellings(secret)):
            given = [(k.lower().encode(), v.encode()) for k, v in headers.items()]
            opened = WebsocketCommunicator(
                websocket_application,
                f"/ws/chat/?token={secret}&sessionid={secret}",
                [(b"host", b"127.0.0.1:8000"), (b"origin", ORIGIN.encode()), *given],
                subprotocols=["bearer", secret],
            )
            if not (await opened.connect())[0]:
                continue
            await opened.send_to(json.dumps({"type": "hello", "token": token_for(key)}))
            said = await opened.receive_output(5)
            assert said == {"type": "websocket.close", "code": 4401}, headers
