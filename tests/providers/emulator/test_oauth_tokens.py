"""What becomes of tokens at the emulated vendors: refresh, reuse, revoke, exchange."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from tests.emulator import EmulatorProcess
from tests.providers.emulator.logins import (
    ALL,
    AUTH,
    CODEX,
    ask_token,
    log_in,
    refresh,
    use,
    word,
)

ROTATING = ("openai", "siwc", "anthropic")


@pytest.mark.parametrize("vendor", ROTATING)
def test_a_refresh_gives_a_new_pair_and_spends_the_old_one(
    vendor: str, emulator: EmulatorProcess
) -> None:
    given = log_in(emulator, vendor)

    new = given | refresh(emulator, vendor, given).json()

    assert new["refresh_token"] != given["refresh_token"]
    assert new["access_token"] != given["access_token"]
    assert use(emulator, vendor, new["access_token"]).ok
    assert refresh(emulator, vendor, new).ok


REUSED = {
    "openai": (401, "refresh_token_reused"),
    "siwc": (400, "refresh_token_reused"),
    "anthropic": (400, "invalid_grant"),
}


@pytest.mark.parametrize("vendor", ROTATING)
def test_a_spent_refresh_token_ends_the_whole_family(
    vendor: str, emulator: EmulatorProcess
) -> None:
    given = log_in(emulator, vendor)
    bystander = log_in(emulator, vendor)
    new = given | refresh(emulator, vendor, given).json()

    again = refresh(emulator, vendor, given)

    assert (again.status_code, word(again)) == REUSED[vendor]
    assert use(emulator, vendor, new["access_token"]).status_code == 401
    assert not refresh(emulator, vendor, new).ok
    assert refresh(emulator, vendor, bystander).ok
    outcomes = [seen["outcome"] for seen in emulator.oauth()["token_requests"]]
    assert outcomes == ["ok", "ok", "ok", "reused", "revoked", "ok"]


@pytest.mark.parametrize("vendor", ROTATING)
def test_within_grace_the_last_token_gives_the_same_successor(
    vendor: str, emulator: EmulatorProcess
) -> None:
    emulator.oauth_config(grace_s=60)
    given = log_in(emulator, vendor)

    first, second = (refresh(emulator, vendor, given).json() for _ in range(2))
    new = given | first
    third = refresh(emulator, vendor, new).json()

    assert first == second
    assert third["refresh_token"] != first["refresh_token"]
    assert not refresh(emulator, vendor, given).ok  # its successor was spent by now
    assert set(emulator.oauth()["families"].values()) == {"revoked"}


def test_a_grace_that_is_over_protects_nobody(emulator: EmulatorProcess) -> None:
    emulator.oauth_config(grace_s=0.05)
    given = log_in(emulator, "openai")
    assert refresh(emulator, "openai", given).ok

    time.sleep(0.1)

    assert word(refresh(emulator, "openai", given)) == "refresh_token_reused"


@pytest.mark.parametrize("vendor", ROTATING)
def test_without_rotation_the_refresh_token_stays(
    vendor: str, emulator: EmulatorProcess
) -> None:
    emulator.oauth_config(rotate=False)
    given = log_in(emulator, vendor)

    answers = [refresh(emulator, vendor, given) for _ in range(3)]

    assert all(answer.ok for answer in answers)
    assert {answer.json().get("refresh_token") for answer in answers} <= {
        None, given["refresh_token"],
    }  # fmt: skip


def test_google_never_rotates(emulator: EmulatorProcess) -> None:
    given = log_in(emulator, "google")

    answers = [refresh(emulator, "google", given).json() for _ in range(2)]

    assert all("refresh_token" not in answer for answer in answers)
    assert answers[0]["access_token"] != answers[1]["access_token"]


DEAD: dict[str, tuple[int, dict[str, Any] | str]] = {
    "openai": (401, "refresh_token_invalidated"),
    "siwc": (400, "refresh_token_invalidated"),
    "anthropic": (400, "invalid_grant"),
    "google": (400, "invalid_grant"),
}


@pytest.mark.parametrize("vendor", ALL)
def test_a_dead_refresh_token_is_told_in_the_vendors_words(
    vendor: str, emulator: EmulatorProcess
) -> None:
    given = log_in(emulator, vendor)
    emulator.oauth_config(refresh_dead=True)

    refused = refresh(emulator, vendor, given)

    assert (refused.status_code, word(refused)) == DEAD[vendor]
    if vendor == "google":
        assert refused.json() == {
            "error": "invalid_grant",
            "error_description": "Token has been expired or revoked.",
        }


@pytest.mark.parametrize(
    ("vendor", "code"),
    [("openai", "refresh_token_expired"), ("siwc", "refresh_token_expired")],
)
def test_a_refresh_token_may_grow_too_old(
    vendor: str, code: str, emulator: EmulatorProcess
) -> None:
    emulator.oauth_config(refresh_expires_in=-1)

    assert word(refresh(emulator, vendor, log_in(emulator, vendor))) == code


@pytest.mark.parametrize("vendor", ALL)
def test_a_refresh_token_is_its_clients(vendor: str, emulator: EmulatorProcess) -> None:
    given = log_in(emulator, vendor)

    refused = refresh(emulator, vendor, given, client_id="somebody-else")

    assert refused.status_code in (400, 401)
    assert refresh(emulator, vendor, given).ok


@pytest.mark.parametrize("shape", ["string", "object", "text"])
def test_refusals_come_in_the_shape_that_was_asked_for(
    shape: str, emulator: EmulatorProcess
) -> None:
    emulator.oauth_config(error_shape=shape, refresh_dead=True)

    refused = refresh(emulator, "openai", log_in(emulator, "openai"))

    if shape == "text":
        assert refused.text.startswith("refresh_token_invalidated")
        assert refused.headers["content-type"].startswith("text/plain")
    else:
        error = refused.json()["error"]
        assert isinstance(error, dict) is (shape == "object")


def test_codex_refreshes_by_form_and_by_json(emulator: EmulatorProcess) -> None:
    given = log_in(emulator, "openai")
    for how in ("json", "data"):
        fields = {
            "grant_type": "refresh_token",
            "client_id": CODEX,
            "refresh_token": given["refresh_token"],
        }
        answer = ask_token(emulator, "openai", fields, how)
        assert answer.ok, answer.text
        given |= answer.json()


def test_siwc_refreshes_with_the_resource_and_without_a_scope(
    emulator: EmulatorProcess,
) -> None:
    given = log_in(emulator, "siwc")

    assert word(refresh(emulator, "siwc", given, scope="openid")) == "invalid_scope"
    other = refresh(emulator, "siwc", given, resource="https://example.com")
    assert word(other) == "invalid_target"
    assert refresh(emulator, "siwc", given).ok


EXPIRED = {
    "openai": "token_expired",
    "siwc": "token_expired",
    "anthropic": "OAuth token has expired",
    "google": "ACCESS_TOKEN_EXPIRED",
}


@pytest.mark.parametrize("vendor", ALL)
def test_an_expired_access_token_is_refused_and_a_refresh_helps(
    vendor: str, emulator: EmulatorProcess
) -> None:
    given = log_in(emulator, vendor)

    emulator.oauth("expire")

    refused = use(emulator, vendor, given["access_token"])
    assert refused.status_code == 401
    assert EXPIRED[vendor] in refused.text
    new = refresh(emulator, vendor, given).json()
    assert use(emulator, vendor, new["access_token"]).ok


def test_access_tokens_live_as_long_as_it_is_set(emulator: EmulatorProcess) -> None:
    emulator.oauth_config(expires_in=0)

    given = log_in(emulator, "anthropic")

    assert given["expires_in"] == 0
    assert use(emulator, "anthropic", given["access_token"]).status_code == 401


@pytest.mark.parametrize("vendor", ALL)
def test_all_families_can_be_ended_at_once(
    vendor: str, emulator: EmulatorProcess
) -> None:
    given = log_in(emulator, vendor)

    seen = emulator.oauth("revoke")

    assert set(seen["families"].values()) == {"revoked"}
    assert use(emulator, vendor, given["access_token"]).status_code == 401
    assert not refresh(emulator, vendor, given).ok


REVOKE = {
    "openai": (f"{AUTH}/oauth/revoke", "json"),
    "siwc": (f"{AUTH}/api/accounts/oauth/revoke", "data"),
    "google": ("https://oauth2.googleapis.com/revoke", "data"),
}


@pytest.mark.parametrize("vendor", REVOKE)
def test_a_revoked_login_is_dead(vendor: str, emulator: EmulatorProcess) -> None:
    given = log_in(emulator, vendor)
    url, how = REVOKE[vendor]
    fields = {
        "token": given["refresh_token"],
        "token_type_hint": "refresh_token",
        "client_id": given["client_id"],
    }

    def revoke() -> requests.Response:
        body: dict[str, Any] = {how: fields}
        return requests.post(emulator.here(url), timeout=5, **body)

    assert revoke().status_code == 200
    assert use(emulator, vendor, given["access_token"]).status_code == 401
    assert not refresh(emulator, vendor, given).ok
    assert revoke().status_code == (400 if vendor == "google" else 200)


def test_an_access_token_can_be_revoked_as_well(emulator: EmulatorProcess) -> None:
    given = log_in(emulator, "openai")
    fields = {"token": given["access_token"], "token_type_hint": "access_token"}

    requests.post(emulator.here(f"{AUTH}/oauth/revoke"), json=fields, timeout=5)

    assert use(emulator, "openai", given["access_token"]).status_code == 401
