"""The vendors' lists of models, in their form and with their paging.

Source: openai-python `types/model.py`, anthropic-sdk-python `types/model_info.py` and
`model_capabilities.py`, python-genai `types.py` (Model)
"""

from __future__ import annotations

import re
from typing import Any

from providers.emulator import models
from providers.emulator.anthropic_errors import error as anthropic_error
from providers.emulator.gemini_errors import error as gemini_error
from providers.emulator.http11 import Reply, Request
from providers.emulator.openai_errors import HEADERS, no_model

_CREATED = 1_780_000_000
_ABILITIES = (
    "batch", "citations", "code_execution", "image_input", "pdf_input",
    "structured_outputs",
)  # fmt: skip


def openai(name: str, known: tuple[str, ...]) -> Reply:
    """The whole list, or one of it; this vendor has no pages."""
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
        return Reply(200, {"object": "list", "data": rows}, dict(HEADERS))
    for row in rows:
        if row["id"] == name:
            return Reply(200, row, dict(HEADERS))
    return no_model(name)


def anthropic(request: Request, name: str) -> Reply:
    """A page after `after_id` or before `before_id`, or one model."""
    headers = {"request-id": "req_emulated"}
    known = list(models.ANTHROPIC)
    if name:
        if name not in known:
            return anthropic_error(404, message=f"model: {name}")
        return Reply(200, _claude(name), headers)
    limit = int(request.query.get("limit", "20"))
    if not 1 <= limit <= 1000:
        return anthropic_error(400, message="limit: Input should be between 1 and 1000")
    after, before = request.query.get("after_id"), request.query.get("before_id")
    for cursor in (after, before):
        if cursor is not None and cursor not in known:
            return anthropic_error(400, message=f"Invalid cursor: {cursor}")
    size = min(limit, models.PAGE)
    if before is not None:
        earlier = known[: known.index(before)]
        page, has_more = earlier[-size:], len(earlier) > size
    else:
        later = known[known.index(after) + 1 :] if after is not None else known
        page, has_more = later[:size], len(later) > size
    data = {
        "data": [_claude(model) for model in page],
        "has_more": has_more,
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }
    return Reply(200, data, headers)


def _claude(name: str) -> dict[str, Any]:
    yes, no = {"supported": True}, {"supported": False}
    takes = models.claude_thinking(name)
    kinds = ("adaptive", "between_tools", "disabled", "enabled")
    thinking = {kind: yes if kind in takes else no for kind in kinds}
    efforts = dict.fromkeys(("low", "medium", "high", "xhigh", "max"), yes)
    return {
        "type": "model",
        "id": name,
        "display_name": _spoken(name),
        "created_at": "2026-06-01T00:00:00Z",
        "max_input_tokens": 1_000_000,
        "max_tokens": models.CLAUDE_OUTPUT_TOKENS,
        "lifecycle": "active",
        "deprecated_at": None,
        "retires_at": None,
        "capabilities": {
            **dict.fromkeys(_ABILITIES, yes),
            "context_management": yes,
            "effort": {**yes, **efforts},
            "server_tools": yes,
            "thinking": {**yes, "types": thinking},
        },
    }


def gemini(request: Request, name: str) -> Reply:
    """A page from `pageToken` on, or one model."""
    known = (*models.GEMINI, *models.GEMINI_OTHER)
    if name:
        if name not in known:
            return gemini_error(404, message=f"Model is not found: models/{name}")
        return Reply(200, _gemini(name))
    size = int(request.query.get("pageSize", "50"))
    token = request.query.get("pageToken") or "page-0"
    match = re.fullmatch(r"page-(\d{1,6})", token)
    if size < 0 or match is None:
        return gemini_error(400)
    start = int(match[1])
    end = start + min(size or 50, models.PAGE)
    data: dict[str, Any] = {"models": [_gemini(model) for model in known[start:end]]}
    if end < len(known):
        data["nextPageToken"] = f"page-{end}"
    return Reply(200, data)


def _gemini(name: str) -> dict[str, Any]:
    is_chat = name in models.GEMINI
    methods = ["generateContent", "countTokens"] if is_chat else ["embedContent"]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": _spoken(name),
        "description": "Emulated.",
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": methods,
        **({"temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2,
            "thinking": True} if is_chat else {}),
    }  # fmt: skip


def _spoken(name: str) -> str:
    """`claude-haiku-5-5` → `Claude Haiku 5.5`"""
    return re.sub(r"(\d)-(\d)", r"\1.\2", name).replace("-", " ").title()
