"""What a person pastes or a browser brings back, read with suspicion."""

from __future__ import annotations

import contextlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import provider
from providers.errors import ConfigurationError, CredentialRejected, ProviderError
from providers.oauth.login import (
    MAX_ANSWER,
    Answer,
    Login,
    LoginRequest,
    parse_answer,
    read_answer,
)
from tests.providers.oauth.login_server import LoginServer

STATE = "state-of-this-login"
CALLBACK = "http://localhost:1455/auth/callback"


def login(**more: str) -> Login:
    fields = {"provider": "openai", "method": "browser", "name": "work"} | more
    return Login(authorize_url="", secret="the-verifier", state=STATE, **fields)


@pytest.mark.parametrize(
    ("text", "code", "state"),
    [
        ("abc-123", "abc-123", ""),
        ("  abc-123\n", "abc-123", ""),
        ("abc#s1", "abc", "s1"),
        ("4/0Adeu5B", "4/0Adeu5B", ""),
        (f"{CALLBACK}?code=abc&state=s1", "abc", "s1"),
        (f"{CALLBACK}?code=a%2Fb%2B&state=s1&scope=openid", "a/b+", "s1"),
        (f"{CALLBACK}?state=s1&code=abc#_=_", "abc", "s1"),
        (f"{CALLBACK}#code=abc&state=s1", "abc", "s1"),
        ("https://x.example/oauth/callback/openai/?code=abc&state=s1", "abc", "s1"),
        ("localhost:1455/auth/callback?code=abc&state=s1", "abc", "s1"),
        ("127.0.0.1:1455/auth/callback?code=abc&state=s1", "abc", "s1"),
        ("/auth/callback?code=abc&state=s1", "abc", "s1"),
        ("?code=abc&state=s1", "abc", "s1"),
        ("code=abc&state=s1", "abc", "s1"),
        ("state=s1&code=abc", "abc", "s1"),
    ],
)
def test_an_answer_is_read_however_it_is_pasted(
    text: str, code: str, state: str
) -> None:
    found = parse_answer(text)

    assert (found.code, found.state, found.error) == (code, state, "")


@pytest.mark.parametrize(
    "text",
    ["?error=access_denied&state=s1", f"{CALLBACK}?error=access_denied&state=s1"],
)
def test_an_error_is_read_too(text: str) -> None:
    found = parse_answer(text)

    assert (found.code, found.error, found.state) == ("", "access_denied", "s1")


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n ",
        "two words",
        "a\tb",
        "a\x00b",
        "a\u2028b",
        "caf\u00e9",
        "abc#\ud800",
        "x" * (MAX_ANSWER + 1),
        f"{CALLBACK}?code=a&code=b&state=s1",
        f"{CALLBACK}?code=a&state=s1&state=s2",
        f"{CALLBACK}?error=a&error=b",
    ],
)
def test_what_is_no_answer_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        parse_answer(text)

    if len(text.strip()) > 3:
        assert text.strip() not in str(told.value)
        assert CALLBACK not in str(told.value)


def test_the_answer_of_this_login_is_given_with_its_code() -> None:
    found = read_answer(login(), f"{CALLBACK}?code=abc&state={STATE}")

    assert found.code == "abc"


@pytest.mark.parametrize(
    "text",
    [
        f"{CALLBACK}?code=abc&state=another",
        f"{CALLBACK}?code=abc&state=",
        f"{CALLBACK}?code=abc",
        f"abc#{STATE}x",
        "abc#" + STATE.upper(),
        "?error=access_denied&state=another",
        "?error=access_denied",
        "abc",
    ],
)
def test_an_answer_of_another_login_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError) as told:
        read_answer(login(), text)

    assert told.value.vendor_code == "state_mismatch"


def test_a_login_without_a_state_takes_no_answer() -> None:
    stateless = Login(
        provider="openai", method="browser", name="work", authorize_url="", secret="v"
    )

    for text in ("?code=abc", "?code=abc&state=", "?code=abc&state=s"):
        with pytest.raises(ConfigurationError):
            read_answer(stateless, text)


