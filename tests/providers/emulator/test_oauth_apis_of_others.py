"""What the emulated APIs let a login do that is not the Codex client's."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.emulator import EmulatorProcess
from tests.providers.emulator.login_chats import (
    ADD,
    CHAT,
    SPACE,
    backend,
    events,
    post,
    shared,
)
from tests.providers.emulator.logins import USER_AGENT, log_in, use, word


def test_siwc_tokens_stream_from_the_public_api(
    siwc: dict[str, str], emulator: EmulatorProcess
) -> None:
    found = events(shared(emulator, siwc))

    assert found[-1]["type"] == "response.completed"
    assert found[-1]["response"]["output"]
    listed = use(emulator, "siwc", siwc["authorization"].removeprefix("Bearer "))
    assert set(listed.json()) == {"models"}


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        ({"temperature": 0}, "temperature"),
        ({"max_output_tokens": 9}, "max_output_tokens"),
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"metadata": {"a": "b"}}, "metadata"),
        ({"store": True}, "store"),
        ({"stream": False}, "stream"),
        ({"input": "hello"}, "input"),
        (
            {"input": [{"type": "message", "role": "system", "content": "x"}]},
            "input[0].role",
        ),
        ({"tools": [ADD]}, "tools[0]"),
        ({"tools": [SPACE, {"type": "file_search"}]}, "tools[1]"),
        ({"tools": [{**SPACE, "description": ""}]}, "tools[0].description"),
    ],
    ids=str,
)
def test_siwc_names_what_a_shared_plan_cannot_do(
    wrong: dict[str, Any],
    param: str,
    siwc: dict[str, str],
    emulator: EmulatorProcess,
) -> None:
    answer = shared(emulator, siwc, **wrong)

    error = answer.json()["error"]
    assert answer.status_code == 400
    assert error["code"] == "subscription_sharing_unsupported_capability"
    assert error["param"] == param


@pytest.mark.parametrize("where", ["tools", "input"])
def test_siwc_calls_functions_of_a_namespace(
    where: str, siwc: dict[str, str], emulator: EmulatorProcess
) -> None:
    emulator.script(calls=[{"name": "add", "arguments": {"a": 1}}])
    changes: dict[str, Any] = {"tools": [SPACE]}
    if where == "input":
        item = {"type": "additional_tools", "tools": [SPACE]}
        changes = {"input": [item, *CHAT["input"]]}

    found = events(shared(emulator, siwc, **changes))

    call = next(e["item"] for e in found if e["type"] == "response.output_item.done")
    assert (call["type"], call["name"], call["namespace"]) == (
        "function_call", "add", "maths",
    )  # fmt: skip


def test_siwc_needs_a_plan_that_is_eligible_and_its_scope(
    siwc: dict[str, str], emulator: EmulatorProcess
) -> None:
    emulator.oauth_config(plan_type="free")
    free = shared(emulator, siwc)
    emulator.oauth_config(plan_type="plus", scope="openid offline_access")
    token = log_in(emulator, "siwc")["access_token"]
    unscoped = shared(emulator, {"authorization": f"Bearer {token}"})
    emulator.oauth_config(used_percent=100)
    used = shared(emulator, siwc)

    refusals = [(a.status_code, word(a)) for a in (free, unscoped, used)]
    assert refusals == [
        (403, "subscription_sharing_user_not_eligible"),
        (403, "subscription_sharing_user_not_eligible"),
        (429, "subscription_sharing_usage_limit_exceeded"),
    ]


def test_siwc_tokens_open_nothing_else(
    siwc: dict[str, str], emulator: EmulatorProcess
) -> None:
    url = "https://api.openai.com/v1/chat/completions"
    assert post(emulator, url, siwc).status_code == 400
    assert backend(emulator, siwc | {"chatgpt-account-id": "acc-0001"} | USER_AGENT) \
        .status_code == 401  # fmt: skip


def test_a_made_up_jwt_is_nobodys(emulator: EmulatorProcess) -> None:
    headers = {"authorization": "Bearer eyJhbGciOiJub25lIn0.e30.x"}

    answer = shared(emulator, headers)

    assert (answer.status_code, word(answer)) == (
        401, "subscription_sharing_invalid_user",
    )  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"anthropic_beta": None},
        {"anthropic_beta": "another-beta"},
        {"authorization": None, "x_api_key": "TOKEN"},
        {"x_api_key": "sk-test"},
        {"authorization": "Bearer sk-ant-oat01-made-up"},
    ],
    ids=str,
)
def test_anthropic_takes_a_login_as_bearer_with_its_beta_only(
    changes: dict[str, str | None], emulator: EmulatorProcess
) -> None:
    token = log_in(emulator, "anthropic")["access_token"]
    sent = {k: token if v == "TOKEN" else v for k, v in changes.items()}

    answer = use(emulator, "anthropic", token, **sent)

    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "authentication_error"
    betas = "context-1m-2025-08-07, oauth-2025-04-20"
    assert use(emulator, "anthropic", token, anthropic_beta=betas).ok


def test_anthropic_wants_the_scope_for_what_is_asked(
    emulator: EmulatorProcess,
) -> None:
    def ask(path: str, token: str, method: str = "GET") -> requests.Response:
        url = emulator.here(f"https://api.anthropic.com{path}")
        headers = {"authorization": f"Bearer {token}"}
        return requests.request(method, url, headers=headers, timeout=5)

    token = log_in(emulator, "anthropic")["access_token"]
    minting = log_in(emulator, "anthropic", scope="org:create_api_key")["access_token"]
    mint = "/api/oauth/claude_cli/create_api_key"

    profile = ask("/api/oauth/profile", token).json()
    assert profile["account"]["email"] == "ada@example.com"
    assert set(profile) == {"account", "organization"}
    assert ask("/api/oauth/profile", minting).status_code == 403
    assert use(emulator, "anthropic", minting).status_code == 403
    assert ask(mint, token, "POST").status_code == 403
    assert ask(mint, minting, "POST").json()["raw_key"].startswith("sk-ant-api03-")
    assert ask("/api/oauth/profile", "sk-test-stranger").status_code == 401


def test_anthropic_refreshes_at_the_apis_own_address_too(
    emulator: EmulatorProcess,
) -> None:
    given = log_in(emulator, "anthropic")
    fields = {
        "grant_type": "refresh_token",
        "refresh_token": given["refresh_token"],
        "client_id": given["client_id"],
    }
    url = emulator.here("https://api.anthropic.com/v1/oauth/token")

    answer = requests.post(url, json=fields, timeout=5)

    assert answer.json()["access_token"].startswith("sk-ant-oat01-")


def test_gemini_wants_a_project_for_a_login(emulator: EmulatorProcess) -> None:
    token = log_in(emulator, "google")["access_token"]

    none = use(emulator, "google", token, x_goog_user_project=None)
    both = use(emulator, "google", token, x_goog_api_key="AQ.test")
    unknown = use(emulator, "google", "ya29.made-up")

    assert none.status_code == 403
    assert none.json()["error"]["status"] == "PERMISSION_DENIED"
    assert (both.status_code, "Multiple" in both.text) == (400, True)
    assert unknown.status_code == 401


def test_gemini_wants_a_scope_for_models(emulator: EmulatorProcess) -> None:
    token = log_in(emulator, "google", scope="openid email")["access_token"]

    answer = use(emulator, "google", token)

    assert answer.status_code == 403
    assert "ACCESS_TOKEN_SCOPE_INSUFFICIENT" in answer.text


def test_a_login_chats_at_gemini_and_anthropic(emulator: EmulatorProcess) -> None:
    google = log_in(emulator, "google")["access_token"]
    claude = log_in(emulator, "anthropic")["access_token"]
    project = {"x-goog-user-project": "test-project"}
    generate = "models/gemini-3.8-flash:streamGenerateContent?alt=sse"
    url = f"https://generativelanguage.googleapis.com/v1beta/{generate}"
    hello = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}

    def chat(
        url: str, token: str, body: dict[str, Any], **headers: str
    ) -> requests.Response:
        sent = {"authorization": f"Bearer {token}", **headers}
        return requests.post(emulator.here(url), json=body, headers=sent, timeout=5)

    assert chat(url, google, hello, **project).ok
    assert chat(url, google, hello).status_code == 403
    url = "https://api.anthropic.com/v1/messages"
    body = {
        "model": "claude-haiku-5-5",
        "max_tokens": 9,
        "messages": [{"role": "user", "content": "hello"}],
    }
    version = {"anthropic-version": "2023-06-01"}
    beta = {"anthropic-beta": "oauth-2025-04-20"}
    assert chat(url, claude, body, **version, **beta).ok
    assert chat(url, claude, body, **version).status_code == 401
    emulator.oauth("expire")
    assert chat(url, claude, body, **version, **beta).status_code == 401
