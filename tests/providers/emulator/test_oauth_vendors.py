"""What is peculiar to the login of one emulated vendor, and settings of all."""

from __future__ import annotations

import time

import jwt
import pytest
import requests

from tests.emulator import EmulatorProcess
from tests.providers.emulator.logins import (
    ALL,
    CODEX,
    HOST,
    STATE,
    ask_token,
    authorize_url,
    came_back,
    claims,
    code_fields,
    get,
    log_in,
    use,
    word,
)

CLAIM = "https://api.openai.com/auth"


def test_claude_shows_the_code_or_comes_back_to_localhost(
    emulator: EmulatorProcess,
) -> None:
    pasted = emulator.authorize(authorize_url("anthropic"))
    uri = "http://localhost:54545/callback"
    callback = emulator.authorize(authorize_url("anthropic", redirect_uri=uri))

    assert pasted.endswith(f"#{STATE}") and pasted.count("#") == 1
    assert callback.startswith(f"{uri}?") and came_back(callback)["state"] == STATE


def test_claude_wants_the_state_with_the_code(emulator: EmulatorProcess) -> None:
    fields = code_fields(emulator, "anthropic")

    refused = ask_token(emulator, "anthropic", fields | {"state": "another"})

    assert (refused.status_code, word(refused)) == (400, "invalid_grant")


def test_google_wants_the_secret_of_its_client(emulator: EmulatorProcess) -> None:
    emulator.oauth_config(client_secret="fake-client-secret")
    fields = code_fields(emulator, "google")

    missing = {k: v for k, v in fields.items() if k != "client_secret"}
    wrong = fields | {"client_secret": "another"}

    assert word(ask_token(emulator, "google", missing)) == "invalid_request"
    assert ask_token(emulator, "google", wrong).status_code == 401
    assert ask_token(emulator, "google", fields).status_code == 200


def test_google_gives_a_refresh_token_with_the_first_consent_or_when_asked(
    emulator: EmulatorProcess,
) -> None:
    online = log_in(emulator, "google", access_type=None, prompt=None)
    second = log_in(emulator, "google", prompt=None)
    asked = log_in(emulator, "google")

    assert "refresh_token" not in online
    assert "refresh_token" not in second
    assert asked["refresh_token"]


def test_two_accounts_keep_what_they_had_when_they_signed_in(
    emulator: EmulatorProcess,
) -> None:
    first = log_in(emulator, "openai")
    emulator.oauth_config(email="bob@example.com", account_id="acc-0002")
    second = log_in(emulator, "openai")

    assert claims(first["id_token"])["email"] == "ada@example.com"
    assert claims(second["id_token"])["email"] == "bob@example.com"
    token = second["access_token"]
    assert use(emulator, "openai", token).status_code == 403
    assert use(emulator, "openai", token, chatgpt_account_id="acc-0002").ok
    assert use(emulator, "openai", first["access_token"]).ok


@pytest.mark.parametrize("plan", ["free", "enterprise", None])
def test_the_id_token_says_the_plan_and_the_organisation(
    plan: str | None, emulator: EmulatorProcess
) -> None:
    emulator.oauth_config(plan_type=plan, has_platform_org=False)
    without = claims(log_in(emulator, "openai")["id_token"])[CLAIM]
    emulator.oauth_config(has_platform_org=True, organization_id="org-test")
    found = log_in(emulator, "openai", id_token_add_organizations=None)
    claim = claims(found["id_token"])[CLAIM]

    assert without.get("chatgpt_plan_type") == plan
    assert ("chatgpt_plan_type" in without) is (plan is not None)
    assert "organization_id" not in without and without["organizations"] == []
    assert claim["organization_id"] == "org-test" and "organizations" not in claim
    assert claims(found["access_token"])[CLAIM]["chatgpt_account_id"] == "acc-0001"


def test_the_vendors_clock_may_be_wrong(emulator: EmulatorProcess) -> None:
    emulator.oauth_config(clock_offset_s=-7200, expires_in=600)

    found = log_in(emulator, "openai")
    said = claims(found["access_token"])

    assert abs(time.time() - 7200 - said["iat"]) < 60
    assert said["exp"] - said["iat"] == found["expires_in"] == 600
    assert use(emulator, "openai", found["access_token"]).ok


