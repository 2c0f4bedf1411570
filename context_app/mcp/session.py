"""The first words with a server, and the list of what it offers.

Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle and
…/server/utilities/pagination
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from context_app.mcp import messages
from context_app.mcp.links import Limits, Link
from context_app.mcp.messages import McpError
from context_app.mcp.schemas import plain

_MAX_PAGES = 50
_MAX_TOOLS = 500


@dataclass(frozen=True, slots=True)
class Hello:
    """What a server said of itself: the revision it speaks, its name and version."""

    version: str
    said: str


def begin(link: Link, limits: Limits) -> Hello:
    """Initialize a new connection. Raises McpError."""
    result = link.open(limits)
    version = result.get("protocolVersion")
    if version not in messages.SUPPORTED:
        raise McpError(
            f"It speaks revision {plain(version, 40) or 'nothing'} of the protocol, which "
            f"is not one of {', '.join(messages.SUPPORTED)}."
        )
    abilities = result.get("capabilities")
    tools = abilities.get("tools") if isinstance(abilities, Mapping) else None
    if not isinstance(tools, Mapping):
        raise McpError("It offers no tools.")
    link.opened(version, limits, tells_changes=tools.get("listChanged") is True)
    return Hello(version, _said(result.get("serverInfo")))


def listed(link: Link, limits: Limits) -> list[Any]:
    """All pages of `tools/list`. Raises McpError."""
    found: list[Any] = []
    cursor: str | None = None
    seen = set()
    for _ in range(_MAX_PAGES):
        params: dict[str, Any] = {"cursor": cursor} if cursor is not None else {}
        page = link.request("tools/list", params, limits)
        tools = page.get("tools") if isinstance(page, Mapping) else None
        if not isinstance(tools, list):
            raise McpError("Its list of tools is none.")
        found += tools
        cursor = page.get("nextCursor")
        if not isinstance(cursor, str):
            return found
        if cursor in seen or len(found) > _MAX_TOOLS:
            break
        seen.add(cursor)
    raise McpError("Its list of tools has no end.")


def _said(info: object) -> str:
    if not isinstance(info, Mapping):
        return ""
    words = (plain(info.get(key), 60) for key in ("name", "version"))
    return " ".join(word for word in words if word)
