"""The list of models of the ChatGPT backend, as the Codex client reads it.

Source: openai/codex `codex-rs/codex-api/src/endpoint/models.rs`
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from providers.emulator import models
from providers.emulator.http11 import Reply, Request

_VERSION = re.compile(r"\d+\.\d+\.\d+")
_EFFORTS = (
    ("low", "Fast answers"),
    ("medium", "A balance of speed and depth"),
    ("high", "More depth for hard problems"),
)


def answer(request: Request) -> Reply:
    """GET /backend-api/codex/models?client_version=1.2.3"""
    if not _VERSION.match(request.query.get("client_version", "")):
        return Reply(400, {"detail": "client_version is required"})
    rows = [*listed(models.CHATGPT), *listed(models.CHATGPT_HIDDEN, is_hidden=True)]
    data = {"models": rows}
    digest = hashlib.sha256(json.dumps(data).encode()).hexdigest()[:16]
    return Reply(200, data, {"etag": f'W/"{digest}"'})


def listed(names: tuple[str, ...], *, is_hidden: bool = False) -> list[dict[str, Any]]:
    """The rows of these models, most important first."""
    return [
        _row(name, i, "hide" if is_hidden else "list") for i, name in enumerate(names)
    ]


def _row(name: str, priority: int, visibility: str) -> dict[str, Any]:
    size = 128_000 if name.endswith("spark") else 272_000
    levels = [{"effort": effort, "description": text} for effort, text in _EFFORTS]
    return {
        "slug": name,
        "display_name": name.replace("gpt", "GPT").replace("-", " ", 1),
        "description": "Emulated.",
        "visibility": visibility,
        "supported_in_api": True,
        "priority": priority,
        "context_window": size,
        "max_context_window": size,
        "default_reasoning_level": "medium",
        "supported_reasoning_levels": levels,
        "supports_parallel_tool_calls": True,
        "support_verbosity": True,
        "default_verbosity": "low",
        "input_modalities": ["text", "image"],
        "minimal_client_version": "0.1.0",
        "base_instructions": "You are a helpful assistant.",
    }
