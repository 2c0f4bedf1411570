"""Who may open a socket: our own pages, of people who are signed in, with the token."""

from __future__ import annotations

import json

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from sessions_app.consumers import chat
from sessions_app.consumers.origin import is_own, normalised
from sessions_app.consumers.token import make_socket_token, token_for
from tests.sessions_app.consumers.page import Page, session_of, socket
from tests.sessions_app.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def alice(transactional_db: None) -> User:
    return make_user("alice")


def origins(*values: str) -> list[tuple[bytes, bytes]]:
    return [(b"origin", value.encode()) for value in values]


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["null"],
        [""],
        ["*"],
        ["http://evil.example"],
        ["https://127.0.0.1:8000"],
        ["http://127.0.0.1"],
        ["http://127.0.0.1:8001"],
        ["http://127.0.0.1:8000.evil.example"],
        ["http://127.0.0.1:8000@evil.example"],
        ["http://evil.example/http://127.0.0.1:8000"],
        ["http://sub.127.0.0.1:8000"],
        ["http://127.0.0.1:8000", "http://127.0.0.1:8000"],
        ["http://127.0.0.1:99999"],
        ["ws://127.0.0.1:8000"],
    ],
)
async def test_a_foreign_origin_is_refused_before_anything_else(
    given: list[str],
) -> None:
    assert not is_own(origins(*given))


@pytest.mark.parametrize(
    "given", ["http://127.0.0.1:8000", "http://localhost:8000", "HTTP://LOCALHOST:8000"]
)
async def test_our_own_origin_is_let_in(given: str) -> None:
    assert is_own(origins(given))


def test_a_default_port_is_the_same_as_none() -> None:
    assert normalised("https://chat.example:443") == normalised("https://chat.example")
    assert normalised("https://chat.example:80") != normalised("https://chat.example")


async def test_a_foreign_handshake_gets_no_socket(alice: User) -> None:
    key = await sync_to_async(session_of)(alice)
    foreign = socket(key, origin="http://evil.example")
    assert await foreign.connect() == (False, 1000)  # before accept: 403 on the wire
    missing = socket(key, origin=None)
    assert (await missing.connect())[0] is False


async def test_another_path_gets_no_socket(alice: User) -> None:
    key = await sync_to_async(session_of)(alice)
    assert (await socket(key, path="/ws/other/").connect())[0] is False


@pytest.mark.parametrize("session_key", ["", "nosuchsessionnosuchsessionnosuch"])
async def test_nobody_is_told_to_sign_in(session_key: str) -> None:
    stranger = socket(session_key)
    assert (await stranger.connect())[0]
    closed = await stranger.receive_output(5)
    assert closed == {"type": "websocket.close", "code": 4401}


async def test_the_token_of_the_page_opens_it(alice: User) -> None:
    async with Page(alice) as page:
        await page.say(type="ping")
        assert (await page.next())["type"] == "pong"


@pytest.mark.parametrize("first", ["wrong", "other_session", "no_hello", "garbage"])
async def test_without_the_token_it_closes(alice: User, first: str) -> None:
    key = await sync_to_async(session_of)(alice)
    other = await sync_to_async(session_of)(alice)
    frame = {
        "wrong": json.dumps({"type": "hello", "token": "0" * 64}),
        "other_session": json.dumps({"type": "hello", "token": token_for(other)}),
        "no_hello": json.dumps({"type": "ping"}),
        "garbage": "{{{",
    }[first]
    opened = socket(key)
    assert (await opened.connect())[0]
    await opened.send_to(text_data=frame)
    while (message := await opened.receive_output(5))["type"] == "websocket.send":
        assert json.loads(message["text"])["type"] == "error"
    assert message["code"] == 4403


async def test_silence_closes_after_a_while(
    alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat, "HELLO_WITHIN_S", 0.1)
    silent = socket(await sync_to_async(session_of)(alice))
    assert (await silent.connect())[0]
    assert (await silent.receive_output(5))["code"] == 4403


async def test_after_a_logout_the_next_frame_closes_it(alice: User) -> None:
    async with Page(alice) as page:
        await sync_to_async(Session.objects.all().delete)()
        await page.say(type="follow", conversation_id="0" * 32)
        with pytest.raises(ConnectionError):
            await page.next()
        assert page.closed == 4401


async def test_an_account_that_was_closed_is_signed_out(alice: User) -> None:
    async with Page(alice) as page:
        alice.is_active = False
        await alice.asave()
        await page.say(type="send", client_message_id="x", text="hi")
        with pytest.raises(ConnectionError):
            await page.next()
        assert page.closed == 4401


def test_the_page_gets_the_token_of_its_session(alice: User) -> None:
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    token = make_socket_token(session)
    assert session.session_key and token == token_for(session.session_key)
    assert len(token) == 64
