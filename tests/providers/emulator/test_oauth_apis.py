"""What the emulated ChatGPT backend lets a login do, and what it refuses it."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.emulator import EmulatorProcess
from tests.providers.emulator.login_chats import (
    BACKEND,
    backend,
    events,
    shared,
)
from tests.providers.emulator.logins import word


def test_the_chatgpt_backend_streams_and_repeats_no_output_at_the_end(
    codex: dict[str, str], emulator: EmulatorProcess
) -> None:
    answer = backend(emulator, codex)

    found = events(answer)
    items = [e["item"] for e in found if e["type"] == "response.output_item.done"]
    assert items[0]["content"][0]["text"]
    assert found[-1]["type"] == "response.completed"
    assert found[-1]["response"]["output"] == []
    assert found[-1]["response"]["usage"]["output_tokens"] > 0
    assert float(answer.headers["x-codex-primary-used-percent"]) == 12.5
    assert int(answer.headers["x-codex-primary-reset-at"]) > 0


@pytest.mark.parametrize(
    "name",
    [
        "max_output_tokens", "max_completion_tokens", "temperature", "top_p", "user",
        "truncation", "prompt_cache_options", "prompt_cache_retention",
        "safety_identifier", "context_management", "previous_response_id",
        "stream_options",
    ],
)  # fmt: skip
def test_the_chatgpt_backend_refuses_parameters_by_name(
    name: str, codex: dict[str, str], emulator: EmulatorProcess
) -> None:
    answer = backend(emulator, codex, **{name: 1})

    assert answer.status_code == 400
    assert answer.json() == {"detail": f"Unsupported parameter: {name}"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"instructions": None},
        {"input": "hello"},
        {"input": []},
        {"store": True},
        {"store": None},
        {"stream": False},
        {"model": "gpt-6.1-terra"},
        {"service_tier": "flex"},
        {"input": [{"type": "message", "role": "system", "content": "be good"}]},
        {"input": [{"role": "user", "content": "x", "prompt_cache_breakpoint": True}]},
    ],
    ids=str,
)
def test_the_chatgpt_backend_is_strict_about_the_rest(
    wrong: dict[str, Any], codex: dict[str, str], emulator: EmulatorProcess
) -> None:
    answer = backend(emulator, codex, **wrong)

    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"authorization": "Bearer sk-test-key"}, 401),
        ({"authorization": ""}, 401),
        ({"chatgpt-account-id": ""}, 400),
        ({"chatgpt-account-id": "acc-other"}, 403),
        ({"user-agent": "python-requests/2.32"}, 403),
    ],
    ids=str,
)
def test_the_chatgpt_backend_wants_token_account_and_agent(
    changes: dict[str, str],
    status: int,
    codex: dict[str, str],
    emulator: EmulatorProcess,
) -> None:
    assert backend(emulator, codex | changes).status_code == status


def test_the_chatgpt_backend_lists_its_models(
    codex: dict[str, str], emulator: EmulatorProcess
) -> None:
    url = emulator.here(f"{BACKEND}/models")

    answer = requests.get(f"{url}?client_version=1.2.3", headers=codex, timeout=5)

    rows = answer.json()["models"]
    assert {row["visibility"] for row in rows} == {"list", "hide"}
    assert rows[0]["slug"] == "gpt-5.6-sol" and rows[0]["context_window"] == 272_000
    assert answer.headers["etag"]
    assert requests.get(url, headers=codex, timeout=5).status_code == 400


def test_a_plan_can_be_used_up_or_lack_codex(
    codex: dict[str, str], emulator: EmulatorProcess
) -> None:
    emulator.oauth_config(used_percent=100, resets_in_s=120, plan_type="pro")
    used = backend(emulator, codex)
    emulator.oauth_config(codex_included=False)
    lacking = backend(emulator, codex)

    error = used.json()["error"]
    assert (used.status_code, error["type"]) == (429, "usage_limit_reached")
    assert (error["resets_in_seconds"], error["plan_type"]) == (120, "pro")
    assert used.headers["x-codex-primary-used-percent"] == "100"
    assert lacking.json()["error"]["type"] == "usage_not_included"


def test_the_chatgpt_backend_has_faults_of_its_own(
    codex: dict[str, str], emulator: EmulatorProcess
) -> None:
    emulator.fault("status", status=429, path="/chatgpt")
    emulator.fault("status", status=503, path="/chatgpt")
    emulator.fault("cut", path="/chatgpt")

    limited, busy = backend(emulator, codex), backend(emulator, codex)

    assert limited.json()["error"]["resets_at"] > 0
    assert word(busy) == "server_is_overloaded"
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        backend(emulator, codex)


def test_tokens_of_the_codex_client_do_not_open_the_public_api(
    codex: dict[str, str], emulator: EmulatorProcess
) -> None:
    answer = shared(emulator, codex)

    assert answer.status_code == 401
    assert "Missing scopes" in answer.json()["error"]["message"]


def test_a_chat_whose_answer_is_lost_was_understood(
    codex: dict[str, str], emulator: EmulatorProcess
) -> None:
    emulator.script(text="never heard")
    emulator.fault("lost_response", path="/chatgpt")

    with pytest.raises(requests.ConnectionError):
        backend(emulator, codex)

    text = backend(emulator, codex).text
    assert "never heard" not in text and "response.completed" in text
