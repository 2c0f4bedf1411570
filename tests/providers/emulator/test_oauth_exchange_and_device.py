"""An ID token for a key, a login on another device, and token requests that go wrong."""

from __future__ import annotations

import pytest
import requests

from tests.emulator import EmulatorProcess
from tests.providers.emulator.logins import (
    ALL,
    AUTH,
    CODEX,
    ask_token,
    authorize_url,
    claims,
    get,
    log_in,
    refresh,
    use,
    word,
)


def exchange(
    emulator: EmulatorProcess, id_token: str, **changes: str
) -> requests.Response:
    fields = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "client_id": CODEX,
        "requested_token": "openai-api-key",
        "subject_token": id_token,
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        **changes,
    }
    return ask_token(emulator, "openai", fields)


def test_an_id_token_is_exchanged_for_a_key_of_the_organisation(
    emulator: EmulatorProcess,
) -> None:
    answer = exchange(emulator, log_in(emulator, "openai")["id_token"])

    assert set(answer.json()) == {"access_token"}
    key = answer.json()["access_token"]
    assert key.startswith("sk-")
    url = emulator.here("https://api.openai.com/v1/models")
    headers = {"authorization": f"Bearer {key}"}
    own, other = (
        requests.get(url, headers={**headers, "openai-organization": name}, timeout=5)
        for name in ("org-emulated", "org-other")
    )
    assert own.json()["object"] == "list"
    assert (other.status_code, word(other)) == (401, "mismatched_organization")


def test_the_exchange_may_name_the_type_it_issued(emulator: EmulatorProcess) -> None:
    emulator.oauth_config(issued_token_type=True)

    answer = exchange(emulator, log_in(emulator, "openai")["id_token"])

    assert answer.json()["issued_token_type"].startswith("urn:ietf:params:oauth:")


def test_the_exchange_needs_an_organisation_and_a_fresh_token_of_ours(
    emulator: EmulatorProcess,
) -> None:
    token = log_in(emulator, "openai")["id_token"]
    head, body, signature = token.split(".")
    forged = f"{head}.{body}.{signature[::-1]}"
    refused = [
        exchange(emulator, forged),
        exchange(emulator, "sk-test-not-a-jwt"),
        exchange(emulator, log_in(emulator, "siwc")["id_token"]),
    ]
    emulator.oauth_config(id_token_fresh_s=-1)
    refused.append(exchange(emulator, token))
    emulator.oauth_config(id_token_fresh_s=3600, has_platform_org=False)
    refused.append(exchange(emulator, log_in(emulator, "openai")["id_token"]))

    for answer in refused:
        assert (answer.status_code, word(answer)) == (401, "invalid_subject_token")
    assert "organization_id" in refused[-1].json()["error"]["message"]


def device(emulator: EmulatorProcess) -> dict[str, str]:
    url = emulator.here(f"{AUTH}/api/accounts/deviceauth/usercode")
    answer = requests.post(url, json={"client_id": CODEX}, timeout=5)
    assert answer.ok, answer.text
    return answer.json()


def poll(emulator: EmulatorProcess, begun: dict[str, str]) -> requests.Response:
    url = emulator.here(f"{AUTH}/api/accounts/deviceauth/token")
    fields = {name: begun[name] for name in ("device_auth_id", "user_code")}
    return requests.post(url, json=fields, timeout=5)


@pytest.mark.parametrize("how", ["page", "control"])
def test_a_device_waits_until_its_code_was_typed_in(
    how: str, emulator: EmulatorProcess
) -> None:
    begun, other = device(emulator), device(emulator)
    pending = poll(emulator, begun)
    if how == "page":
        page = get(emulator, f"{AUTH}/codex/device?user_code={begun['user_code']}")
        assert page.ok
    else:
        emulator.oauth_config(device_approved=[begun["user_code"]])

    found = poll(emulator, begun).json()

    assert pending.status_code == 403
    assert begun["interval"] == "5"  # a string, as the vendor sends it
    assert poll(emulator, other).status_code == 403
    fields = {
        "grant_type": "authorization_code",
        "client_id": CODEX,
        "code": found["authorization_code"],
        "code_verifier": found["code_verifier"],
        "redirect_uri": f"{AUTH}/deviceauth/callback",
    }
    given = ask_token(emulator, "openai", fields).json()
    assert use(emulator, "openai", given["access_token"]).ok
    assert poll(emulator, begun).status_code == 400  # given once


