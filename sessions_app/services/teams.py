"""Teams, as far as sharing needs them. The admin makes them and puts people in."""

from __future__ import annotations

from django.db.models import QuerySet

from sessions_app.models.team import Team
from sessions_app.people import Person


def teams_of(*, user: Person) -> QuerySet[Team]:
    """The teams this person is in: with these they may share."""
    if not user.is_authenticated:
        return Team.objects.none()
    return Team.objects.filter(memberships__user=user)
