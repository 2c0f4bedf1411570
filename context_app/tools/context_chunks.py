"""Search, add to and prune the context of the conversation, as the model asks for it."""

from __future__ import annotations

import json

from context_app.tools.base import (
    Arguments,
    ContextAccess,
    Tool,
    ToolContext,
    ToolError,
    cut,
)

MAX_HITS = 20


def _access(context: ToolContext) -> ContextAccess:
    if context.context is None:
        raise ToolError("This call belongs to no conversation.")
    return context.context


def _search(arguments: Arguments, context: ToolContext) -> str:
    words = str(arguments.get("query") or "").strip()
    if not words:
        raise ToolError("Say which words to look for.")
    hits = _access(context).search(words, MAX_HITS)
    if not hits:
        return "Nothing in the context of this conversation has these words."
    return cut("\n".join(json.dumps(hit, ensure_ascii=False) for hit in hits))


def _add(arguments: Arguments, context: ToolContext) -> str:
    title = str(arguments.get("title") or "").strip()
    text = str(arguments.get("text") or "")
    if not title or not text.strip():
        raise ToolError("Give the chunk a title and a text.")
    return f"Added as chunk {_access(context).add(title, text)}."


def _remove(arguments: Arguments, context: ToolContext) -> str:
    title = _access(context).remove(str(arguments.get("chunk_id") or ""))
    return f"“{title}” is no longer sent. The transcript is unchanged."


def _target(arguments: Arguments) -> str:
    return str(arguments.get("chunk_id") or arguments.get("title") or "")


tools = [
    Tool(
        name="context_search",
        description="Find earlier messages, files and notes of this conversation by words, "
        "also those that are no longer sent to you.",
        parameters={
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "Words that all occur."}
            },
            "required": ["query"],
            "additionalProperties": False,
        },
        run=_search,
    ),
    Tool(
        name="context_add",
        description="Keep a text in the context of this conversation, so that it is sent "
        "with every further request: findings, decisions, a plan.",
        parameters={
            "type": "object",
            "properties": {
                "title": {"type": "string", "description": "A few words."},
                "text": {"type": "string", "description": "What to keep."},
            },
            "required": ["title", "text"],
            "additionalProperties": False,
        },
        run=_add,
        risk="medium",
        target_of=_target,
    ),
    Tool(
        name="context_remove",
        description="Take a chunk out of the context of this conversation, by the id that "
        "context_search gave. The person can bring it back.",
        parameters={
            "type": "object",
            "properties": {
                "chunk_id": {"type": "string", "description": "The id of the chunk."}
            },
            "required": ["chunk_id"],
            "additionalProperties": False,
        },
        run=_remove,
        risk="medium",
        target_of=_target,
    ),
]
