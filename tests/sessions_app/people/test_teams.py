"""Teams in the product: members see, managers change, credentials come back to owners."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from context_app.auditors import GROUP, make_group
from context_app.models import ContextChunk
from sessions_app.errors import NameTaken, NotAllowed
from sessions_app.models import Membership, Team
from sessions_app.services import teams
from tests.sessions_app.factories import (
    make_credential,
    make_superuser,
    make_team,
    make_user,
    sign_in,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return make_user("alice")


@pytest.fixture
def bob():
    return make_user("bob")


@pytest.fixture
def team(alice, bob):
    """Alice manages it, Bob is in it."""
    return make_team(bob, manager=alice, name="Research")


def page_of(user):
    client = Client()
    sign_in(client, user)
    return client


def test_members_see_their_team_and_are_offered_nothing_to_change(team, bob):
    page = page_of(bob).get(f"/teams/{team.pk}/").text
    assert "Research" in page and "alice" in page
    for words in ("Invite somebody", "Rename", "Delete", "Make a manager"):
        assert words not in page
    assert "Leave" in page


def test_a_member_who_asks_all_the_same_is_refused(team, bob, alice):
    client = page_of(bob)
    shared = make_credential(owner=alice, team=team)
    for path, sent in (
        (f"members/{bob.pk}/role/", {"role": "manager"}),
        (f"members/{alice.pk}/remove/", {}),
        ("rename/", {"name": "Mine"}),
        ("delete/", {}),
        ("members/", {"username": "bob"}),
        (f"credentials/{shared.pk}/withdraw/", {}),
    ):
        page = client.post(f"/teams/{team.pk}/{path}", sent, follow=True)
        assert "notice--error" in page.text, path
    shared.refresh_from_db()
    assert shared.team == team and Membership.objects.get(user=bob).role == "member"


def test_a_manager_makes_another_and_removes_a_member(team, alice, bob):
    client = page_of(alice)
    client.post(f"/teams/{team.pk}/members/{bob.pk}/role/", {"role": "manager"})
    assert Membership.objects.get(user=bob).role == "manager"
    client.post(f"/teams/{team.pk}/members/{bob.pk}/role/", {"role": "king"})
    assert Membership.objects.get(user=bob).role == "manager"
    lent = make_credential(owner=bob, team=team)
    client.post(f"/teams/{team.pk}/members/{bob.pk}/remove/")
    assert not Membership.objects.filter(user=bob).exists()
    lent.refresh_from_db()
    assert (lent.team, lent.owner) == (None, bob)


def test_whoever_wants_to_leave_leaves(team, bob):
    answer = page_of(bob).post(f"/teams/{team.pk}/members/{bob.pk}/remove/")
    assert answer["Location"] == "/teams/"
    assert not Membership.objects.filter(user=bob).exists()


def test_managers_and_owners_take_a_credential_out_of_the_team(team, alice, bob):
    bobs, hers = (make_credential(owner=o, team=team) for o in (bob, alice))
    page_of(alice).post(f"/teams/{team.pk}/credentials/{bobs.pk}/withdraw/")
    page_of(alice).post(f"/teams/{team.pk}/credentials/{hers.pk}/withdraw/")
    for row in (bobs, hers):
        row.refresh_from_db()
        assert row.team is None and row.owner is not None


def test_administrators_add_rename_and_delete_teams(team, bob):
    root = make_superuser("root")
    client = page_of(root)
    client.post("/teams/add/", {"name": " Ops  team "})
    ops = Team.objects.get(name="Ops team")
    assert ops.memberships.get().role == "manager"
    client.post(f"/teams/{ops.pk}/members/", {"username": "bob", "role": "manager"})
    assert ops.memberships.get(user=bob).role == "manager"
    taken = client.post(f"/teams/{ops.pk}/rename/", {"name": "research"}, follow=True)
    assert "notice--error" in taken.text
    with pytest.raises(NameTaken):
        teams.add_team(user=root, name="RESEARCH")
    with pytest.raises(NotAllowed):
        teams.add_team(user=bob, name="Bobs")
    lent = make_credential(owner=bob, team=ops)
    client.post(f"/teams/{ops.pk}/delete/")
    lent.refresh_from_db()
    assert not Team.objects.filter(pk=ops.pk).exists() and lent.team is None


def test_a_manager_gives_the_team_its_words_and_a_member_does_not(team, alice, bob):
    for person, status in ((bob, 403), (alice, 200), (make_user("charlie"), 404)):
        entry = ContextChunk.objects.create(
            applies_to="library", owner=person, kind="persona", title="t", text="x"
        )
        answer = page_of(person).post(
            f"/api/library/{entry.pk}/attach/",
            {"team_id": str(team.pk)},
            content_type="application/json",
        )
        assert answer.status_code == status, (person, answer.text)


# -- auditors -------------------------------------------------------------------------


def test_the_group_of_auditors_reads_the_record_and_is_no_administrator(bob):
    bob.groups.add(Group.objects.get(name=GROUP))
    client = page_of(bob)
    assert client.get("/admin/context_app/toolintent/").status_code == 200
    assert client.get("/admin/sessions_app/savedauthentication/").status_code == 403
    assert client.get("/admin/auth/user/").status_code == 403
    assert client.get("/people/").status_code == 404
    assert "/admin/" in client.get("/teams/").text
    foreign = make_credential(owner=make_user("dora"))
    assert client.delete(f"/api/credentials/{foreign.pk}/").status_code == 404


def test_what_an_operator_made_of_the_group_stays():
    group = Group.objects.get(name=GROUP)
    assert group.permissions.count() == 3
    group.permissions.clear()
    make_group("default")
    call_command("migrate", verbosity=0)
    assert not group.permissions.exists()
