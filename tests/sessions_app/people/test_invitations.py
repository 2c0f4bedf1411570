"""S-28, S-08: invitations: one use, one person, an end, and never more than was to give."""

from __future__ import annotations

import json
import threading
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection, connections
from django.utils import timezone

from sessions_app.errors import Invalid, NotAllowed, NotFound
from sessions_app.models import Invitation, Membership
from sessions_app.services import teams
from sessions_app.services.people import invitations
from tests.sessions_app.factories import (
    PASSWORD,
    make_superuser,
    make_team,
    make_user,
    sign_in,
)

pytestmark = pytest.mark.django_db

GOOD = {
    "username": "anna",
    "password": "a long enough phrase",
    "again": "a long enough phrase",
}


@pytest.fixture
def root():
    return make_superuser("root")


@pytest.fixture
def team():
    return make_team(manager=make_user("alice"), name="Research")


def invite(user, **fields):
    return invitations.invite(user=user, **fields)


def test_whoever_is_invited_chooses_a_name_and_is_in(client, root, team):
    _, token = invite(root, team_id=team.pk, role="manager")
    page = client.get(f"/join/{token}/")
    assert page.status_code == 200 and "Research" in page.text
    answer = client.post(f"/join/{token}/", GOOD)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    anna = User.objects.get(username="anna")
    assert client.get("/api/conversations/").status_code == 200
    assert Membership.objects.get(user=anna).role == "manager"
    assert not anna.is_staff and not anna.is_superuser


def test_a_link_works_once(client, root):
    row, token = invite(root)
    client.post(f"/join/{token}/", GOOD)
    client.logout()
    again = client.post(f"/join/{token}/", {**GOOD, "username": "eve"})
    assert again.status_code == 404
    assert not User.objects.filter(username="eve").exists()
    row.refresh_from_db()
    assert (row.state, row.accepted_by.username) == ("used", "anna")


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_comes_in(root):
    _, token = invite(root)
    gate = threading.Barrier(4)
    ended = []

    def come(name):
        gate.wait()
        try:
            invitations.accept(token=token, **{**GOOD, "username": name})
            ended.append("in")
        except NotFound:
            ended.append("out")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=come, args=(f"p{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(ended) == ["in", "out", "out", "out"]
    assert User.objects.filter(username__startswith="p").count() == 1


def test_it_ends_after_its_days(client, root):
    row, token = invite(root, days=3)
    with time_machine.travel(timezone.now() + timedelta(days=3, seconds=1)):
        assert client.get(f"/join/{token}/").status_code == 404
        assert row.state == "expired"


def test_a_revoked_one_opens_nothing_and_a_new_link_ends_the_old(client, root):
    row, token = invite(root)
    _, newer = invitations.renew(user=root, invitation_id=row.pk)
    assert client.get(f"/join/{token}/").status_code == 404
    assert client.get(f"/join/{newer}/").status_code == 200
    invitations.revoke(user=root, invitation_id=row.pk)
    assert client.get(f"/join/{newer}/").status_code == 404
    with pytest.raises(Invalid):
        invitations.renew(user=root, invitation_id=row.pk)


@pytest.mark.parametrize(
    "path",
    ["", "null/", "None/", "undefined/", "[]/", "%5B%5D/", "0/", "x/", "a" * 5000 + "/", "%00/"],
)  # fmt: skip
@pytest.mark.parametrize("door", ["join", "reset"])
def test_what_is_no_token_is_refused_and_nothing_changes(client, root, door, path):
    invite(root)
    before = (list(Invitation.objects.values()), list(User.objects.values()))
    for method in ("get", "post"):
        answer = getattr(client, method)(f"/{door}/{path}", GOOD)
        assert answer.status_code == 400, answer.status_code
    assert (list(Invitation.objects.values()), list(User.objects.values())) == before


@pytest.mark.parametrize("token", [None, "", [], ["x"], {}, 0, b"x", "x" * 43 + "\n"])
def test_the_service_itself_takes_nothing_but_a_token(root, token):
    invite(root)
    with pytest.raises((Invalid, NotFound)):
        invitations.find(token)


def test_guessing_ends_after_ten_tries(client, root):
    _, token = invite(root)
    wrong = ["x" * 43] * 10
    assert [client.get(f"/join/{one}/").status_code for one in wrong][:9] == [404] * 9
    assert client.get(f"/join/{token}/").status_code == 429
    assert client.get("/reset/x.y/").status_code == 429
    # Elsewhere the link still works.
    assert client.get(f"/join/{token}/", REMOTE_ADDR="10.0.0.9").status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "short", "again": "short"},
        {"again": "something else entirely"},
        {"username": " "},
        {"username": "no spaces allowed!"},
        {"username": "ROOT"},
        {"password": "x" * 2000, "again": "x" * 2000},
    ],
)
def test_a_mistake_is_said_and_the_link_stays_good(client, root, wrong):
    _, token = invite(root)
    answer = client.post(f"/join/{token}/", {**GOOD, **wrong})
    assert answer.status_code == 400 and 'role="alert"' in answer.text
    assert User.objects.count() == 1
    assert client.post(f"/join/{token}/", GOOD).status_code == 302


