"""Rows as the page sees them: the structs of `frames/views.py`, for frames and JSON alike.

Opaque vendor state is for the vendor only and stays behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from context_app.models import Audit, ToolIntent
from context_app.services.search import Hit
from providers import provider
from sessions_app.frames import (
    AuditView,
    AuthorView,
    ConversationView,
    CredentialRef,
    IntentView,
    MessageView,
    RunView,
)
from sessions_app.models import Conversation, Message, Run, RunAttempt

BROKEN = (Run.Status.INTERRUPTED, Run.Status.FAILED, Run.Status.STOPPED)


def place_view(hit: Hit) -> dict[str, Any]:
    """Where words stand. `marks`: [from, to) in `text`."""
    return {
        "kind": hit.kind,
        "id": hit.id,
        "text": hit.snippet.text,
        "marks": hit.snippet.marks,
    }


def run_view(run: Run) -> RunView:
    """A run; asks no database."""
    return RunView(
        id=run.pk,
        conversation_id=run.conversation_id,
        question_id=run.question_id,
        answer_id=run.answer_id,
        status=run.status,
        cause=run.cause,
        credential=CredentialRef(
            provider=run.provider,
            auth_type=run.auth_type,
            name=run.credential_name,
            id=run.credential_id,
        ),
        model=run.model,
        reasoning_effort=run.options.get("reasoning_effort") or "",
        epoch=run.epoch,
        seq=run.seq,
        is_demo=run.is_demo,
        error=run.error,
        retry_at=_iso(run.retry_at),
        can_continue=can_continue(run),
        stop_reason=run.stop_reason,
        usage=run.usage,
        cost_usd=None if run.cost_usd is None else f"{run.cost_usd:f}",
        price_date=run.price_date,
        by=run.started_by_id,
        created_at=_iso(run.created_at) or "",
        started_at=_iso(run.started_at),
        first_event_at=_iso(run.first_event_at),
        finished_at=_iso(run.finished_at),
    )


def can_continue(run: Run) -> bool:
    """Whether the rest of a broken answer may be asked for. Asks no database."""
    if run.status not in BROKEN or not run.seq:
        return False
    return run.has_steps or provider.can_continue(run.provider)


def intent_view(intent: ToolIntent) -> IntentView:
    """A tool call; asks no database."""
    return IntentView(
        id=intent.pk,
        run_id=intent.run_ref,
        conversation_id=intent.conversation_ref,
        call_id=intent.call_id,
        tool=intent.tool,
        arguments=intent.arguments,
        target=intent.target,
        purpose=intent.purpose,
        scope=intent.scope,
        declared_risk=intent.declared_risk,
        computed_risk=intent.computed_risk,
        effective_risk=intent.effective_risk,
        state=intent.state,
        decision=intent.decision,
        decision_why=intent.decision_why,
        decided_by=intent.decided_by_name,
        words=intent.words,
        created_at=_iso(intent.created_at) or "",
        decided_at=_iso(intent.decided_at),
        started_at=_iso(intent.started_at),
        finished_at=_iso(intent.finished_at),
    )


def attempt_view(attempt: RunAttempt) -> dict[str, Any]:
    """A request to a vendor as plain JSON data; `error` null: it did not fail."""
    return {
        "number": attempt.number,
        "step": attempt.step,
        "provider": attempt.provider,
        "credential": attempt.credential_name,
        "model": attempt.model,
        "started_at": _iso(attempt.started_at),
        "ended_at": _iso(attempt.ended_at),
        "error": attempt.error,
        "retry_class": attempt.retry_class,
        "action": attempt.action,
        "wait_s": attempt.wait_s,
    }


def message_view(
    message: Message,
    *,
    siblings: Iterable[UUID] | None = None,
    run: Run | None = None,
) -> MessageView:
    """One message. Without `siblings`, they and the run are looked up.

    A page passes both in, so that a message costs no query (an answer may have no run).
    """
    if siblings is None:
        siblings = siblings_of(message)
        if run is None and message.role == Message.Role.ASSISTANT:
            run = Run.objects.filter(answer=message).first()
    return MessageView(
        id=message.pk,
        conversation_id=message.conversation_id,
        parent_id=message.parent_id,
        depth=message.depth,
        role=message.role,
        parts=[without_state(part) for part in message.parts],
        created_at=_iso(message.created_at) or "",
        siblings=list(siblings),
        run=run_view(run) if run is not None else None,
        author=_author(message),
    )


def _author(message: Message) -> AuthorView | None:
    if message.role != Message.Role.USER or not message.author_name:
        return None
    return AuthorView(id=message.author_id, name=message.author_name)


def siblings_of(message: Message) -> list[UUID]:
    """The versions of a message, oldest first, itself included."""
    rows = Message.objects.filter(
        conversation_id=message.conversation_id, parent_id=message.parent_id
    )
    return list(rows.order_by("created_at", "pk").values_list("pk", flat=True))


def conversation_view(conversation: Conversation) -> ConversationView:
    """A conversation; `active_run` may have been annotated by the list."""
    active = getattr(conversation, "active_run", None)
    return ConversationView(
        id=conversation.pk,
        title=conversation.title,
        updated_at=_iso(conversation.updated_at) or "",
        archived=conversation.archived_at is not None,
        credential_id=conversation.credential_id,
        model=conversation.model,
        active_run_id=active,
        owner_id=conversation.owner_id,
        is_shared=conversation.is_shared,
    )


def without_state(part: Mapping[str, Any]) -> dict[str, Any]:
    """A stored part without the vendor's opaque state."""
    return {key: value for key, value in part.items() if key != "state"}


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def audit_view(row: Audit) -> AuditView:
    """An audit without its report; asks no database."""
    return AuditView(
        id=row.pk,
        source=row.source_name,
        provider=row.provider,
        credential=row.credential_name,
        model=row.model,
        is_demo=row.is_demo,
        state=row.state,
        cause=row.cause,
        done=row.done,
        total=row.total,
        now=row.now,
        score=row.score,
        summary=row.summary or None,
        conversation_id=row.conversation_id,
        previous_id=row.previous_id,
        can_repeat=row.can_repeat,
        created_at=_iso(row.created_at) or "",
        finished_at=_iso(row.finished_at),
    )