def test_siwc_registers_the_host_and_signs_who_it_was(
    emulator: EmulatorProcess,
) -> None:
    callback = came_back(emulator.authorize(authorize_url("siwc")))
    found = log_in(emulator, "siwc")

    assert callback["client_id"].startswith("oaiapp_")
    keys = get(emulator, "https://auth.openai.com/.well-known/jwks.json").json()
    key = jwt.PyJWKSet.from_dict(keys).keys[0]
    said = jwt.decode(
        found["id_token"],
        key,
        algorithms=["RS256"],
        audience=found["client_id"],
        issuer="https://auth.openai.com",
    )
    assert (said["nonce"], said["sub"]) == ("nonce-of-this-login", "user-0001")
    access = claims(found["access_token"])
    assert set(access) == {
        "sub", "aud", "client_id", "scope", "iss", "iat", "exp", "jti", "nbf",
    }  # fmt: skip
    assert found["earliest_refresh_at"] < access["exp"]


def test_siwc_lets_its_own_client_return_and_no_other(
    emulator: EmulatorProcess,
) -> None:
    issued = log_in(emulator, "siwc")["client_id"]
    mine = {"client_id": issued, "agent_name_hint": None}

    back = came_back(emulator.authorize(authorize_url("siwc", **mine)))
    assert back["code"] and "client_id" not in back

    other = HOST.replace("6f1f", "7f1f")
    for wrong, error in (
        ({"ext_agent_host_id": other}, "unauthorized_client"),
        ({"agent_name_hint": "Maestro"}, "invalid_request"),
    ):
        url = authorize_url("siwc", **{**mine, **wrong})
        assert came_back(emulator.authorize(url))["error"] == error
    emulator.oauth_config(user_id="user-0002")
    told = came_back(emulator.authorize(authorize_url("siwc", **mine)))
    assert told["error"] == "access_denied"
    stranger = authorize_url("siwc", client_id="oaiapp_x", agent_name_hint=None)
    assert get(emulator, stranger).status_code == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"ext_agent_host_id": "my-laptop"},
        {"agent_name_hint": None},
        {"resource": "https://api.openai.com/v2"},
        {"nonce": None},
    ],
    ids=lambda wrong: "-".join(wrong),
)
def test_siwc_wants_host_name_resource_and_nonce(
    wrong: dict[str, str | None], emulator: EmulatorProcess
) -> None:
    told = came_back(emulator.authorize(authorize_url("siwc", **wrong)))

    assert told["error"] in ("invalid_request", "invalid_target")


def test_siwc_never_exchanges_with_the_client_of_first_registrations(
    emulator: EmulatorProcess,
) -> None:
    fields = code_fields(emulator, "siwc")

    first = ask_token(emulator, "siwc", fields | {"client_id": "dynamic_agent_client"})
    bare = {k: v for k, v in fields.items() if k != "resource"}

    assert (first.status_code, word(first)) == (401, "invalid_client")
    assert word(ask_token(emulator, "siwc", bare)) == "invalid_request"
    localhost = "http://localhost:40123/auth/callback"
    url = authorize_url("siwc", redirect_uri=localhost)
    assert get(emulator, url).status_code == 400


def test_codes_of_one_flow_are_worth_nothing_in_another(
    emulator: EmulatorProcess,
) -> None:
    emulator.oauth_config(client_ids=[CODEX])
    fields = code_fields(emulator, "openai")
    anthropic = fields | {"state": STATE}

    assert word(ask_token(emulator, "anthropic", anthropic)) == "invalid_grant"
    assert ask_token(emulator, "openai", fields).status_code == 200


def test_a_token_answer_can_be_told_to_lack_a_field(
    emulator: EmulatorProcess,
) -> None:
    emulator.oauth_config(omit=["id_token", "refresh_token"])

    assert set(log_in(emulator, "openai")).isdisjoint({"id_token", "refresh_token"})


def test_what_the_control_api_shows_has_no_token_in_it(
    emulator: EmulatorProcess,
) -> None:
    given = [log_in(emulator, vendor) for vendor in ALL]
    shown = str(emulator.oauth())

    for found in given:
        assert found["access_token"] not in shown
        assert found["refresh_token"] not in shown
    assert "ac_" not in shown


@pytest.mark.parametrize(
    "fields",
    [
        {"plan": "plus"},
        {"rotate": 1},
        {"grace_s": "1"},
        {"omit": "x"},
        {"grace_s": True},
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_refused_whole(
    fields: dict[str, object], emulator: EmulatorProcess
) -> None:
    url = f"{emulator.base}/_emulator/oauth"

    answer = requests.post(url, json={"email": "x@example.com", **fields}, timeout=5)

    assert answer.status_code == 400
    found = log_in(emulator, "openai")
    assert claims(found["id_token"])["email"] == "ada@example.com"
