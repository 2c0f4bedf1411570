"""Chats with the token of a login, and what comes back."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.emulator import EmulatorProcess

BACKEND = "https://chatgpt.com/backend-api/codex"
CHAT: dict[str, Any] = {
    "model": "gpt-5.5",
    "instructions": "",
    "input": [{"type": "message", "role": "user", "content": "hello"}],
    "store": False,
    "stream": True,
}
ADD = {"type": "function", "name": "add", "parameters": {"type": "object"}}
SPACE = {
    "type": "namespace",
    "name": "maths",
    "description": "Sums.",
    "tools": [ADD],
}


def post(
    emulator: EmulatorProcess, url: str, headers: dict[str, str], **changes: Any
) -> requests.Response:
    """POST the good body with changes; None leaves a field out."""
    body = {k: v for k, v in {**CHAT, **changes}.items() if v is not None}
    return requests.post(emulator.here(url), json=body, headers=headers, timeout=10)


def backend(
    emulator: EmulatorProcess, headers: dict[str, str], **changes: Any
) -> requests.Response:
    return post(emulator, f"{BACKEND}/responses", headers, **changes)


def shared(
    emulator: EmulatorProcess, headers: dict[str, str], **changes: Any
) -> requests.Response:
    url = "https://api.openai.com/v1/responses"
    return post(emulator, url, headers, **changes)


def events(answer: requests.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    lines = answer.content.decode().splitlines()
    return [json.loads(x.removeprefix("data: ")) for x in lines if x[:5] == "data:"]
