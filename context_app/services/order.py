"""The order of a conversation's chunks: a number each, with room between them.

A chunk that is put between two others gets a number between theirs, and nothing else
changes. Where the room is used up, all are numbered anew. What is attached from outside (to a
credential, a team) stands at 0 until then, and gets a number in this conversation alone.

Called by `chunks`, in its transaction, with the conversation held: nobody else changes
the order meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import Max, Q

from context_app.models import ContextChunk
from sessions_app.errors import Conflict
from sessions_app.models import Conversation, Membership, SavedAuthentication

ROOM = 1e-6  # the least between two: far from what a double cannot tell apart any more

AppliesTo = ContextChunk.AppliesTo


class Place(NamedTuple):
    """Beside which parts a chunk is wanted. `after` counts; if that one is gone, `before`."""

    after: UUID | None = None
    before: UUID | None = None


class _Standing(NamedTuple):
    """A part where it stands, `row` has the number. They sort as assembly sorts them."""

    position: float
    name: str
    row: ContextChunk

    @property
    def id(self) -> UUID:
        """Of the part; its number may be in a choice about it."""
        return self.row.shadows or self.row.pk


def last(conversation: Conversation) -> float:
    """A number behind all others."""
    rows = ContextChunk.objects.filter(conversation=conversation)
    return _behind(rows.aggregate(last=Max("position"))["last"] or 0.0)


def _behind(position: float) -> float:
    """Also behind what is attached, by whomever."""
    return max(position, 0.0) + 1.0


def put(
    conversation: Conversation,
    row: ContextChunk,
    place: Place,
    credentials: Iterable[SavedAuthentication] = (),
) -> None:
    """Give this row, which the caller saves, the number of its new place.

    `credentials`: those whose attachments the person may see between the chunks. Raises
    Conflict.
    """
    key = row.shadows or row.pk
    parts = _parts(conversation, credentials)
    others = sorted(part for part in parts.values() if part.id != key)
    at = _index(others, place)
    low = others[at - 1].position if at else -math.inf
    high = others[at].position if at < len(others) else math.inf
    position = _between(low, high)
    if position - low < ROOM or high - position < ROOM:
        numbers = _numbers(others, at)
        position = numbers.pop(at)
        _renumber(conversation, others, numbers)
    row.position = position


def _parts(
    conversation: Conversation, credentials: Iterable[SavedAuthentication]
) -> dict[UUID, _Standing]:
    """All that has a place, by id; choices beside what they are about."""
    teams = Membership.objects.filter(user=conversation.owner_id).values("team")
    wanted = Q(conversation=conversation)
    wanted |= Q(applies_to=AppliesTo.TEAM, team__in=teams)
    wanted |= Q(applies_to=AppliesTo.CREDENTIAL, credential__in=credentials)
    rows = list(
        ContextChunk.objects.filter(wanted).only(
            "position", "shadows", "conversation", "kind", "pinned", "excluded"
        )
    )
    own = {row.pk: row for row in rows if row.shadows is None}
    found = {key: _standing(row.position, row) for key, row in own.items()}
    for row in rows:
        key = row.shadows
        # A choice about a message has no place.
        if key and (key in own or row.position):
            at = own[key].position if key in own else 0.0
            found[key] = _standing(row.position or at, row)
    return found


def _standing(position: float, row: ContextChunk) -> _Standing:
    return _Standing(position, str(row.shadows or row.pk), row)


def _choice(conversation: Conversation, attached: ContextChunk) -> ContextChunk:
    return ContextChunk(
        conversation=conversation,
        owner=conversation.owner,
        kind=attached.kind,
        shadows=attached.pk,
        pinned=attached.pinned,
        excluded=attached.excluded,
    )


def _index(others: Sequence[_Standing], place: Place) -> int:
    """Where in this list the place is."""
    at = {part.id: index for index, part in enumerate(others)}
    if place.after in at:
        return at[place.after] + 1
    if place.before in at:
        return at[place.before]
    raise Conflict(
        "The part beside which it was to stand is gone. Look at the list again, then "
        "move it.",
        field="after" if place.after else "before",
    )


def _between(low: float, high: float) -> float:
    if math.isinf(low):
        return min(high, 0.0) - 1.0  # ahead of what is attached, too
    return _behind(low) if math.isinf(high) else (low + high) / 2


def _numbers(others: Sequence[_Standing], at: int) -> list[float]:
    """Whole numbers for these and a new one at `at`.

    What stands before or behind 0 stays there: somebody else may see an attachment of
    their own at 0, which is not among these.
    """
    below = sum(part.position < 0 for part in others)
    first = 0 if below < len(others) and others[below].position == 0.0 else 1
    if at <= below:
        below += 1
    after = len(others) + 1 - below
    return [
        *(float(number) for number in range(-below, 0)),
        *(float(number) for number in range(first, first + after)),
    ]


def _renumber(
    conversation: Conversation, others: Sequence[_Standing], numbers: Sequence[float]
) -> None:
    """`version` stays: what somebody edits meanwhile is not changed by this."""
    changed, new = [], []
    for part, number in zip(others, numbers, strict=True):
        if part.position == number:
            continue
        row = part.row
        if row.conversation_id is None:
            row = _choice(conversation, row)
            new.append(row)
        else:
            changed.append(row)
        row.position = number
    ContextChunk.objects.bulk_update(changed, ["position"])
    ContextChunk.objects.bulk_create(new)
