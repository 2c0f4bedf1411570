"""Entries of the library when somebody leaves a team, and when a team is no more.

Who shared an entry takes it along. Whatever followed it for others, or follows for them
what the team keeps, stays at the words of now: nobody reads on, and nobody writes into
others' requests, without being in the team. Called by `sessions_app/services/teams.py`.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from context_app.models import ContextChunk

AppliesTo = ContextChunk.AppliesTo


def leave(*, team_id: UUID, person_id: int) -> None:
    """This person is in this team no more."""
    theirs = ContextChunk.objects.library().filter(team=team_id, owner=person_id)
    own = Q(conversation__owner=person_id) | Q(credential__owner=person_id)
    others = Q(reference__in=theirs) & ~own
    # A manager may have put an entry that is nobody else's into the team.
    given = Q(applies_to=AppliesTo.TEAM, team=team_id, reference__owner=person_id)
    kept = own & Q(reference__team=team_id) & ~Q(reference__owner=person_id)
    _stay(ContextChunk.objects.filter(others | given | kept))
    theirs.update(team=None)


def end(team_id: UUID) -> None:
    """The team is about to be deleted: its entries are their owners' again."""
    entries = ContextChunk.objects.library().filter(team=team_id)
    own = Q(conversation__owner=F("reference__owner"))
    own |= Q(credential__owner=F("reference__owner"))
    _stay(ContextChunk.objects.filter(Q(reference__in=entries) & ~own))
    entries.update(team=None)


def _stay(attached: QuerySet[ContextChunk]) -> None:
    """What follows the newest version stays at the present one."""
    now = ContextChunk.objects.filter(pk=OuterRef("reference")).values("version")
    # By key: an update cannot look across tables.
    keys = list(attached.filter(reference_version=None).values_list("pk", flat=True))
    ContextChunk.objects.filter(pk__in=keys).update(reference_version=Subquery(now))