def test_a_device_login_can_be_off_denied_or_too_late(
    emulator: EmulatorProcess,
) -> None:
    denied, late = device(emulator), device(emulator)
    emulator.oauth_config(device_denied=[denied["user_code"]])
    assert (poll(emulator, denied).status_code, word(poll(emulator, denied))) == (
        400, "access_denied",
    )  # fmt: skip
    emulator.oauth_config(device_life_s=-1)
    assert word(poll(emulator, late)) == "expired_token"
    emulator.oauth_config(device_enabled=False)
    url = emulator.here(f"{AUTH}/api/accounts/deviceauth/usercode")
    assert requests.post(url, json={"client_id": CODEX}, timeout=5).status_code == 404
    shown = {d["user_code"]: d["status"] for d in emulator.oauth()["devices"]}
    assert shown == {denied["user_code"]: "denied", late["user_code"]: "expired"}


def test_the_device_page_knows_only_codes_that_wait(emulator: EmulatorProcess) -> None:
    assert "<form>" in get(emulator, f"{AUTH}/codex/device").text
    unknown = get(emulator, f"{AUTH}/codex/device?user_code=<b>XX")
    assert unknown.status_code == 400 and "<b>" not in unknown.text.lower()


def test_a_lost_answer_was_processed_exactly_once(emulator: EmulatorProcess) -> None:
    given = log_in(emulator, "openai")
    emulator.fault("lost_response", path="/oauth/token")

    with pytest.raises(requests.ConnectionError):
        refresh(emulator, "openai", given)

    seen = emulator.oauth()["token_requests"]
    assert [s["outcome"] for s in seen if s["grant"] == "refresh_token"] == ["ok"]
    assert word(refresh(emulator, "openai", given)) == "refresh_token_reused"


def test_a_lost_answer_comes_again_within_grace(emulator: EmulatorProcess) -> None:
    emulator.oauth_config(grace_s=60)
    given = log_in(emulator, "anthropic")
    emulator.fault("lost_response", path="/v1/oauth/token")
    with pytest.raises(requests.ConnectionError):
        refresh(emulator, "anthropic", given)

    new = refresh(emulator, "anthropic", given)

    assert use(emulator, "anthropic", new.json()["access_token"]).ok
    assert set(emulator.oauth()["families"].values()) == {"live"}


@pytest.mark.parametrize("vendor", ALL)
def test_a_token_endpoint_can_fail_before_it_does_anything(
    vendor: str, emulator: EmulatorProcess
) -> None:
    given = log_in(emulator, vendor)
    emulator.fault("status", status=500, path="token")
    emulator.fault("html_error", status=502, path="token")
    emulator.fault("status", status=429, retry_after_s=7, path="token")

    failed, page, limited = (refresh(emulator, vendor, given) for _ in range(3))

    assert (failed.status_code, word(failed)) == (500, "server_error")
    assert page.status_code == 502 and page.text.startswith("<html>")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    assert refresh(emulator, vendor, given).ok
    assert len(emulator.oauth()["token_requests"]) == 2


def test_a_slow_endpoint_did_its_work_already(emulator: EmulatorProcess) -> None:
    given = log_in(emulator, "openai")
    emulator.fault("slow", delay_s=30, path="/oauth/token")
    fields = {
        "grant_type": "refresh_token",
        "client_id": CODEX,
        "refresh_token": given["refresh_token"],
    }
    url = emulator.here(f"{AUTH}/oauth/token")

    with pytest.raises(requests.ReadTimeout):
        requests.post(url, json=fields, timeout=0.3)

    outcomes = [seen["outcome"] for seen in emulator.oauth()["token_requests"]]
    assert outcomes == ["ok", "ok"]


def test_a_fault_of_a_login_is_told_in_the_logins_own_words(
    emulator: EmulatorProcess,
) -> None:
    given = log_in(emulator, "google")
    emulator.fault("status", status=400, code="invalid_grant", path="/google-oauth")

    refused = refresh(emulator, "google", given)

    assert (refused.status_code, refused.json()) == (400, {"error": "invalid_grant"})


def test_a_plan_that_changed_shows_in_the_next_token(
    emulator: EmulatorProcess,
) -> None:
    given = log_in(emulator, "openai")
    emulator.oauth_config(plan_type="business", email="bob@example.com")

    said = claims(refresh(emulator, "openai", given).json()["id_token"])

    assert said["https://api.openai.com/auth"]["chatgpt_plan_type"] == "business"
    assert said["email"] == "ada@example.com"


def test_a_reset_forgets_every_login(emulator: EmulatorProcess) -> None:
    given = log_in(emulator, "openai")
    emulator.oauth_config(plan_type="free")

    emulator.reset()

    seen = emulator.oauth()
    assert not any(seen.values())
    assert use(emulator, "openai", given["access_token"]).status_code == 401
    assert get(emulator, authorize_url("openai")).status_code == 302
