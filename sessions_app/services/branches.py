"""The branch of a conversation that is shown, page by page, newest first.

A branch is the way from its leaf to the root. It is walked by ids alone, inside the
database; only the messages of one page are read whole, so that a conversation of ten
thousand messages opens as fast as one of ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from sessions_app.errors import NotFound
from sessions_app.frames import MessageView
from sessions_app.models import Conversation, Message, Run
from sessions_app.people import Person
from sessions_app.services import shapes

MAX_PAGE = 200

# %s: table, leaf, deepest depth, page size. Both databases understand it.
_WALK = """
WITH RECURSIVE branch(id, parent_id, depth) AS (
    SELECT id, parent_id, depth FROM {table} WHERE id = %s
    UNION ALL
    SELECT m.id, m.parent_id, m.depth FROM {table} m JOIN branch b ON m.id = b.parent_id
)
SELECT id FROM branch WHERE depth < %s ORDER BY depth DESC LIMIT %s
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Messages of a branch, root side first. `has_more`: older ones exist."""

    messages: list[MessageView]
    has_more: bool


def page_of_branch(
    *,
    user: Person,
    conversation_id: UUID | str,
    before_depth: int | None = None,
    limit: int = 50,
) -> Page:
    """The newest `limit` messages of the shown branch above `before_depth`.

    Raises NotFound.
    """
    conversation = (
        Conversation.objects.visible_to(user).filter(pk=conversation_id).first()
    )
    if conversation is None:
        raise NotFound("There is no such conversation.")
    limit = max(1, min(limit, MAX_PAGE))
    ids = _walk(conversation.leaf_id, before_depth, limit + 1)
    rows = list(Message.objects.filter(pk__in=ids[:limit]).order_by("depth"))
    return Page(_views(conversation, rows), has_more=len(ids) > limit)


def _walk(leaf_id: UUID | None, before_depth: int | None, limit: int) -> list[UUID]:
    if leaf_id is None:
        return []
    table = connection.ops.quote_name(Message._meta.db_table)
    leaf = leaf_id.hex if connection.vendor == "sqlite" else leaf_id
    deepest = before_depth if before_depth is not None else 2**31 - 1
    with connection.cursor() as cursor:
        cursor.execute(_WALK.format(table=table), [leaf, deepest, limit])
        return [
            found if isinstance(found, UUID) else UUID(found)
            for (found,) in cursor.fetchall()
        ]


def _views(conversation: Conversation, rows: list[Message]) -> list[MessageView]:
    """Views of a page with a fixed number of queries."""
    runs = {
        run.answer_id: run
        for run in Run.objects.filter(answer__in=rows).select_related("credential")
    }
    versions: dict[UUID | None, list[UUID]] = {}
    parents = {row.parent_id for row in rows}
    siblings = Message.objects.filter(conversation=conversation)
    known = siblings.filter(parent_id__in=[p for p in parents if p is not None])
    if None in parents:
        known = known | siblings.filter(parent_id=None)
    for pk, parent_id in known.order_by("created_at", "pk").values_list(
        "pk", "parent_id"
    ):
        versions.setdefault(parent_id, []).append(pk)
    return [
        shapes.message_view(row, siblings=versions[row.parent_id], run=runs.get(row.pk))
        for row in rows
    ]


def choose_branch(*, user: Person, message_id: UUID | str) -> Conversation:
    """Show the branch this message is on, to its newest end. Raises NotFound."""
    message = (
        Message.objects.visible_to(user)
        .select_related("conversation")
        .filter(pk=message_id)
    ).first()
    if message is None:
        raise NotFound("There is no such message.")
    conversation = message.conversation
    conversation.leaf_id = newest_end(message)
    conversation.save(update_fields=["leaf"])  # choosing is no activity
    return conversation


def newest_end(message: Message) -> UUID:
    """The leaf that is reached by always taking the newest child."""
    newest: dict[UUID, UUID] = {}
    below = Message.objects.filter(
        conversation_id=message.conversation_id, depth__gt=message.depth
    )
    for pk, parent_id in below.order_by("created_at", "pk").values_list(
        "pk", "parent_id"
    ):
        if parent_id is not None:
            newest[parent_id] = pk
    end = message.pk
    while end in newest:
        end = newest[end]
    return end
