"""Who may do what with people and teams: one table, one function (docs/teams.md).

Called by every service that changes a person, a team or an invitation; asked at use, from
the rows as they are now. Credentials and conversations have rules of their own, in their
querysets (`visible_to`, `managed_by`).

    superuser      everything; the only one who may touch or make administrators
    administrator  `is_staff`: all teams, all people but administrators
    manager        of a team: its members, invitations, shared credentials, personas
    member         of a team: sees it, shares own credentials with it
"""

from __future__ import annotations

from enum import StrEnum

from django.contrib.auth.models import User

from sessions_app.errors import NotAllowed
from sessions_app.models.team import Membership, Role, Team
from sessions_app.person import Person


class Verb(StrEnum):
    """What may be asked. The first ones take no thing, then a team, then a person."""

    SEE_PEOPLE = "see all people"
    ADD_TEAM = "add a team"
    INVITE_ANYBODY = "invite somebody into no team"
    MAKE_ADMINISTRATOR = "make somebody an administrator"

    SEE_TEAM = "see this team"
    INVITE = "invite somebody into this team"
    CHANGE_ROLE = "change what somebody is in this team"
    REMOVE_MEMBER = "remove somebody from this team"
    WITHDRAW = "take a shared credential out of this team"
    SET_PERSONA = "put words into this team's conversations"
    RENAME_TEAM = "rename this team"
    ADD_MEMBER = "put somebody into this team without asking them"
    DELETE_TEAM = "delete this team"

    CHANGE_PERSON = "close, reopen or reset this account"


OF_ADMINISTRATORS = {Verb.SEE_PEOPLE, Verb.ADD_TEAM, Verb.INVITE_ANYBODY}
OF_MEMBERS = {Verb.SEE_TEAM}
OF_MANAGERS = OF_MEMBERS | {
    Verb.INVITE, Verb.CHANGE_ROLE, Verb.REMOVE_MEMBER, Verb.WITHDRAW, Verb.SET_PERSONA,
    Verb.RENAME_TEAM,
}  # fmt: skip
ON_TEAMS = OF_MANAGERS | {Verb.ADD_MEMBER, Verb.DELETE_TEAM}


def may(person: Person, verb: Verb, thing: Team | User | None = None) -> bool:
    """Whether this person may do this (with this team, or this other person)."""
    if not isinstance(person, User) or not person.is_active:
        return False
    if verb in ON_TEAMS:
        return isinstance(thing, Team) and _with_team(person, verb, thing)
    if verb == Verb.CHANGE_PERSON:
        return isinstance(thing, User) and _with_person(person, thing)
    if verb == Verb.MAKE_ADMINISTRATOR:
        return person.is_superuser
    return person.is_staff


def check(person: Person, verb: Verb, thing: Team | User | None = None) -> None:
    """Raises NotAllowed, which says what is missing."""
    if not may(person, verb, thing):
        raise NotAllowed(f"You may not {verb}.")


def _with_team(person: User, verb: Verb, team: Team) -> bool:
    if person.is_staff:
        return True
    if verb not in OF_MANAGERS:
        return False
    found = Membership.objects.filter(user=person, team=team)
    if verb not in OF_MEMBERS:
        found = found.filter(role=Role.MANAGER)
    return found.exists()


def _with_person(person: User, other: User) -> bool:
    """Nobody closes their own account here, nor that of somebody who may more."""
    if not person.is_staff or person.pk == other.pk:
        return False
    is_above = other.is_staff or other.is_superuser
    return person.is_superuser or not is_above