def test_a_bare_code_is_taken_where_the_vendor_shows_one() -> None:
    assert read_answer(login(), "abc", needs_state=False).code == "abc"
    with pytest.raises(ConfigurationError):
        read_answer(login(), "abc#another", needs_state=False)


def test_a_declined_login_is_told_in_words() -> None:
    text = f"?error=access_denied&error_description=No+way&state={STATE}"

    with pytest.raises(CredentialRejected, match="declined") as told:
        read_answer(login(), text)

    assert told.value.vendor_code == "access_denied"
    assert told.value.vendor_message == "No way"


@pytest.mark.parametrize("word", ["<b>", "Ring 555-1234 now", "x" * 41, "Ünbekannt"])
def test_the_words_of_a_crafted_address_are_not_ours(word: str) -> None:
    with pytest.raises(CredentialRejected) as told:
        read_answer(login(), f"?error={quote(word)}&state={STATE}")

    assert word not in str(told.value)
    assert told.value.vendor_code == "error"


def test_a_secret_in_a_description_is_masked() -> None:
    text = f"?error=server_error&error_description=token=sk-test-12345678&state={STATE}"

    with pytest.raises(CredentialRejected) as told:
        read_answer(login(), text)

    assert "sk-test-12345678" not in str(told.value.vendor_message)


def test_an_address_without_a_code_is_told_apart() -> None:
    with pytest.raises(ConfigurationError, match="no code"):
        read_answer(login(), f"{CALLBACK}?state={STATE}")


# What an attacker, or a clipboard, may come up with.
PIECES = st.sampled_from(
    [
        *(
            "code=",
            "state=",
            "error=",
            "&",
            "?",
            "#",
            "://",
            "%",
            "%zz",
            "[",
            "]",
            STATE,
        ),
        *("http://[", "localhost", "\ud800", "\x00", "\n", "\u212a", "@", ":", "//"),
    ]
)
ANYTHING = st.one_of(
    st.text(max_size=60),
    st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=14).map("".join),
)


@given(ANYTHING)
def test_nothing_that_is_pasted_makes_it_stumble_or_is_repeated(text: str) -> None:
    canary = "CANARY7" + text
    for pasted, needs_state in ((text, True), (text, False), (canary, True)):
        try:
            found = read_answer(login(), pasted, needs_state=needs_state)
        except ProviderError as exc:
            assert "CANARY7" not in str(exc)
            assert "CANARY7" not in repr(exc)
        else:
            assert found.code
            assert found.code.strip()


@given(st.text(min_size=30, max_size=60))
def test_a_long_text_is_never_part_of_a_message(text: str) -> None:
    try:
        parse_answer(text)
    except ProviderError as exc:
        assert text not in str(exc)


@given(ANYTHING)
def test_checking_an_answer_sends_nothing_and_never_stumbles(text: str) -> None:
    with contextlib.suppress(ProviderError):
        provider.check_answer(login(), text)


def test_an_answer_of_another_login_sends_nothing(server: LoginServer) -> None:
    begun = provider.begin_login("openai", name="work", redirect_uri=CALLBACK)

    for text in (f"{CALLBACK}?code=abc&state=another", "abc", "?error=access_denied"):
        with pytest.raises(ConfigurationError):
            provider.complete_login(begun, text)

    assert server.asked == []


def test_a_declined_login_sends_nothing(server: LoginServer) -> None:
    begun = provider.begin_login("openai", name="work", redirect_uri=CALLBACK)

    with pytest.raises(CredentialRejected):
        provider.complete_login(begun, f"?error=access_denied&state={begun.state}")

    assert server.asked == []


def test_no_part_of_a_login_shows_its_secrets() -> None:
    shown = [
        repr(login()),
        repr(Answer(code="the-code", state=STATE, params={"code": "the-code"})),
        repr(LoginRequest(name="work", method="browser", state=STATE)),
    ]

    for text in shown:
        assert "the-verifier" not in text
        assert "the-code" not in text
        assert STATE not in text
