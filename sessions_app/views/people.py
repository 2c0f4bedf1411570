"""All people, for administrators; and invitations, for them and for teams' managers.

people.html   entries (directory.Entry), search, page, has_more, invitations, teams,
              days, may_make_administrators
link.html     link, title, text, back (an address)
"""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from sessions_app.models import Invitation
from sessions_app.runs import closing
from sessions_app.services import teams
from sessions_app.services.people import directory, invitations
from sessions_app.services.people.links import join_link, reset_link
from sessions_app.services.rights import Verb, may
from sessions_app.views.forms import action, number, page


def _people(**_: object) -> str:
    return reverse("people")


@page
def show(request: HttpRequest) -> HttpResponse:
    """The page; for whoever is no administrator there is none."""
    at = max(number(request.GET.get("page", ""), 1), 1)
    search = request.GET.get("search", "")
    found = directory.list_people(user=request.user, search=search, page=at)
    return render(
        request,
        "people.html",
        {
            "entries": found[: directory.PAGE],
            "has_more": len(found) > directory.PAGE,
            "page": at,
            "search": search,
            "invitations": invitations.list_invitations(user=request.user)[:50],
            "teams": teams.list_teams(user=request.user),
            "days": invitations.DAYS,
            "may_make_administrators": may(request.user, Verb.MAKE_ADMINISTRATOR),
        },
    )


@action(_people)
def close(request: HttpRequest, person_id: int) -> tuple[str, str]:
    """Close somebody's account."""
    person = closing.close_account(user=request.user, person_id=person_id)
    return "people", f"{person}: the account is closed, and signed out everywhere."


@action(_people)
def reopen(request: HttpRequest, person_id: int) -> tuple[str, str]:
    """Let somebody in again."""
    person = directory.reopen(user=request.user, person_id=person_id)
    return "people", f"{person} may sign in again."


@action(_people)
def sign_out(request: HttpRequest, person_id: int) -> tuple[str, str]:
    """Sign somebody out everywhere."""
    directory.end_sessions(user=request.user, person_id=person_id)
    return "people", "Signed out everywhere."


@action(_people)
def reset(request: HttpRequest, person_id: int) -> HttpResponse:
    """A link for a new password, shown once."""
    person, token = directory.reset_token(user=request.user, person_id=person_id)
    return _shown_once(
        request,
        reset_link(token),
        f"A new password for {person}",
        "Hand this link over yourself. It works once, for a day, and until they sign in.",
        reverse("people"),
    )


def _after_invitation(**_: object) -> str:
    return reverse("teams")


@action(_after_invitation)
def invite(request: HttpRequest) -> HttpResponse:
    """A new invitation's link, shown once."""
    sent = request.POST
    row, token = invitations.invite(
        user=request.user,
        team_id=sent.get("team") or None,
        role=sent.get("role", "member"),
        makes_administrator=sent.get("administrator") == "1",
        note=sent.get("note", ""),
        days=number(sent.get("days", ""), invitations.DAYS),
    )
    return _invitation(request, row, token)


@action(_after_invitation)
def renew(request: HttpRequest, invitation_id: UUID) -> HttpResponse:
    """A new link for an invitation; the old one is dead."""
    row, token = invitations.renew(user=request.user, invitation_id=invitation_id)
    return _invitation(request, row, token)


@action(_after_invitation)
def revoke(request: HttpRequest, invitation_id: UUID) -> tuple[str, str]:
    """The link is dead."""
    row = invitations.revoke(user=request.user, invitation_id=invitation_id)
    return _home_of(request, row), "The invitation is revoked."


def _home_of(request: HttpRequest, row: Invitation) -> str:
    if row.team_id and not may(request.user, Verb.SEE_PEOPLE):
        return reverse("team", kwargs={"team_id": row.team_id})
    return reverse("people" if may(request.user, Verb.SEE_PEOPLE) else "teams")


def _invitation(request: HttpRequest, row: Invitation, token: str) -> HttpResponse:
    whom = f" for {row.note}" if row.note else ""
    return _shown_once(
        request,
        join_link(token),
        f"An invitation{whom}",
        f"Hand this link over yourself. It works once, until {row.expires_at:%d %B %Y}.",
        _home_of(request, row),
    )


def _shown_once(
    request: HttpRequest, link: str, title: str, text: str, back: str
) -> HttpResponse:
    page = {"link": link, "title": title, "text": text, "back": back}
    return render(request, "link.html", page)
