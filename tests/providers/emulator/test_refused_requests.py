"""What a vendor would refuse is refused here, with its words, so that it shows in tests."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.emulator import EmulatorProcess
from tests.providers.emulator.raw import ask, call
from tests.providers.emulator.wrong_requests import (
    ACCEPTED,
    CHAT,
    GENERATE,
    HELLO,
    MESSAGES,
    OPENAI_CHAT,
    RESPONSES,
)

REFUSED = [
    *(("openai_responses", *case) for case in RESPONSES),
    *(("openai_chat", *case) for case in CHAT),
    *(("anthropic_messages", *case) for case in MESSAGES),
    *(("gemini_generate", *case) for case in GENERATE),
]


@pytest.mark.parametrize(("dialect", "changes", "words"), REFUSED)
def test_a_wrong_request_is_refused_with_the_reason(
    dialect: str, changes: dict[str, Any], words: str, emulator: EmulatorProcess
) -> None:
    heard = ask(emulator, dialect, **changes)

    assert heard.response.status_code == 400, heard.body
    assert words in json.loads(heard.body)["error"]["message"]


@pytest.mark.parametrize(("changes", "words"), OPENAI_CHAT)
def test_openai_checks_more_than_compatible_servers(
    changes: dict[str, Any], words: str, emulator: EmulatorProcess
) -> None:
    body = {"model": "gpt-6.1-sol", "stream": True, "messages": [HELLO], **changes}

    status, said = post(emulator, "/openai/v1/chat/completions", body)

    assert status == 400
    assert words in said["error"]["message"]
    if "tools" not in changes:
        assert ask(emulator, **changes).response.status_code == 200


def post(emulator: EmulatorProcess, path: str, body: Any, **headers: str) -> Any:
    """A POST with a good OpenAI key, or with other headers."""
    return call(emulator, "POST", path, body, headers or {"authorization": "Bearer k"})


@pytest.mark.parametrize(("dialect", "changes"), ACCEPTED)
def test_a_good_request_is_answered(
    dialect: str, changes: dict[str, Any], emulator: EmulatorProcess
) -> None:
    heard = ask(emulator, dialect, **changes)

    assert heard.response.status_code == 200, heard.body


CLAUDE = {"model": "claude-sonnet-5-5", "max_tokens": 9, "messages": [HELLO]}
KEYS: list[tuple[str, Any, dict[str, str], int]] = [
    ("/openai/v1/responses", {}, {}, 401),
    ("/openai/v1/responses", {}, {"authorization": "Bearer sk-bad"}, 401),
    ("/compatible/v1/chat/completions", {}, {"authorization": "Bearer sk-bad"}, 401),
    ("/anthropic/v1/messages", CLAUDE, {"anthropic-version": "2023-06-01"}, 401),
    ("/anthropic/v1/messages", CLAUDE, {"x-api-key": "k"}, 400),
    (
        "/anthropic/v1/messages",
        CLAUDE,
        {"x-api-key": "k", "anthropic-version": "2020-01-01"},
        400,
    ),
    (
        "/anthropic/v1/messages",
        CLAUDE | {"temperature": 1},
        {"x-api-key": "k", "anthropic-version": "2026-10-21"},
        400,
    ),
    (
        "/anthropic/v1/messages",
        CLAUDE,
        {"authorization": "Bearer k", "anthropic-version": "2026-10-21"},
        200,
    ),
    ("/gemini/v1beta/models/gemini-4-argon:countTokens", {}, {}, 403),
    (
        "/gemini/v1beta/models/gemini-4-argon:countTokens",
        {},
        {"x-goog-api-key": "k", "authorization": "Bearer k"},
        400,
    ),
    (
        "/gemini/v1beta/models/gemini-4-argon:countTokens",
        {},
        {"authorization": "Bearer k"},
        200,
    ),
]


@pytest.mark.parametrize(("path", "body", "headers", "status"), KEYS)
def test_keys_and_versions(
    path: str,
    body: Any,
    headers: dict[str, str],
    status: int,
    emulator: EmulatorProcess,
) -> None:
    assert call(emulator, "POST", path, body, headers)[0] == status


UNKNOWN = [
    ("openai_responses", {"model": "gpt-0"}),
    ("openai_chat", {"model": "gpt-0"}),
    ("anthropic_messages", {"model": "claude-0"}),
]


@pytest.mark.parametrize(("dialect", "changes"), UNKNOWN)
def test_an_unknown_model_is_not_found(
    dialect: str, changes: dict[str, Any], emulator: EmulatorProcess
) -> None:
    heard = ask(emulator, dialect, **changes)

    assert heard.response.status_code == 404
    assert changes["model"] in json.loads(heard.body)["error"]["message"]


def test_sealed_reasoning_must_be_followed_by_what_it_led_to(
    emulator: EmulatorProcess,
) -> None:
    emulator.script(text="Yes.", reasoning="Hm.")
    include = ["reasoning.encrypted_content"]
    heard = ask(emulator, "openai_responses", stream=False, include=include)
    reasoning, message = json.loads(heard.body)["output"]

    for items, status in (
        ([HELLO, reasoning, message, HELLO], 200),
        ([HELLO, message, reasoning, HELLO], 400),
        ([HELLO, reasoning], 400),
    ):
        again = ask(emulator, "openai_responses", input=items)
        assert again.response.status_code == status, again.body


def test_counting_checks_the_request_too(emulator: EmulatorProcess) -> None:
    path = "/anthropic/v1/messages/count_tokens"
    headers = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    body = {"model": "claude-sonnet-5-5", "messages": [HELLO]}

    assert call(emulator, "POST", path, body, headers)[1]["input_tokens"] > 0
    assert call(emulator, "POST", path, body | {"messages": []}, headers)[0] == 400
    assert call(emulator, "POST", path, body | {"model": "claude-0"}, headers)[0] == 404
