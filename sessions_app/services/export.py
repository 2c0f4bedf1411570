"""A conversation to take away: Markdown to read, JSON to keep.

Markdown is the branch that is shown. JSON is everything, all branches included, with a
version, and without secrets or opaque vendor state.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sessions_app.models import Conversation, Run
from sessions_app.person import Person
from sessions_app.services import markdown, shapes
from sessions_app.services.branches import branch_to
from sessions_app.services.conversations import conversation_for

FORMAT = "maestro-conversation"
VERSION = 1


def export_json(*, user: Person, conversation_id: UUID | str) -> dict[str, Any]:
    """The whole conversation as JSON data. Raises NotFound."""
    conversation = conversation_for(user=user, conversation_id=conversation_id)
    runs = _runs(conversation)
    archived_at = conversation.archived_at
    return {
        "format": FORMAT,
        "version": VERSION,
        "id": str(conversation.pk),
        "title": conversation.title,
        "created_at": conversation.created_at.isoformat(),
        "updated_at": conversation.updated_at.isoformat(),
        "archived_at": archived_at.isoformat() if archived_at else None,
        "leaf": str(conversation.leaf_id) if conversation.leaf_id else None,
        "messages": [
            {
                "id": str(message.pk),
                "parent": str(message.parent_id) if message.parent_id else None,
                "role": message.role,
                "author": message.author_name or None,
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
    branch = branch_to(conversation.leaf) if conversation.leaf else []
    runs = _runs(conversation)
    lines = markdown.front_matter(conversation, [runs.get(m.pk) for m in branch])
    lines += [f"# {conversation.title or 'Conversation'}", ""]
    for message in branch:
        lines += markdown.section(
            message, runs.get(message.pk), is_shared=conversation.is_shared
        )
    return "\n".join(lines).rstrip() + "\n"


def _runs(conversation: Conversation) -> dict[UUID, Run]:
    return {run.answer_id: run for run in conversation.runs.all()}


def _answered_by(run: Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    return {
        "provider": run.provider,
        "auth_type": run.auth_type,
        "credential": run.credential_name,
        "model": run.model,
        "is_demo": run.is_demo,
        "options": run.options,
        "status": run.status,
        "cause": run.cause,
        "error": run.error,
        "stop_reason": run.stop_reason,
        "stop_reason_raw": run.stop_reason_raw,
        "usage": run.usage,
        "cost_usd": None if run.cost_usd is None else f"{run.cost_usd:f}",
        "price_date": run.price_date,
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
    }
