"""Tells open pages that words from the library changed in conversations of theirs.

Called by `library.py` before and after each change; rung after the commit, at everybody
whose next request may be a different one. In which of their conversations is not said:
an open panel asks again, and a closed one has nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet

from context_app.models import ContextChunk
from maestro import doorbell
from sessions_app import frames
from sessions_app.models import Conversation, Membership
from sessions_app.tokens.credential_news import group_of_person


@contextmanager
def changing(attached: QuerySet[ContextChunk]) -> Iterator[None]:
    """Around a change of what is attached in these places, then or now."""
    before = concerned(attached)
    with transaction.atomic():
        yield
        people = before | concerned(attached.all())
        transaction.on_commit(lambda: _ring(people))


def concerned(attached: QuerySet[ContextChunk]) -> set[Any]:
    """The ids of people in whose conversations it is, or may be with the next question."""
    teams = attached.filter(applies_to=ContextChunk.AppliesTo.TEAM).values("team")
    keys = attached.filter(applies_to=ContextChunk.AppliesTo.CREDENTIAL)
    talks = Conversation.objects.filter(
        Q(credential__in=keys.values("credential"))
        | Q(pk__in=attached.values("conversation"))
    )
    found = set(talks.values_list("owner", flat=True))
    found |= set(keys.values_list("credential__owner", flat=True))
    found |= set(
        Membership.objects.filter(team__in=teams).values_list("user", flat=True)
    )
    return found - {None}


def _ring(people: set[Any]) -> None:
    frame = frames.encode_frame(frames.ContextChanged()).decode()
    for person in people:
        doorbell.ring(group_of_person(person), {"kind": "context", "frames": [frame]})
