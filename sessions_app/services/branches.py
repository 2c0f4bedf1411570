"""Branches of a conversation: one page of the shown one, a whole one, another one.

A branch is the way from its leaf to the root. It is walked by ids, inside the database
and only as far as is asked for; only the messages of one page are read whole, so that
a conversation of ten thousand messages opens as fast as one of ten.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias, cast
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from sessions_app.errors import NotFound
from sessions_app.frames import MessageView
from sessions_app.models import Conversation, Message, Run, Verb
from sessions_app.person import Person
from sessions_app.services import shapes, sharing
from sessions_app.services.ids import as_uuid

MAX_PAGE = 200

# A conversation, and its leaf with the leaf's depth, if it has one.
_Shown: TypeAlias = tuple[UUID, UUID | None, int | None]

# Upwards from a message, as far as a depth. Arguments: start, depth to stop at, depth to
# show from (exclusive), rows. Both databases understand it.
_UP = """
WITH RECURSIVE branch(id, parent_id, depth) AS (
    SELECT id, parent_id, depth FROM {table} WHERE id = %s
    UNION ALL
    SELECT m.id, m.parent_id, m.depth FROM {table} m JOIN branch b ON m.id = b.parent_id
    WHERE b.depth > %s
)
SELECT id FROM branch WHERE depth < %s ORDER BY depth DESC LIMIT %s
"""


class Said(NamedTuple):
    """What assembly reads of a message. A hundred thousand of them are read for one
    request: as plain values in a third of the time that rows take."""

    pk: UUID
    depth: int
    role: str
    parts: list[dict[str, Any]]
    origin: dict[str, Any] | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Messages of a branch, root side first. `has_more`: older ones exist; `has_newer`:
    the branch goes on after them."""

    messages: list[MessageView]
    has_more: bool
    has_newer: bool = False


def page_of_branch(
    *,
    user: Person,
    conversation_id: UUID | str,
    before_depth: int | None = None,
    after_depth: int | None = None,
    around: UUID | str | None = None,
    limit: int = 50,
) -> Page:
    """`limit` messages of the shown branch: the newest; those next above `before_depth`
    or below `after_depth`; or those on both sides of the message `around`: none, where
    that is on another branch. Raises NotFound.
    """
    found = (
        Conversation.objects.visible_to(user)
        .filter(pk=as_uuid(conversation_id))
        .values_list("pk", "leaf_id", "leaf__depth")
        .first()
    )
    if found is None:
        raise NotFound("There is no such conversation.")
    conversation_pk, leaf_id, leaf_depth = cast(_Shown, found)
    if leaf_id is None:
        return Page([], has_more=False)
    last = (leaf_depth or 0) + 1
    middle = None if around is None else _depth_of(around, conversation_pk)
    limit = max(1, min(limit, MAX_PAGE))
    end, limit = _span(before_depth, after_depth, middle, last=last, limit=limit)
    ids = ids_upwards(leaf_id, end=end, limit=limit + 1)
    page = ids[:limit]
    if around is not None and as_uuid(around) not in page:
        return Page([], has_more=False)
    rows = list(Message.objects.filter(pk__in=page).order_by("depth"))
    return Page(
        _views(conversation_pk, rows), has_more=len(ids) > limit, has_newer=end < last
    )


def _span(
    before: int | None, after: int | None, middle: int | None, *, last: int, limit: int
) -> tuple[int, int]:
    """(the depth at which a page ends, exclusive; how long it is). `last`: of all."""
    if before is not None:
        return min(last, before), limit
    if after is not None:
        end = min(last, after + 1 + limit)
        return end, max(0, end - after - 1)
    if middle is not None:
        return min(last, middle + 1 + limit // 2), limit
    return last, limit


def _depth_of(message_id: UUID | str, conversation_id: UUID) -> int | None:
    rows = Message.objects.filter(pk=as_uuid(message_id))
    rows = rows.filter(conversation_id=conversation_id)
    return rows.values_list("depth", flat=True).first()


def ids_upwards(start: UUID, *, end: int, limit: int) -> list[UUID]:
    """Ids on the way from message `start` to the root: depth below `end`, deepest first."""
    with connection.cursor() as cursor:
        cursor.execute(*_upwards(start, end=end, limit=limit))
        return [
            found if isinstance(found, UUID) else UUID(found)
            for (found,) in cursor.fetchall()
        ]


def _upwards(start: UUID, *, end: int, limit: int) -> tuple[str, list[Any]]:
    """The statement that `ids_upwards` asks, and its arguments."""
    table = connection.ops.quote_name(Message._meta.db_table)
    first = Message._meta.pk.get_db_prep_value(start, connection)
    return _UP.format(table=table), [first, end - limit, end, limit]


def branch_to(message: Message) -> list[Message]:
    """The rows from the root to this one: what is exported."""
    return [*_above(message), message]


def said_until(message: Message) -> list[Said]:
    """The same as plain values: what a model is told."""
    rows = _above(message).values_list(*Said._fields)
    here = (getattr(message, name) for name in Said._fields)
    return [*map(Said._make, rows), Said._make(here)]


def _above(message: Message) -> QuerySet[Message]:
    """All that is above a message, the root first, in one query."""
    depth = message.depth
    ids = RawSQL(*_upwards(message.pk, end=depth, limit=depth))  # noqa: S611  (own name)
    return Message.objects.filter(pk__in=ids).order_by("depth")


def _views(conversation_id: UUID, rows: list[Message]) -> list[MessageView]:
    """Views of a page with a fixed number of queries."""
    runs = {run.answer_id: run for run in Run.objects.filter(answer__in=rows)}
    versions: dict[UUID | None, list[UUID]] = {}
    parents = {row.parent_id for row in rows}
    siblings = Message.objects.filter(conversation_id=conversation_id)
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


def choose_branch(
    *,
    user: Person,
    message_id: UUID | str,
    conversation_id: UUID | str | None = None,
) -> Conversation:
    """Show the branch this message is on, down to its youngest end. Raises NotFound,
    NotAllowed.

    With `conversation_id` the message must be of that very conversation.
    """
    messages = Message.objects.visible_to(user).filter(pk=as_uuid(message_id))
    if conversation_id is not None:
        messages = messages.filter(conversation_id=as_uuid(conversation_id))
    message = messages.select_related("conversation").first()
    if message is None:
        raise NotFound("There is no such message.")
    conversation = message.conversation
    sharing.check(user, Verb.TAKE_PART, conversation)
    conversation.leaf_id = newest_end(message)
    conversation.save(update_fields=["leaf"])  # choosing is no activity
    return conversation


def newest_end(message: Message) -> UUID:
    """The youngest end below a message: where it was last gone on with.

    Worked out here, from ids alone: asked to walk down, PostgreSQL reads the whole table
    at every step as long as it has no statistics.
    """
    below = Message.objects.filter(
        conversation_id=message.conversation_id, depth__gt=message.depth
    )
    ends = {message.pk: message.created_at}
    inner: set[UUID | None] = {message.pk}
    rows = below.order_by("depth").values_list("pk", "parent_id", "created_at")
    for pk, parent_id, created_at in rows.iterator(chunk_size=2_000):
        if parent_id in inner:
            ends.pop(parent_id, None)
            inner.add(pk)
            ends[pk] = created_at
    return max(ends, key=lambda pk: (ends[pk], pk))
