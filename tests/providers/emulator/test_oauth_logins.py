"""Logins at the emulated vendors: each flow, and what is refused on the way."""

from __future__ import annotations

import html
import re

import pytest
import requests

from tests.emulator import EmulatorProcess
from tests.providers.emulator.logins import (
    ALL,
    CODEX,
    FLOWS,
    STATE,
    ask_token,
    authorize_url,
    came_back,
    code_fields,
    get,
    log_in,
    use,
    word,
)


@pytest.mark.parametrize("vendor", ALL)
def test_a_login_gives_tokens_that_are_let_in(
    vendor: str, emulator: EmulatorProcess
) -> None:
    given = log_in(emulator, vendor)

    answer = use(emulator, vendor, given["access_token"])

    assert answer.status_code == 200, answer.text
    assert given["refresh_token"] and given["expires_in"] > 3000
    assert given["token_type"] == "Bearer"
    seen = emulator.oauth()["token_requests"]
    assert [(s["grant"], s["outcome"]) for s in seen] == [("authorization_code", "ok")]


@pytest.mark.parametrize("vendor", ALL)
def test_a_code_is_accepted_once_and_its_second_use_ends_what_it_gave(
    vendor: str, emulator: EmulatorProcess
) -> None:
    fields = code_fields(emulator, vendor)
    given = ask_token(emulator, vendor, fields).json()

    again = ask_token(emulator, vendor, fields)

    assert (again.status_code, word(again)) == (400, "invalid_grant")
    assert use(emulator, vendor, given["access_token"]).status_code == 401
    assert set(emulator.oauth()["families"].values()) == {"revoked"}


@pytest.mark.parametrize("vendor", ALL)
@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "w" * 43},
        {"code_verifier": "v" * 42},
        {"redirect_uri": "http://localhost:9/callback"},
        {"code": "never-given"},
        {"client_id": "somebody-else"},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_a_code_needs_its_verifier_redirect_and_client(
    vendor: str, wrong: dict[str, str], emulator: EmulatorProcess
) -> None:
    fields = code_fields(emulator, vendor)

    refused = ask_token(emulator, vendor, fields | wrong)

    assert refused.status_code in (400, 401)
    assert word(refused) in ("invalid_grant", "invalid_client")
    assert ask_token(emulator, vendor, fields).status_code == 200


@pytest.mark.parametrize("vendor", ALL)
@pytest.mark.parametrize("missing", ["code_verifier", "redirect_uri", "client_id"])
def test_a_token_request_without_a_field_is_invalid(
    vendor: str, missing: str, emulator: EmulatorProcess
) -> None:
    fields = code_fields(emulator, vendor)
    del fields[missing]

    refused = ask_token(emulator, vendor, fields)

    assert (refused.status_code, word(refused)) == (400, "invalid_request")


@pytest.mark.parametrize("vendor", ALL)
def test_a_code_does_not_live_long(vendor: str, emulator: EmulatorProcess) -> None:
    fields = code_fields(emulator, vendor)
    emulator.oauth_config(code_life_s=-1)

    refused = ask_token(emulator, vendor, fields)

    assert (refused.status_code, word(refused)) == (400, "invalid_grant")


@pytest.mark.parametrize("vendor", ALL)
def test_the_other_encoding_of_a_body_is_refused(
    vendor: str, emulator: EmulatorProcess
) -> None:
    fields = code_fields(emulator, vendor)
    other = "json" if FLOWS[vendor][3] == "data" else "data"

    refused = ask_token(emulator, vendor, fields, other)

    assert (refused.status_code, word(refused)) == (400, "invalid_request")
    assert ask_token(emulator, vendor, fields).status_code == 200


def test_a_form_that_says_something_twice_is_refused(
    emulator: EmulatorProcess,
) -> None:
    fields = [*code_fields(emulator, "openai").items(), ("client_id", CODEX)]
    url = emulator.here("https://auth.openai.com/oauth/token")

    refused = requests.post(url, data=fields, timeout=5)

    assert (refused.status_code, word(refused)) == (400, "invalid_request")


@pytest.mark.parametrize("vendor", ALL)
@pytest.mark.parametrize(
    "wrong",
    [
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"response_type": "token"},
        {"state": None},
        {"scope": "everything"},
    ],
    ids=lambda wrong: "-".join(f"{k}-{v}" for k, v in wrong.items()),
)
def test_a_wrong_authorization_request_gets_no_code(
    vendor: str, wrong: dict[str, str | None], emulator: EmulatorProcess
) -> None:
    answer = get(emulator, authorize_url(vendor, **wrong))

    assert answer.status_code in (302, 400)
    told = came_back(answer.headers.get("location", "http://nowhere"))
    assert "code" not in told
    assert answer.status_code == 400 or told["error"]
    assert emulator.oauth()["codes"] == []


@pytest.mark.parametrize("vendor", ALL)
@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "http://evil.example/auth/callback"},
        {"redirect_uri": "http://localhost:1455@evil.example/auth/callback"},
        {"redirect_uri": "http://localhost:1455/callback\r\nset-cookie: a=b"},
        {"redirect_uri": None},
        {"client_id": None},
    ],
    ids=["stranger", "userinfo", "second-header", "none", "no-client"],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(
    vendor: str, wrong: dict[str, str | None], emulator: EmulatorProcess
) -> None:
    answer = get(emulator, authorize_url(vendor, **wrong))

    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_the_codex_client_comes_back_to_two_ports_only(
    emulator: EmulatorProcess,
) -> None:
    def status(port: int, host: str = "localhost") -> int:
        uri = f"http://{host}:{port}/auth/callback"
        return get(emulator, authorize_url("openai", redirect_uri=uri)).status_code

    assert [status(1455), status(1457), status(40000)] == [302, 302, 400]
    assert status(1455, "127.0.0.1") == 400
    emulator.oauth_config(any_port=True)
    assert status(40000) == 302


@pytest.mark.parametrize("vendor", ALL)
def test_a_person_may_be_asked_and_say_no(
    vendor: str, emulator: EmulatorProcess
) -> None:
    emulator.oauth_config(auto_approve=False)
    url = authorize_url(vendor)

    asked = get(emulator, url)
    links = [html.unescape(x) for x in re.findall(r"href='(.*?)'", asked.text)]
    base = url.partition("?")[0]
    denied = get(emulator, base + links[1])

    assert asked.status_code == 200 and "text/html" in asked.headers["content-type"]
    assert "location" not in asked.headers
    assert emulator.oauth()["codes"] == []
    assert came_back(emulator.authorize(base + links[0]))["code"]
    if vendor == "anthropic":  # its page is where the code would be shown
        assert denied.status_code == 400 and "access_denied" in denied.text
    else:
        told = came_back(denied.headers["location"])
        assert (told["error"], told["state"]) == ("access_denied", STATE)


def test_a_refusal_carries_its_description(emulator: EmulatorProcess) -> None:
    emulator.oauth_config(deny="missing_codex_entitlement")

    told = came_back(emulator.authorize(authorize_url("openai")))

    assert told["error"] == "access_denied"
    assert told["error_description"] == "missing_codex_entitlement"


def test_the_page_of_a_login_shows_what_came_as_text(
    emulator: EmulatorProcess,
) -> None:
    emulator.oauth_config(auto_approve=False)

    text = get(emulator, authorize_url("openai", login_hint="'><script>x")).text

    assert "<script>" not in text
