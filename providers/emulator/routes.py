"""Which wire answers a path, and the plain JSON endpoints: model lists and counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from providers.emulator import models
from providers.emulator.anthropic_messages import Messages
from providers.emulator.gemini_generate import Generate
from providers.emulator.http11 import Reply, Request
from providers.emulator.openai_chat import ChatCompletions
from providers.emulator.openai_errors import error as openai_error
from providers.emulator.openai_errors import refuse_key
from providers.emulator.openai_responses import Responses
from providers.emulator.wire import Wire

_CREATED = 1_780_000_000
_ANTHROPIC = Messages()
_GEMINI = Generate()

# (method, path) → wire and dialect; the first that fits.
_CHAT: list[tuple[re.Pattern[str], Wire, str]] = [
    (re.compile(r"/openai/v1/responses$"), Responses(), "openai_responses"),
    (re.compile(r"/openai/v1/chat/completions$"), ChatCompletions(), "openai_chat"),
    (
        re.compile(r"/compatible(/.*)?/chat/completions$"),
        ChatCompletions(is_compatible=True),
        "openai_chat",
    ),
    (re.compile(r"/anthropic/v1/messages$"), _ANTHROPIC, "anthropic_messages"),
    (
        re.compile(r"/gemini/v1(beta)?/models/[^/]+:(stream)?[gG]enerateContent$"),
        _GEMINI,
        "gemini_generate",
    ),
]


def chat(request: Request) -> tuple[Wire, str] | None:
    """The wire of a chat request and the name of its dialect."""
    if request.method != "POST":
        return None
    for pattern, wire, dialect in _CHAT:
        if pattern.match(request.path):
            return wire, dialect
    return None


def plain(request: Request) -> Reply:
    """Everything that is not a chat: model lists, counts, 404."""
    path = request.path
    for prefix, answer in _PLAIN:
        if path.startswith(prefix):
            return answer(request, path.removeprefix(prefix))
    return _not_found(path)


def _not_found(path: str) -> Reply:
    return Reply(404, {"error": {"message": f"Not found: {path}", "type": "not_found"}})


def _openai(request: Request, rest: str) -> Reply:
    known = models.OPENAI + models.OPENAI_OTHER
    return refuse_key(request) or _openai_models(rest.strip("/"), known)


def _compatible(request: Request, rest: str) -> Reply:
    if rest.endswith("/models"):
        return _openai_models("", models.COMPATIBLE)
    if rest.endswith("/key"):  # what OpenRouter's key check asks
        return refuse_key(request) or Reply(200, {"data": {"label": "emulated"}})
    return _not_found(request.path)


def _anthropic(request: Request, rest: str) -> Reply:
    return _ANTHROPIC.refuse_key(request) or _anthropic_models(request, rest.strip("/"))


def _gemini(request: Request, rest: str) -> Reply:
    match = re.match(r"(?:beta)?/models(?:/([^/:]+))?(:countTokens)?$", rest)
    if match is None:
        return _not_found(request.path)
    if match[2]:
        return _GEMINI.count(request)
    return _GEMINI.refuse_key(request) or _gemini_models(request, match[1] or "")


_PLAIN: list[tuple[str, Callable[[Request, str], Reply]]] = [
    ("/openai/v1/models", _openai),
    ("/compatible", _compatible),
    (
        "/anthropic/v1/messages/count_tokens",
        lambda request, _: _ANTHROPIC.count(request),
    ),
    ("/anthropic/v1/models", _anthropic),
    ("/gemini/v1", _gemini),
]


def _openai_models(name: str, known: tuple[str, ...]) -> Reply:
    rows = [
        {
            "id": model,
            "object": "model",
            "created": _CREATED - i,
            "owned_by": "emulator",
        }
        for i, model in enumerate(known)
    ]
    if not name:
        return Reply(
            200, {"object": "list", "data": rows}, {"x-request-id": "req_emulated"}
        )
    for row in rows:
        if row["id"] == name:
            return Reply(200, row)
    return openai_error(404, message=f"The model '{name}' does not exist")


def _anthropic_models(request: Request, name: str) -> Reply:
    rows = [_anthropic_model(model) for model in models.ANTHROPIC]
    if name:
        found = [row for row in rows if row["id"] == name]
        return (
            Reply(200, found[0])
            if found
            else _ANTHROPIC.error(404, message=f"model: {name}")
        )
    after = request.query.get("after_id", "")
    start = models.ANTHROPIC.index(after) + 1 if after in models.ANTHROPIC else 0
    size = min(int(request.query.get("limit", "20")), models.PAGE)
    page = rows[start : start + size]
    has_more = start + size < len(rows)
    ends = {"first_id": page[0]["id"], "last_id": page[-1]["id"]} if page else {}
    return Reply(200, {"data": page, "has_more": has_more, **ends})


def _anthropic_model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name.replace("-", " ").title(),
        "created_at": "2026-06-01T00:00:00Z",
        "max_input_tokens": 1_000_000,
        "max_tokens": 128_000,
        "lifecycle": "active",
    }


def _gemini_models(request: Request, name: str) -> Reply:
    rows = [_gemini_model(model) for model in models.GEMINI]
    if name:
        found = [row for row in rows if row["name"] == f"models/{name}"]
        return Reply(200, found[0]) if found else _GEMINI.error(404)
    token = request.query.get("pageToken", "0")
    start = int(token) if token.isdigit() else 0
    size = min(int(request.query.get("pageSize", "50")), models.PAGE)
    data: dict[str, Any] = {"models": rows[start : start + size]}
    if start + size < len(rows):
        data["nextPageToken"] = str(start + size)
    return Reply(200, data)


def _gemini_model(name: str) -> dict[str, Any]:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "description": "Emulated.",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "thinking": True,
    }
