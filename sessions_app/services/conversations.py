"""Conversations as their owner handles them: list, search, rename, archive, delete.

Called by views and consumers. A conversation of somebody else is not found, in the same
words as one that does not exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Conversation, Message, Run
from sessions_app.people import Person

MAX_TITLE = 200
MAX_LIST = 100


def conversation_for(*, user: Person, conversation_id: UUID | str) -> Conversation:
    """One of the person's conversations. Raises NotFound."""
    found = Conversation.objects.visible_to(user).filter(pk=conversation_id).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    return found


def list_conversations(
    *,
    user: Person,
    query: str = "",
    archived: bool = False,
    before: datetime | None = None,
    limit: int = 50,
) -> Sequence[Conversation]:
    """The person's conversations, last active first, each with `active_run`.

    `before`: those last active before this moment (the next page). `query`: see search.
    """
    rows = search(user=user, query=query) if query.strip() else _mine(user)
    rows = rows.filter(archived_at__isnull=not archived)
    if before is not None:
        rows = rows.filter(updated_at__lt=before)
    active = (
        Run.objects.active().filter(conversation=OuterRef("pk")).order_by("created_at")
    )
    rows = rows.annotate(active_run=Subquery(active.values("pk")[:1]))
    return list(rows.order_by("-updated_at", "-pk")[: max(1, min(limit, MAX_LIST))])


def search(*, user: Person, query: str) -> QuerySet[Conversation]:
    """The person's conversations in whose title or messages every word occurs.

    The one query function: better indexes go in here.
    """
    rows = _mine(user)
    for word in query.split()[:8]:
        in_messages = Message.objects.filter(
            conversation=OuterRef("pk"), text__icontains=word
        )
        rows = rows.filter(Q(title__icontains=word) | Exists(in_messages))
    return rows


def rename_conversation(
    *, user: Person, conversation_id: UUID | str, title: str
) -> Conversation:
    """Give it a name of the person's choice. Raises NotFound, Invalid."""
    plain = " ".join(title.split())
    if not plain:
        raise Invalid("Give the conversation a name.", field="title")
    if len(plain) > MAX_TITLE:
        raise Invalid(f"A name has at most {MAX_TITLE} characters.", field="title")
    conversation = conversation_for(user=user, conversation_id=conversation_id)
    conversation.title = plain
    conversation.title_is_chosen = True
    conversation.save(update_fields=["title", "title_is_chosen"])
    return conversation


def archive_conversation(
    *, user: Person, conversation_id: UUID | str, archived: bool
) -> Conversation:
    """Put it away, or bring it back. Raises NotFound."""
    conversation = conversation_for(user=user, conversation_id=conversation_id)
    conversation.archived_at = timezone.now() if archived else None
    conversation.save(update_fields=["archived_at"])
    return conversation


def delete_conversation(*, user: Person, conversation_id: UUID | str) -> None:
    """Delete it with all its messages and runs, for good. Raises NotFound."""
    conversation_for(user=user, conversation_id=conversation_id).delete()


def _mine(user: Person) -> QuerySet[Conversation]:
    return Conversation.objects.visible_to(user)
