"""The library: personas, prompts and team knowledge, with versions that never change.

A person's own entries are theirs; a team's are read by its members and changed by the one
who made them, or by staff. What is attached follows the newest version or stays at one.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from context_app.assembly import Kind, Sizer
from context_app.models import ChunkVersion, ContextChunk
from context_app.services import library_news
from context_app.services.chunks import checked_text, checked_title
from sessions_app.errors import Conflict, Invalid, NotAllowed, NotFound
from sessions_app.models import Membership, SavedAuthentication, Team
from sessions_app.person import Person

KINDS = (Kind.SYSTEM, Kind.PERSONA, Kind.TEXT)
MAX_ENTRIES = 2000  # of one person

AppliesTo = ContextChunk.AppliesTo


def entries(user: Person) -> list[ContextChunk]:
    """What this person may attach, by title."""
    rows = ContextChunk.objects.visible_to(user).library()
    return list(rows.select_related("owner", "team").order_by("title", "pk"))


def places(user: Any) -> dict[str, list[dict[str, Any]]]:
    """Where this person may attach an entry, and the teams they may share one with."""
    keys = SavedAuthentication.objects.managed_by(user).order_by("provider", "name")
    mine = set(Membership.objects.filter(user=user).values_list("team", flat=True))
    managed = set(Team.objects.managed_by(user).values_list("pk", flat=True))
    teams = Team.objects.filter(pk__in=mine | managed)
    return {
        "credentials": [
            {"id": row.pk, "name": f"{row.name} ({row.provider})"} for row in keys
        ],
        "teams": [
            {
                "id": row.pk,
                "name": row.name,
                "is_member": row.pk in mine,
                "may_attach": row.pk in managed,
            }
            for row in teams
        ],
    }


def entry_for(user: Person, entry_id: UUID) -> ContextChunk:
    """One of them. Raises NotFound."""
    rows = ContextChunk.objects.visible_to(user).library()
    found = rows.select_related("owner", "team").filter(pk=entry_id).first()
    if found is None:
        raise NotFound("There is no such entry in the library.")
    return found


def add(
    user: Any, *, kind: str, title: str, text: str, team_id: UUID | None = None
) -> ContextChunk:
    """A new entry with its first version. Raises Invalid, NotFound."""
    if kind not in KINDS:
        raise Invalid(f"An entry is one of {', '.join(KINDS)}.", field="kind")
    title = checked_title(title)
    if not title:
        raise Invalid("Give it a title.", field="title")
    text = checked_text(text)
    if ContextChunk.objects.library().filter(owner=user).count() >= MAX_ENTRIES:
        raise Invalid(f"At most {MAX_ENTRIES:,} entries. Delete some.")
    with transaction.atomic():
        entry = ContextChunk.objects.create(
            applies_to=AppliesTo.LIBRARY,
            owner=user,
            team=_team(user, team_id),
            kind=kind,
            title=title,
            text=text,
            tokens=Sizer().tokens(len(text)),
        )
        _keep_version(entry, user)
    return entry


def change(
    user: Person,
    entry_id: UUID,
    *,
    title: str | None = None,
    text: str | None = None,
    version: int | None = None,
) -> ContextChunk:
    """Its next version; the ones before stay. `version`: the one the person saw.

    Raises NotFound, NotAllowed, Invalid, Conflict.
    """
    with library_news.changing(_attached_of(entry_id)):
        entry = _managed(user, entry_id)
        if version is not None and version != entry.version:
            raise Conflict(
                "Somebody changed this entry meanwhile. What you typed is still here: "
                "look at the newest version first."
            )
        if title is not None:
            entry.title = checked_title(title) or entry.title
        if text is not None:
            entry.text = checked_text(text)
            entry.tokens = Sizer().tokens(len(entry.text))
        entry.version += 1
        entry.save()
        _keep_version(entry, user)
    return entry


def delete(user: Person, entry_id: UUID) -> None:
    """With its versions, and wherever it is attached. Raises NotFound, NotAllowed."""
    with library_news.changing(_attached_of(entry_id)):
        _managed(user, entry_id).delete()


def versions(user: Person, entry_id: UUID) -> list[ChunkVersion]:
    """All its versions, newest first. Raises NotFound."""
    return list(entry_for(user, entry_id).versions.select_related("author"))


def attach_to_credential(
    user: Person, entry_id: UUID, credential_id: UUID, version: int | None = None
) -> ContextChunk:
    """Every conversation answered with this credential gets it. For who manages the
    credential. Raises NotFound, Invalid."""
    entry = entry_for(user, entry_id)
    rows = SavedAuthentication.objects.managed_by(user)
    credential = rows.filter(pk=credential_id).first()
    if credential is None:
        raise NotFound("There is no such credential, or it is not yours to change.")
    return _attached(
        entry, user, version, applies_to=AppliesTo.CREDENTIAL, credential=credential
    )


def attach_to_team(
    user: Any, entry_id: UUID, team_id: UUID, version: int | None = None
) -> ContextChunk:
    """Every conversation of every member gets it: for its managers, and staff.

    Raises NotFound, NotAllowed.
    """
    entry = entry_for(user, entry_id)
    team = Team.objects.managed_by(user).filter(pk=team_id).first()
    if team is None and Team.objects.visible_to(user).filter(pk=team_id).exists():
        raise NotAllowed(
            "Only its managers put words into the conversations of a whole team."
        )
    if team is None:
        raise NotFound("There is no such team.")
    return _attached(entry, user, version, applies_to=AppliesTo.TEAM, team=team)


def attachments(user: Person, entry_id: UUID) -> list[ContextChunk]:
    """Where an entry is attached beyond single conversations. Raises NotFound."""
    rows = entry_for(user, entry_id).attachments.exclude(
        applies_to=AppliesTo.CONVERSATION
    )
    return list(rows.select_related("credential", "team"))


def detach(user: Any, attachment_id: UUID) -> None:
    """Take it off a credential or a team again. Raises NotFound, NotAllowed."""
    rows = ContextChunk.objects.filter(
        pk=attachment_id, applies_to__in=(AppliesTo.CREDENTIAL, AppliesTo.TEAM)
    )
    row = rows.select_related("credential").first()
    if row is None or not _may_detach(user, row):
        raise NotFound("There is no such attachment.")
    with library_news.changing(rows):
        row.delete()


def _may_detach(user: Any, row: ContextChunk) -> bool:
    if row.team_id is not None:
        return Team.objects.managed_by(user).filter(pk=row.team_id).exists()
    return row.credential is not None and row.credential.is_managed_by(user)


def _attached(
    entry: ContextChunk, user: Any, version: int | None, **where: Any
) -> ContextChunk:
    if version is not None and not entry.versions.filter(number=version).exists():
        raise Invalid(f"“{entry.title}” has no version {version}.", field="version")
    known = ContextChunk.objects.filter(reference=entry, **where)
    row = known.first() or ContextChunk(
        reference=entry, owner=user, kind=entry.kind, **where
    )
    row.reference_version = version
    row.source = f"Library: {entry.title}"[:300]
    with library_news.changing(known):
        row.save()
    return row


def may_change(user: Any, entry: ContextChunk) -> bool:
    """Who made it, and staff."""
    return bool(entry.owner_id == user.pk or user.is_staff)


def _attached_of(entry_id: UUID) -> QuerySet[ContextChunk]:
    return ContextChunk.objects.filter(reference=entry_id)


def _managed(user: Any, entry_id: UUID) -> ContextChunk:
    entry = entry_for(user, entry_id)
    if not may_change(user, entry):
        raise NotAllowed("Only who made it, or staff, may change this entry.")
    return ContextChunk.objects.select_for_update().get(pk=entry.pk)


def _team(user: Any, team_id: UUID | None) -> Team | None:
    if team_id is None:
        return None
    mine = Membership.objects.filter(user=user).values("team")
    found = Team.objects.filter(pk=team_id, pk__in=mine).first()
    if found is None:
        raise NotFound("There is no such team, or you are not in it.")
    return found


def _keep_version(entry: ContextChunk, user: Any) -> None:
    ChunkVersion.objects.create(
        chunk=entry,
        number=entry.version,
        title=entry.title,
        text=entry.text,
        author=user,
    )
