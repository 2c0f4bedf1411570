"""The branch that leads to a message: what a model is to be told, root first."""

from __future__ import annotations

from uuid import UUID

from sessions_app.models import Message

_AT_ONCE = 500  # ids in one query: SQLite and PostgreSQL take that many with ease


def branch_to(message: Message) -> list[Message]:
    """The messages from the root to this one. Two kinds of query, however long it is.

    The tree is walked by its ids alone; only the branch itself is read whole.
    """
    if message.parent_id is None:
        return [message]
    parents: dict[UUID, UUID | None] = dict(
        Message.objects.filter(
            conversation_id=message.conversation_id, depth__lt=message.depth
        ).values_list("pk", "parent_id")
    )
    path: list[UUID] = []
    pk: UUID | None = message.parent_id
    while pk is not None and pk in parents:
        path.append(pk)
        pk = parents[pk]
    found: dict[UUID, Message] = {}
    for start in range(0, len(path), _AT_ONCE):
        found |= Message.objects.in_bulk(path[start : start + _AT_ONCE])
    return [found[pk] for pk in reversed(path) if pk in found] + [message]
