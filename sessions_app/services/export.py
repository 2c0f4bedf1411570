"""A conversation to take away: Markdown to read, JSON to keep.

Markdown is the branch that is shown. JSON is everything, all branches included, with a
version, and without secrets or opaque vendor state.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sessions_app.models import Conversation, Message, Run
from sessions_app.people import Person
from sessions_app.services import shapes
from sessions_app.services.conversations import conversation_for

FORMAT = "maestro-conversation"
VERSION = 1


def export_json(*, user: Person, conversation_id: UUID | str) -> dict[str, Any]:
    """The whole conversation as JSON data. Raises NotFound."""
    conversation = conversation_for(user=user, conversation_id=conversation_id)
    runs = _runs(conversation)
    return {
        "format": FORMAT,
        "version": VERSION,
        "id": str(conversation.pk),
        "title": conversation.title,
        "created_at": conversation.created_at.isoformat(),
        "updated_at": conversation.updated_at.isoformat(),
        "leaf": str(conversation.leaf_id) if conversation.leaf_id else None,
        "messages": [
            {
                "id": str(message.pk),
                "parent": str(message.parent_id) if message.parent_id else None,
                "role": message.role,
                "created_at": message.created_at.isoformat(),
                "parts": [shapes.without_state(part) for part in message.parts],
                "answered_by": _answered_by(runs.get(message.pk)),
            }
            for message in conversation.messages.order_by("depth", "created_at", "pk")
        ],
    }


def export_markdown(*, user: Person, conversation_id: UUID | str) -> str:
    """The shown branch as Markdown. Raises NotFound."""
    conversation = conversation_for(user=user, conversation_id=conversation_id)
    runs = _runs(conversation)
    lines = [f"# {conversation.title or 'Conversation'}", ""]
    for message in _branch(conversation):
        lines += _section(message, runs.get(message.pk))
    return "\n".join(lines).rstrip() + "\n"


def _branch(conversation: Conversation) -> list[Message]:
    known = {message.pk: message for message in conversation.messages.all()}
    found: list[Message] = []
    pk = conversation.leaf_id
    while pk is not None and pk in known:
        found.append(known[pk])
        pk = known[pk].parent_id
    return found[::-1]


def _runs(conversation: Conversation) -> dict[UUID, Run]:
    return {run.answer_id: run for run in conversation.runs.all()}


def _section(message: Message, run: Run | None) -> list[str]:
    moment = message.created_at.strftime("%Y-%m-%d %H:%M UTC")
    if message.role == Message.Role.USER:
        lines = [f"## You · {moment}", ""]
    else:
        by = (
            f"{run.model} ({run.provider}, {run.credential_name})"
            if run
            else "assistant"
        )
        lines = [f"## {by} · {moment}", ""]
    for part in message.parts:
        lines += _part(part)
    if run is not None and run.status != Run.Status.DONE:
        lines += [
            f"*{run.status}: {run.cause}*" if run.cause else f"*{run.status}*",
            "",
        ]
    return lines


def _part(part: dict[str, Any]) -> list[str]:
    kind = part.get("type")
    if kind in ("text", "refusal"):
        return [str(part.get("text", "")), *_sources(part), ""]
    if kind == "reasoning" and part.get("text"):
        return [
            "<details><summary>Reasoning</summary>",
            "",
            str(part["text"]),
            "",
            "</details>",
            "",
        ]
    if kind == "tool_call":
        return [f"*Tool call `{part.get('name')}`: `{part.get('arguments')}`*", ""]
    if kind == "tool_result":
        return [f"*Result of `{part.get('name')}`:*", "", str(part.get("text", "")), ""]
    return []


def _sources(part: dict[str, Any]) -> list[str]:
    cited = [c for c in part.get("citations", ()) if c.get("url")]
    if not cited:
        return []
    return ["", *(f"- [{c.get('title') or c['url']}]({c['url']})" for c in cited)]


def _answered_by(run: Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "provider": run.provider,
        "auth_type": run.auth_type,
        "credential": run.credential_name,
        "model": run.model,
        "status": run.status,
        "cause": run.cause,
        "stop_reason": run.stop_reason,
        "usage": run.usage,
        "cost_usd": None if run.cost_usd is None else f"{run.cost_usd:f}",
        "price_date": run.price_date,
    }
