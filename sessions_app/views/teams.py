"""The teams of a person; for administrators, all.

teams.html  teams (with people, keys), may_add, manages (ids of those one may manage)
team.html   team, members, credentials, invitations, roles, and what one may do:
            manages, may_delete
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from sessions_app.models import Role
from sessions_app.services import teams
from sessions_app.services.people import invitations
from sessions_app.services.rights import Verb, may
from sessions_app.views.forms import action, page


def _teams(**_: object) -> str:
    return reverse("teams")


def _team(team_id: UUID, **_: object) -> str:
    return reverse("team", kwargs={"team_id": team_id})


@page
def show(request: HttpRequest) -> HttpResponse:
    """One's teams."""
    return render(
        request,
        "teams.html",
        {
            "teams": teams.list_teams(user=request.user),
            "may_add": may(request.user, Verb.ADD_TEAM),
        },
    )


@action(_teams)
def add(request: HttpRequest) -> tuple[str, str]:
    """A new team."""
    team = teams.add_team(user=request.user, name=request.POST.get("name", ""))
    return _team(team.pk), "The team is there. Invite its people."


@page
def one(request: HttpRequest, team_id: UUID) -> HttpResponse:
    """One team."""
    team = teams.team_for(user=request.user, team_id=team_id)
    manages = may(request.user, Verb.INVITE, team)
    invited = invitations.list_invitations(user=request.user, team=team)
    return render(
        request,
        "team.html",
        {
            "team": team,
            "members": teams.members_of(user=request.user, team=team),
            "credentials": teams.shared_with(user=request.user, team=team),
            "invitations": invited[:50] if manages else [],
            "roles": Role.choices,
            "manages": manages,
            "may_delete": may(request.user, Verb.DELETE_TEAM, team),
            "days": invitations.DAYS,
        },
    )


@action(_team)
def rename(request: HttpRequest, team_id: UUID) -> tuple[str, str]:
    """Another name."""
    name = request.POST.get("name", "")
    teams.rename_team(user=request.user, team_id=team_id, name=name)
    return _team(team_id), "The team was renamed."


@action(_team)
def delete(request: HttpRequest, team_id: UUID) -> tuple[str, str]:
    """No more team."""
    teams.delete_team(user=request.user, team_id=team_id)
    return "teams", "The team is deleted. What was shared with it is its owners' again."


@action(_team)
def add_member(request: HttpRequest, team_id: UUID) -> tuple[str, str]:
    """Somebody who has an account already."""
    teams.add_member(
        user=request.user,
        team_id=team_id,
        username=request.POST.get("username", ""),
        role=request.POST.get("role", "member"),
    )
    return _team(team_id), "Added."


@action(_team)
def set_role(request: HttpRequest, team_id: UUID, person_id: int) -> tuple[str, str]:
    """Member or manager."""
    role = request.POST.get("role", "")
    teams.set_role(user=request.user, team_id=team_id, person_id=person_id, role=role)
    return _team(team_id), "The role was changed."


@action(_team)
def remove(request: HttpRequest, team_id: UUID, person_id: int) -> tuple[str, str]:
    """Out of the team, or leave it."""
    teams.remove_member(user=request.user, team_id=team_id, person_id=person_id)
    if person_id == request.user.pk:
        return "teams", "You have left the team."
    return _team(team_id), "Removed. What the team shares is no longer theirs to use."


@action(_team)
def withdraw(
    request: HttpRequest, team_id: UUID, credential_id: UUID
) -> tuple[str, str]:
    """A credential is its owner's alone again."""
    teams.withdraw(user=request.user, team_id=team_id, credential_id=credential_id)
    return _team(team_id), "The credential is no longer shared with the team."
