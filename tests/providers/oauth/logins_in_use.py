"""A saved login of OpenAI with some life left, and the backend that answers it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from providers import provider
from providers.events import Event
from providers.store import MemoryStore
from providers.types import Credential, Message, Secret, TextPart
from tests.providers.dialects.wires import typed
from tests.providers.oauth.login_server import LoginServer

TOKEN = "POST https://auth.openai.com/oauth/token"
MODELS = "GET https://chatgpt.com/backend-api/codex/models"
ANSWERS = "POST https://chatgpt.com/backend-api/codex/responses"
KEY_MODELS = "GET https://api.openai.com/v1/models"
REFUSED = {"error": {"code": "token_expired", "message": "expired"}}
LIST = {"models": [{"slug": "gpt-9"}]}
STREAM = typed(
    {"type": "response.created", "response": {"id": "r", "model": "gpt-9"}},
    {"type": "response.output_text.delta", "item_id": "m", "delta": "Hello"},
    {"type": "response.completed", "response": {"status": "completed"}},
)


def saved(store: MemoryStore, left_s: float | None = 3600, **more: Any) -> None:
    """A login with so many seconds left of its hour."""
    ends = None
    if left_s is not None:
        ends = (datetime.now(UTC) + timedelta(seconds=left_s)).isoformat()
    fields: dict[str, Any] = {
        "provider": "openai",
        "auth_type": "oauth",
        "name": "work",
        "secrets": {"access_token": Secret("at-1"), "refresh_token": Secret("rt-1")},
        "metadata": {"kind": "codex", "mode": "chatgpt", "lifetime_s": "3600"},
        "expires_at": ends,
    }
    store.create(Credential(**{**fields, **more}))


def fresh(number: int = 2) -> dict[str, Any]:
    return {
        "access_token": f"at-{number}",
        "refresh_token": f"rt-{number}",
        "expires_in": 3600,
    }


def chat() -> list[Event]:
    messages = [Message(role="user", parts=[TextPart(text="Hi")])]
    with provider.stream_chat("openai", "work", messages, model="gpt-9") as stream:
        return list(stream)


def bearers(server: LoginServer, line: str) -> list[str]:
    return [a.headers["authorization"].removeprefix("Bearer ") for a in server.to(line)]


def serve(server: LoginServer, *, refusals: int = 0, status: int = 401) -> None:
    """Both doors of the backend, closed so many times first."""
    for _ in range(refusals):
        server.says(MODELS, REFUSED, status)
        server.says(ANSWERS, REFUSED, status)
    server.says(MODELS, LIST)
    server.says(ANSWERS, STREAM, content_type="text/event-stream")
