"""What token endpoints answer, good and bad, in the shapes they are known to use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import errors
from providers.http.oauth import OAuthClient
from providers.oauth.server import AuthorizationServer
from providers.oauth.tokens import Tokens, seconds, tokens_from
from providers.types import Secret
from tests.providers.oauth.login_server import LoginServer

TOKEN_URL = "https://auth.openai.com/oauth/token"
REVOKE_URL = "https://auth.openai.com/oauth/revoke"
LINE = f"POST {TOKEN_URL}"
GOOD = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 3600}


def client(**more: Any) -> OAuthClient:
    fields: dict[str, Any] = {
        "provider": "openai",
        "label": "OpenAI",
        "client_id": "client-1",
        "authorize_url": "https://auth.openai.com/oauth/authorize",
        "token_url": TOKEN_URL,
        "revoke_url": REVOKE_URL,
        "dead_statuses": (401,),
    }
    return OAuthClient(AuthorizationServer(**{**fields, **more}))


def exchanged(own: OAuthClient | None = None) -> Tokens:
    return (own or client()).exchange_code(
        code="the-code", verifier="the-verifier", redirect_uri="http://localhost/cb"
    )


def refreshed(own: OAuthClient | None = None) -> Tokens:
    return (own or client()).refresh("rt-old", access_token="at-old")


def test_a_code_is_traded_in_a_form(server: LoginServer) -> None:
    server.says(LINE, {**GOOD, "refresh_token": "rt-1", "scope": "a b", "more": 1})

    found = exchanged()

    assert server.to(LINE)[0].form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "code_verifier": "the-verifier",
        "redirect_uri": "http://localhost/cb",
        "client_id": "client-1",
    }
    assert found.access_token == Secret("at-1")
    assert found.refresh_token == Secret("rt-1")
    assert found.scope == "a b"
    assert found.extra == {"token_type": "Bearer", "more": 1}


def test_a_code_is_traded_in_json_where_the_vendor_wants_it(
    server: LoginServer,
) -> None:
    server.says(LINE, GOOD)

    exchanged(client(code_body="json"))

    assert server.to(LINE)[0].json == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "code_verifier": "the-verifier",
        "redirect_uri": "http://localhost/cb",
        "client_id": "client-1",
    }


@pytest.mark.parametrize("kind", ["form", "json"])
def test_a_refresh_names_the_client_and_nothing_else(
    server: LoginServer, kind: Any
) -> None:
    server.says(LINE, GOOD)

    refreshed(client(refresh_body=kind, client_secret=Secret("cs-1")))

    asked = server.to(LINE)[0]
    assert (asked.form if kind == "form" else asked.json) == {
        "grant_type": "refresh_token",
        "refresh_token": "rt-old",
        "client_id": "client-1",
        "client_secret": "cs-1",
    }
    assert "authorization" not in asked.headers


def test_odd_characters_of_a_code_arrive_as_they_were(server: LoginServer) -> None:
    server.says(LINE, GOOD)
    code = "4/0A+b=c&d%20e~;,'\"|"

    for kind in ("form", "json"):
        client(code_body=kind).exchange_code(
            code=code, verifier="v", redirect_uri="http://localhost/cb"
        )

    first, second = server.to(LINE)
    assert first.form["code"] == code
    assert second.json["code"] == code


def test_what_we_send_says_who_we_are_and_no_more(server: LoginServer) -> None:
    server.says(LINE, GOOD)

    exchanged()

    headers = server.to(LINE)[0].headers
    assert headers["user-agent"].startswith("maestro/")
    assert headers["accept"] == "application/json"
    assert not {"cookie", "authorization", "referer"} & set(headers)


@pytest.mark.parametrize(
    ("expires_in", "life_s"),
    [
        (3600, 3600.0),
        ("3600", 3600.0),
        (" 28800 ", 28800.0),
        (1.5, 1.5),
        (0, None),
        (-5, None),
        ("-5", None),
        ("soon", None),
        ("", None),
        (None, None),
        (True, None),
        ([], None),
        ({"s": 1}, None),
        ("nan", None),
        ("inf", None),
        (10**30, 400 * 86_400.0),
        (1e300, 400 * 86_400.0),
        ("9" * 500, None),
    ],
)
def test_a_lifetime_is_a_number_however_it_is_written(
    server: LoginServer, expires_in: Any, life_s: float | None
) -> None:
    server.says(LINE, {**GOOD, "expires_in": expires_in})
    before = datetime.now(UTC)

    found = exchanged()

    assert found.lifetime_s == life_s
    if life_s is None:
        assert found.expires_at is None
    else:
        assert found.expires_at is not None
        assert 0 <= (found.expires_at - before).total_seconds() - life_s < 30


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["refresh_token", "scope", "expires_in"]), JSON))
def test_odd_fields_of_an_answer_are_left_out(odd: dict[str, Any]) -> None:
    found = tokens_from({"access_token": "at", **odd}, datetime.now(UTC))

    assert found.lifetime_s is None or found.lifetime_s > 0
    assert found.expires_at is None or found.expires_at >= found.received_at


@given(st.integers() | st.text() | st.floats())
def test_seconds_are_positive_or_nothing(value: Any) -> None:
    found = seconds(value)

    assert found is None or 0 < found <= 400 * 86_400


def test_seconds_of_an_absurd_number_are_bounded() -> None:
    assert seconds(10**400) is None


def test_a_refresh_that_brings_no_new_refresh_token_says_so(
    server: LoginServer,
) -> None:
    server.says(LINE, GOOD)

    found = refreshed()

    assert found.refresh_token is None
    assert found.access_token == Secret("at-1")


def test_a_refresh_that_brings_no_access_token_keeps_the_old(
    server: LoginServer,
) -> None:
    server.says(LINE, {"refresh_token": "rt-2", "access_token": None})

    found = refreshed()

    assert found.access_token == Secret("at-old")
    assert found.refresh_token == Secret("rt-2")


def test_a_form_encoded_answer_is_understood(server: LoginServer) -> None:
    body = b"access_token=at%2F1&expires_in=3600&refresh_token=rt-1&scope=a+b\n"
    server.says(LINE, body, content_type="application/x-www-form-urlencoded")

    found = exchanged()

    assert found.access_token == Secret("at/1")
    assert found.refresh_token == Secret("rt-1")
    assert found.lifetime_s == 3600
    assert found.scope == "a b"


@pytest.mark.parametrize(
    "body",
    [
        b"<html><a href='?a=1&access_token=abc'>sign in</a></html>",
        b"<html>welcome</html>",
        b"",
        b"{}",
        b"[]",
        b'"at-1"',
        b"null",
        b'{"access_token": ""}',
        b'{"access_token": null}',
        b'{"access_token": 5}',
        b'{"access_token": {"value": "at"}}',
        b'{"token": "at"}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b"access_token=",
    ],
)
def test_a_good_status_without_a_token_is_not_a_login(
    server: LoginServer, body: bytes
) -> None:
    server.says(LINE, body)

    with pytest.raises(errors.ProtocolError):
        exchanged()


@pytest.mark.parametrize("body", [b"{}", b'{"token_type": "Bearer"}'])
def test_a_refresh_without_any_token_is_not_taken_for_one(
    server: LoginServer, body: bytes
) -> None:
    server.says(LINE, body)

    with pytest.raises(errors.ProtocolError):
        client().refresh("rt-old", access_token="")


def test_a_token_is_exchanged_for_another_kind(server: LoginServer) -> None:
    answer = {**GOOD, "issued_token_type": "urn:ietf:params:oauth:token-type:jwt"}
    server.says(LINE, answer)

    found = client().exchange_token(
        subject_token="idt", subject_token_type="urn:x:id_token", audience="them"
    )

    assert found.access_token == Secret("at-1")
    assert server.to(LINE)[0].form == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "client_id": "client-1",
        "subject_token": "idt",
        "subject_token_type": "urn:x:id_token",
        "audience": "them",
    }


def test_an_exchange_must_name_what_it_gave_unless_the_server_is_older(
    server: LoginServer,
) -> None:
    server.says(LINE, GOOD)

    with pytest.raises(errors.ProtocolError, match="kind of token"):
        client().exchange_token(subject_token="idt", subject_token_type="x")
    older = client().exchange_token(
        subject_token="idt", subject_token_type="x", must_name_type=False
    )
    assert older.access_token == Secret("at-1")


@pytest.mark.parametrize(
    ("status", "body"), [(200, b""), (200, {}), (400, {"error": "invalid_token"})]
)
def test_a_token_is_taken_back_even_one_that_was_dead(
    server: LoginServer, status: int, body: Any
) -> None:
    server.says(f"POST {REVOKE_URL}", body, status)

    client().revoke("rt-1", hint="refresh_token", client_id="client-1")

    assert server.asked[0].form == {
        "token": "rt-1",
        "token_type_hint": "refresh_token",
        "client_id": "client-1",
    }


def test_a_revocation_that_fails_is_told(server: LoginServer) -> None:
    server.says(f"POST {REVOKE_URL}", b"", 500)

    with pytest.raises(errors.ProviderUnavailable):
        client().revoke("rt-1")
