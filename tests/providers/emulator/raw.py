"""Questions to the emulator below any client of ours: bytes, and how they end."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Any

import requests

from tests.emulator import EmulatorProcess

BODY: dict[str, Any] = {
    "model": "maestro-demo",
    "stream": True,
    "messages": [{"role": "user", "content": "hello"}],
}
CHAT = "/compatible/v1/chat/completions"
GOOD: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "openai_responses": (
        "/openai/v1/responses",
        {"authorization": "Bearer sk-good"},
        {"model": "gpt-6.1-terra", "input": "hello", "stream": True},
    ),
    "openai_chat": (CHAT, {}, BODY),
    "anthropic_messages": (
        "/anthropic/v1/messages",
        {"x-api-key": "sk-good", "anthropic-version": "2023-06-01"},
        {
            "model": "claude-haiku-5-5",
            "max_tokens": 9,
            "stream": True,
            "messages": [{"role": "user", "content": "hello"}],
        },
    ),
    "gemini_generate": (
        "/gemini/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse",
        {"x-goog-api-key": "AQ.good"},
        {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]},
    ),
}


@dataclass(frozen=True)
class Heard:
    """A body as far as it came. `error`: how it broke, None when it was whole."""

    response: requests.Response
    body: bytes
    error: Exception | None


def ask(
    emulator: EmulatorProcess,
    dialect: str = "openai_chat",
    *,
    timeout_s: float = 10.0,
    **changes: Any,
) -> Heard:
    """POST a good chat request, with changes to its body, and read to the end."""
    path, headers, body = GOOD[dialect]
    with requests.Session() as session:
        session.trust_env = False
        response = session.post(
            emulator.base + path,
            json={**body, **changes},
            headers=headers,
            stream=True,
            timeout=timeout_s,
            allow_redirects=False,
        )
        with response:
            found = b""
            error: Exception | None = None
            try:
                for chunk in response.iter_content(None):
                    found += chunk
            except requests.RequestException as exc:
                error = exc
            return Heard(response, found, error)


def call(
    emulator: EmulatorProcess,
    method: str,
    path: str,
    data: Any = None,
    headers: dict[str, str] | None = None,
) -> Any:
    """A plain request: (status, JSON of the answer)."""
    with requests.Session() as session:
        session.trust_env = False
        with session.request(
            method, emulator.base + path, json=data, headers=headers, timeout=10
        ) as response:
            return response.status_code, response.json()


def opened(emulator: EmulatorProcess, target: str, body: bytes) -> socket.socket:
    """A connection on which a POST was sent, and nothing read."""
    sock = socket.create_connection(("127.0.0.1", emulator.port), timeout=10)
    head = f"POST {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    sock.sendall(head.encode() + body)
    return sock