def test_the_token_is_nowhere_in_the_database_or_the_logs(client, root, caplog):
    _, token = invite(root, note="Anna")
    client.get(f"/join/{token}/")
    client.post(f"/join/{token}/", GOOD)
    assert not any(token in record.getMessage() + str(record.__dict__.get("path"))
                   for record in caplog.records)  # fmt: skip
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            assert token not in str(cursor.fetchall()), table


def test_somebody_who_is_here_joins_with_their_account(client, team):
    bob = make_user("bob")
    _, token = invite(team.memberships.get().user, team_id=team.pk)
    sign_in(client, bob)
    assert "signed in as bob" in client.get(f"/join/{token}/").text
    assert client.post(f"/join/{token}/").status_code == 302
    assert Membership.objects.get(user=bob).team == team
    assert User.objects.count() == 2


# -- who may give what ----------------------------------------------------------------


def test_a_manager_invites_into_their_team_and_nowhere_else(team):
    alice = team.memberships.get().user
    invite(alice, team_id=team.pk, role="manager")
    with pytest.raises(NotAllowed):
        invite(alice)
    with pytest.raises(NotFound):
        invite(alice, team_id=make_team().pk)
    with pytest.raises(NotAllowed):
        invite(alice, team_id=team.pk, makes_administrator=True)


def test_only_who_has_all_rights_gives_all_rights(client, root):
    staff = make_user("stan", is_staff=True)
    with pytest.raises(NotAllowed):
        invite(staff, makes_administrator=True)
    _, token = invite(root, makes_administrator=True)
    invitations.accept(token=token, **GOOD)
    assert User.objects.get(username="anna").is_superuser


def leaves(person):
    Membership.objects.filter(user=person).delete()


def is_closed(person):
    person.is_active = False
    person.save()


def is_no_manager(person):
    Membership.objects.filter(user=person).update(role="member")


@pytest.mark.parametrize("lose", [leaves, is_closed, is_no_manager])
def test_an_invitation_is_worth_what_its_maker_may_now(client, team, lose):
    """S-08: effective rights are those of the link and of whoever made it, at use."""
    alice = team.memberships.get().user
    _, token = invite(alice, team_id=team.pk)
    lose(alice)
    assert client.post(f"/join/{token}/", GOOD).status_code == 404
    assert not User.objects.filter(username="anna").exists()


def test_managers_see_their_teams_invitations_and_no_others(root, team):
    alice = team.memberships.get().user
    mine, _ = invite(root, team_id=team.pk)
    theirs, _ = invite(root)
    above, _ = invite(root, team_id=team.pk, makes_administrator=True)
    assert list(invitations.list_invitations(user=alice)) == [mine]
    for row in (theirs, above):
        with pytest.raises(NotFound):
            invitations.renew(user=alice, invitation_id=row.pk)
    assert list(invitations.list_invitations(user=make_user("bob"))) == []


def test_there_is_no_way_in_without_an_invitation(client):
    """No open registration: no address makes an account from nothing."""
    for path in ("/signup/", "/register/", "/accounts/signup/", "/join/", "/setup/x/"):
        client.post(path, GOOD)
    assert not User.objects.exists()


# -- the command ----------------------------------------------------------------------


def test_the_command_prints_a_link_that_works(client, root, capsys):
    teams.add_team(user=root, name="Ops")
    call_command("invite", "--team", "Ops", "--note", "Anna", "--json")
    found = json.loads(capsys.readouterr().out)
    assert (found["team"], found["role"]) == ("Ops", "member")
    path = found["link"].partition("8000")[2]
    assert client.post(path, GOOD).status_code == 302
    call_command("invite")
    assert "/join/" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code"), [(["--team", "No such"], 2), (["--days", "99"], 2), (["--user", "stan", "--administrator"], 1)]
)  # fmt: skip
def test_the_command_says_what_is_wrong(root, words, code):
    make_user("stan", is_staff=True)
    with pytest.raises(CommandError) as caught:
        call_command("invite", *words)
    assert caught.value.returncode == code
    assert not Invitation.objects.exists()


def test_the_pages_make_renew_and_revoke(client, root, team):
    sign_in(client, root)
    made = client.post("/invitations/", {"note": "Anna", "team": str(team.pk)})
    link = made.context["link"]
    row = Invitation.objects.get()
    assert row.note == "Anna" and link.startswith("http://127.0.0.1:8000/join/")
    assert (
        "Anna" in client.get("/people/").text
        and link not in client.get("/people/").text
    )
    renewed = client.post(f"/invitations/{row.pk}/renew/")
    assert renewed.context["link"] != link
    client.post(f"/invitations/{row.pk}/revoke/")
    row.refresh_from_db()
    assert row.state == "revoked"
    assert PASSWORD not in made.text
