"""Teams: who is in them, what each is there, and what was shared with them.

Whose team is not visible to a person is not found; what they may not do there is said.
"""

from __future__ import annotations

import logging
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Count, Q, QuerySet

from context_app.services import library_leaving
from sessions_app.errors import Invalid, NameTaken, NotFound
from sessions_app.models import (
    Conversation,
    ConversationShare,
    Membership,
    Role,
    SavedAuthentication,
    Team,
)
from sessions_app.person import Person
from sessions_app.services.rights import Verb, check
from sessions_app.storable import without_nul

log = logging.getLogger(__name__)


def teams_of(*, user: Person) -> QuerySet[Team]:
    """The teams this person is in: with these they may share."""
    if not user.is_authenticated:
        return Team.objects.none()
    return Team.objects.filter(memberships__user=user)


def list_teams(*, user: Person) -> QuerySet[Team]:
    """The teams this person may see, with `people` and `keys` counted."""
    return Team.objects.visible_to(user).annotate(
        people=Count("memberships", distinct=True),
        keys=Count("saved_authentications", distinct=True),
    )


def team_for(*, user: Person, team_id: UUID | str) -> Team:
    """One team this person may see. Raises NotFound."""
    try:
        found = Team.objects.visible_to(user).filter(pk=team_id).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise NotFound("There is no such team.")
    return found


def members_of(*, user: Person, team: Team) -> QuerySet[Membership]:
    """Who is in it, by name. Raises NotAllowed."""
    check(user, Verb.SEE_TEAM, team)
    rows = team.memberships.select_related("user")
    return rows.order_by("user__username")


def shared_with(*, user: Person, team: Team) -> QuerySet[SavedAuthentication]:
    """The credentials that its members may use. Raises NotAllowed."""
    check(user, Verb.SEE_TEAM, team)
    rows = SavedAuthentication.objects.filter(team=team).select_related("owner")
    return rows.order_by("provider", "name")


def add_team(*, user: Person, name: str) -> Team:
    """A new team; whoever makes it manages it. Raises NotAllowed, Invalid, NameTaken."""
    check(user, Verb.ADD_TEAM)
    assert isinstance(user, User)
    with transaction.atomic():
        team = Team(name=_checked(name))
        _save(team)
        Membership.objects.create(team=team, user=user, role=Role.MANAGER)
    _note("team.added", user, team)
    return team


def rename_team(*, user: Person, team_id: UUID | str, name: str) -> Team:
    """Raises NotFound, NotAllowed, Invalid, NameTaken."""
    team = team_for(user=user, team_id=team_id)
    check(user, Verb.RENAME_TEAM, team)
    team.name = _checked(name)
    _save(team)
    return team


def delete_team(*, user: Person, team_id: UUID | str) -> None:
    """What was shared with it becomes its owners' own again. NotFound, NotAllowed."""
    team = team_for(user=user, team_id=team_id)
    check(user, Verb.DELETE_TEAM, team)
    _note("team.deleted", user, team)
    with transaction.atomic():
        library_leaving.end(team.pk)
        team.delete()


def add_member(
    *, user: Person, team_id: UUID | str, username: str, role: str = Role.MEMBER
) -> Membership:
    """Put somebody who is here already into a team. NotFound, NotAllowed, Invalid."""
    team = team_for(user=user, team_id=team_id)
    check(user, Verb.ADD_MEMBER, team)
    name = without_nul(username).strip()
    person = User.objects.filter(username=name, is_active=True).first()
    if person is None:
        raise Invalid("There is no active person of that name.", field="username")
    row, _ = Membership.objects.update_or_create(
        team=team, user=person, defaults={"role": _role(role)}
    )
    _note("team.member_added", user, team, person.pk)
    return row


def set_role(
    *, user: Person, team_id: UUID | str, person_id: int, role: str
) -> Membership:
    """What somebody is in a team from now on. Raises NotFound, NotAllowed, Invalid."""
    row = _member(user, team_id, person_id, Verb.CHANGE_ROLE)
    row.role = _role(role)
    row.save(update_fields=["role"])
    _note("team.role_changed", user, row.team, person_id)
    return row


def remove_member(*, user: Person, team_id: UUID | str, person_id: int) -> None:
    """What was shared with the team is no longer theirs to use, at once; also to leave.

    Raises NotFound, NotAllowed.
    """
    is_me = person_id == user.pk
    verb = Verb.SEE_TEAM if is_me else Verb.REMOVE_MEMBER
    row = _member(user, team_id, person_id, verb)
    row.delete()  # a signal takes along what was lent, whoever deletes the row
    _note("team.member_removed", user, row.team, person_id)


def take_along(*, team_id: UUID, person_id: int) -> None:
    """What somebody lent to a team they left goes with them: nobody left can see whose
    it is."""
    with transaction.atomic():
        lent = SavedAuthentication.objects.filter(team=team_id, owner_id=person_id)
        lent.update(team=None)
        _unshare(team_id, person_id)
        library_leaving.leave(team_id=team_id, person_id=person_id)


def _unshare(team_id: UUID, person_id: int) -> None:
    """Their conversations."""
    shares = ConversationShare.objects.filter(
        team=team_id, conversation__owner_id=person_id
    )
    keys = list(shares.values_list("conversation", flat=True))
    shares.delete()
    left = ConversationShare.objects.filter(conversation__in=keys)
    alone = Conversation.objects.filter(pk__in=keys).exclude(
        pk__in=left.values("conversation")
    )
    alone.update(is_shared=False)


def withdraw(*, user: Person, team_id: UUID | str, credential_id: UUID | str) -> None:
    """A shared credential is its owner's alone again. Raises NotFound, NotAllowed."""
    team = team_for(user=user, team_id=team_id)
    rows = SavedAuthentication.objects.filter(team=team, pk=credential_id)
    row = rows.first()
    if row is None:
        raise NotFound("That credential is not shared with this team.")
    if row.owner_id != user.pk:
        check(user, Verb.WITHDRAW, team)
    rows.update(team=None)
    _note("team.credential_withdrawn", user, team)


def _member(
    user: Person, team_id: UUID | str, person_id: int, verb: Verb
) -> Membership:
    team = team_for(user=user, team_id=team_id)
    check(user, verb, team)
    found = team.memberships.filter(user_id=person_id).select_related("team").first()
    if found is None:
        raise NotFound("That person is not in this team.")
    return found


def _checked(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > 80 or not name.isprintable():
        raise Invalid("A team's name has 1 to 80 printable characters.", field="name")
    return name


def _role(role: str) -> str:
    if role not in Role.values:
        raise Invalid(f"A role is one of {', '.join(Role.values)}.", field="role")
    return role


def _save(team: Team) -> None:
    same = Team.objects.filter(Q(name__iexact=team.name)).exclude(pk=team.pk)
    if same.exists():
        raise NameTaken("There is a team of that name.", field="name")
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError:
        raise NameTaken("There is a team of that name.", field="name") from None


def _note(event: str, user: Any, team: Team, person_id: int | None = None) -> None:
    about = {"user_id": user.pk, "team_id": str(team.pk)}
    log.info(event, extra=about | ({"person_id": person_id} if person_id else {}))
