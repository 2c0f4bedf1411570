"""Conversations as people handle them: list, search, rename, archive, delete.

Called by views and consumers. A conversation that is not shared with somebody is not
found, in the same words as one that does not exist.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from context_app.services import search as full_text
from context_app.services.search import Hit
from sessions_app.errors import Invalid, NotFound
from sessions_app.models import Conversation, Run, Verb
from sessions_app.models.conversation import reach
from sessions_app.person import Person
from sessions_app.services import sharing
from sessions_app.services.ids import as_uuid

MAX_TITLE = 200
MAX_LIST = 100


def conversation_for(*, user: Person, conversation_id: UUID | str) -> Conversation:
    """A conversation that this person may see. Raises NotFound."""
    found = _with_active_run(_mine(user).filter(pk=as_uuid(conversation_id))).first()
    if found is None:
        raise NotFound("There is no such conversation.")
    return found


def list_conversations(
    *,
    user: Person,
    query: str = "",
    archived: bool = False,
    shared: bool = False,
    before: datetime | None = None,
    before_id: UUID | None = None,
    limit: int = 50,
) -> Sequence[Conversation]:
    """The person's conversations, last active first, each with `active_run`.

    `before`: the `updated_at` of the last row of the page before this one; `before_id`,
    its id, tells apart what was last active in the same moment. `query`: see search.
    `shared`: others' that are shared with this person, instead of their own.
    """
    rows = search(user=user, query=query) if query.strip() else _mine(user)
    if shared:
        rows = rows.exclude(reach(user, Verb.OWN)).select_related("owner")
    else:
        rows = rows.filter(reach(user, Verb.OWN), archived_at__isnull=not archived)
    if before is not None:
        older = Q(updated_at__lt=before)
        if before_id is not None:
            older |= Q(updated_at=before, pk__lt=before_id)
        rows = rows.filter(older)
    rows = _with_active_run(rows).order_by("-updated_at", "-pk")
    return list(rows[: max(1, min(limit, MAX_LIST))])


def search(*, user: Person, query: str) -> QuerySet[Conversation]:
    """The person's conversations in whose title or messages every word occurs."""
    return full_text.conversations(user=user, query=query)


def places(
    *, user: Person, query: str, rows: Sequence[Conversation]
) -> dict[UUID, Hit]:
    """By conversation: where in it the words stand. For those that a search found."""
    if not query.strip():
        return {}
    return full_text.best_of(user=user, query=query, among=[row.pk for row in rows])


def begin_conversation(*, user: Any) -> Conversation:
    """An empty one, to put a context into before the first question."""
    conversation = Conversation.objects.create(owner=user)
    return conversation_for(user=user, conversation_id=conversation.pk)


def change_conversation(
    *,
    user: Person,
    conversation_id: UUID | str,
    title: str | None = None,
    archived: bool | None = None,
    answering: dict[str, Any] | None = None,
) -> Conversation:
    """Rename it, put it away or bring it back; all of it or nothing. None leaves it.

    `answering`: checked values of `retry` and `fallbacks` (see `answering.py`). Raises
    NotFound, NotAllowed, Invalid.
    """
    conversation = conversation_for(user=user, conversation_id=conversation_id)
    sharing.check(user, Verb.OWN, conversation)
    changed: list[str] = []
    for name, value in (answering or {}).items():
        setattr(conversation, name, value)
        changed.append(name)
    if title is not None:
        conversation.title = _checked_title(title)
        conversation.title_is_chosen = True
        changed += ["title", "title_is_chosen"]
    if archived is not None and archived != (conversation.archived_at is not None):
        conversation.archived_at = timezone.now() if archived else None
        changed.append("archived_at")
    # Neither is activity: `updated_at` stays.
    conversation.save(update_fields=changed)
    return conversation


def _checked_title(title: str) -> str:
    plain = _plain(title)
    if not plain:
        raise Invalid("Give the conversation a name.", field="title")
    if len(plain) > MAX_TITLE:
        raise Invalid(f"A name has at most {MAX_TITLE} characters.", field="title")
    return plain


def delete_conversation(*, user: Person, conversation_id: UUID | str) -> None:
    """Delete it with all its messages and runs, for good. Raises NotFound,
    NotAllowed."""
    conversation = conversation_for(user=user, conversation_id=conversation_id)
    sharing.check(user, Verb.OWN, conversation)
    conversation.delete()


def _mine(user: Person) -> QuerySet[Conversation]:
    return Conversation.objects.visible_to(user)


def _with_active_run(rows: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Each with `active_run`, the id of the oldest run that is not over, or None."""
    active = (
        Run.objects.active().filter(conversation=OuterRef("pk")).order_by("created_at")
    )
    return rows.annotate(active_run=Subquery(active.values("pk")[:1]))


def _plain(text: str) -> str:
    """One line without control characters: NUL is refused by PostgreSQL."""
    kept = (" " if unicodedata.category(c) == "Cc" else c for c in text)
    return " ".join("".join(kept).split())
