"""Teams, as far as sharing needs them: which a person is in, make one, add people."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from sessions_app.errors import Invalid, NameTaken, NotAllowed
from sessions_app.models.team import Membership, Team
from sessions_app.people import Person


def teams_of(*, user: Person) -> QuerySet[Team]:
    """The teams this person is in: with these they may share."""
    if not user.is_authenticated:
        return Team.objects.none()
    return Team.objects.filter(memberships__user=user)


def create_team(*, user: Person, name: str) -> Team:
    """Make a team and its maker a member. Staff only. Raises NotAllowed, Invalid,
    NameTaken."""
    plain = " ".join(name.split())
    if not isinstance(user, User) or not user.is_staff:
        raise NotAllowed("Only staff may make teams.")
    if not plain or len(plain) > 80:
        raise Invalid("A team's name has 1 to 80 characters.", field="name")
    try:
        with transaction.atomic():
            team = Team.objects.create(name=plain)
            Membership.objects.create(team=team, user=user)
    except IntegrityError:
        raise NameTaken(
            f"There is already a team {plain!r}. Choose another name.", field="name"
        ) from None
    return team


def add_member(*, user: Person, team: Team, member: User) -> None:
    """Put a person into a team. Staff only; twice is once. Raises NotAllowed."""
    if not user.is_staff:
        raise NotAllowed("Only staff may add people to teams.")
    Membership.objects.get_or_create(team=team, user=member)
