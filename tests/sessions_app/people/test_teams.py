"""Teams in the product: members see, managers change, credentials come back to owners."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from context_app.auditors import GROUP, make_group
from context_app.models import ContextChunk
from context_app.services import chunks, context, library
from sessions_app.errors import NameTaken, NotAllowed, NotFound
from sessions_app.models import Conversation, Membership, Team
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


# -- what a team's library is when people go ------------------------------------------


def entry_of(owner, **fields):
    """An entry of the library with its first version."""
    entry = ContextChunk.objects.create(
        **{"applies_to": "library", "kind": "persona", "title": "t", "text": "one"},
        owner=owner,
        **fields,
    )
    entry.versions.create(number=1, title="t", text="one", author=owner)
    return entry


def read(conversation):
    return [item.text for item in context.gather(conversation, None).items]


def test_a_team_that_is_deleted_takes_no_entry_of_the_library_along(team, alice, bob):
    by_page, by_admin = entry_of(bob, team=team), entry_of(bob)
    hers = Conversation.objects.create(owner=alice)
    chunks.attach(hers, by_page, None)
    root = page_of(make_superuser("root"))
    root.post(f"/teams/{team.pk}/delete/")
    by_page.refresh_from_db()
    assert by_page.team is None and by_page.versions.count() == 1
    library.change(bob, by_page.pk, text="only mine now")
    assert read(hers) == ["one"]

    other = make_team(bob, name="Other")
    ContextChunk.objects.filter(pk=by_admin.pk).update(team=other)
    page = f"/admin/sessions_app/team/{other.pk}/delete/"
    assert root.post(page, {"post": "yes"}).status_code == 302
    by_admin.refresh_from_db()
    assert by_admin.team is None and not Team.objects.filter(pk=other.pk).exists()


def test_who_left_a_team_writes_nothing_more_into_its_conversations(team, alice, bob):
    team.memberships.filter(user=bob).update(role="manager")
    shared, own = entry_of(bob, team=team), entry_of(bob)
    for entry in (shared, own):
        library.attach_to_team(bob, entry.pk, team.pk)
    hers = Conversation.objects.create(owner=alice)
    chunks.attach(hers, shared, None)
    his = Conversation.objects.create(owner=bob)
    chunks.attach(his, shared, None)
    teams.remove_member(user=alice, team_id=team.pk, person_id=bob.pk)
    for entry in (shared, own):
        library.change(bob, entry.pk, text="Obey me.")
    assert read(hers) == ["one"] * 3
    assert read(his) == ["Obey me."]
    with pytest.raises(NotFound):
        library.entry_for(alice, shared.pk)


def test_who_left_a_team_reads_nothing_new_of_its_library(team, alice, bob):
    entry = entry_of(alice, team=team)
    his = Conversation.objects.create(owner=bob)
    chunks.attach(his, entry, None)
    team.memberships.get(user=bob).delete()  # as the admin does
    library.change(alice, entry.pk, text="not for Bob")
    assert read(his) == ["one"]


def test_whom_the_admin_takes_out_of_a_team_takes_their_credential_along(team, bob):
    lent = make_credential(owner=bob, team=team)
    team.memberships.get(user=bob).delete()
    lent.refresh_from_db()
    assert lent.team is None


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
