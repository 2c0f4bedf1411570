"""One's own account: name, password, browsers, all data; and what others make of it."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from sessions_app.errors import NameTaken, NotFound
from sessions_app.models import Conversation, Message, SignedInBrowser
from sessions_app.services.people import accounts, browsers, directory
from tests.sessions_app.factories import (
    PASSWORD,
    make_credential,
    make_superuser,
    make_team,
    make_user,
    sign_in,
)

pytestmark = pytest.mark.django_db

NEW = "another one, and long enough"


@pytest.mark.parametrize("name", ["ANNA", "ａｎｎａ", "ÉMILE", " anna "])
def test_nobody_takes_a_name_that_is_somebodys_in_another_spelling(name):
    make_user("anna")
    make_user("émile")
    with pytest.raises(NameTaken):
        accounts.new_account(username=name, password=NEW, again=NEW)


def signed_in(user, agent="Firefox"):
    client = Client(headers={"user-agent": agent})
    sign_in(client, user)
    client.get("/account/")
    return client


@pytest.fixture
def alice():
    return make_user("alice")


def is_in(client):
    return client.get("/api/conversations/").status_code == 200


def test_a_new_password_signs_out_every_other_browser(alice):
    here, there = signed_in(alice), signed_in(alice, "Safari")
    answer = here.post(
        "/account/password/", {"old": PASSWORD, "password": NEW, "again": NEW}
    )
    assert answer.status_code == 302
    assert is_in(here) and not is_in(there)
    fresh = Client()
    fresh.post("/login/", {"username": "alice", "password": NEW})
    assert is_in(fresh)


def test_the_present_password_is_guessed_no_more_often_than_at_the_sign_in(alice):
    here = signed_in(alice)
    sent = {"old": "wrong", "password": NEW, "again": NEW}
    for _ in range(9):
        page = here.post("/account/password/", sent, follow=True)
        assert "not your present password" in page.text
    assert here.post("/account/password/", sent).status_code == 429
    for old in ("wrong", PASSWORD):
        page = here.post("/account/password/", {**sent, "old": old}, follow=True)
        assert "Too many wrong passwords" in page.text
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
    answer = Client().post("/login/", {"username": "alice", "password": PASSWORD})
    assert answer.status_code == 429


def test_a_session_alone_gives_no_first_password_to_who_signs_in_elsewhere(alice):
    alice.set_unusable_password()
    alice.save()
    here = Client()
    here.force_login(alice)
    assert 'name="password"' not in here.get("/account/").text
    page = here.post("/account/password/", {"password": NEW, "again": NEW}, follow=True)
    assert "Ask an administrator for a link" in page.text
    alice.refresh_from_db()
    assert not alice.has_usable_password()
    _, token = directory.reset_token(user=make_superuser("root"), person_id=alice.pk)
    directory.reset_password(token=token, password=NEW, again=NEW)
    assert User.objects.get(pk=alice.pk).check_password(NEW)


@pytest.mark.parametrize(
    "sent",
    [
        {"old": "wrong", "password": NEW, "again": NEW},
        {"old": PASSWORD, "password": NEW, "again": "something else"},
        {"old": PASSWORD, "password": "12345678", "again": "12345678"},
        {"password": NEW, "again": NEW},
    ],
)
def test_a_wrong_change_of_password_changes_nothing_and_says_so(alice, sent):
    here, there = signed_in(alice), signed_in(alice)
    page = here.post("/account/password/", sent, follow=True)
    assert "notice--error" in page.text
    assert is_in(here) and is_in(there)
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_the_browsers_are_listed_and_ended_one_by_one(alice):
    here, there = signed_in(alice, "Firefox"), signed_in(alice, "Safari")
    page = here.get("/account/").text
    assert "Firefox" in page and "Safari" in page and page.count("this one") == 1
    other = SignedInBrowser.objects.get(agent="Safari")
    assert other.session_id not in page
    here.post(f"/account/browsers/{other.pk}/end/")
    assert is_in(here) and not is_in(there)
    assert "Safari" not in here.get("/account/").text


def test_all_others_end_together(alice):
    here, *others = (signed_in(alice) for _ in range(3))
    charlie = signed_in(make_user("charlie"))
    here.post("/account/browsers/end/")
    assert is_in(here) and not any(map(is_in, others)) and is_in(charlie)


def test_signing_out_takes_the_browser_off_the_list(alice):
    here = signed_in(alice)
    here.post("/logout/")
    assert browsers.browsers_of(user=alice) == []


def test_a_browser_is_written_down_once_a_minute_at_most(alice):
    here = signed_in(alice)
    before = SignedInBrowser.objects.get().seen_at
    for _ in range(3):
        here.get("/account/")
    assert SignedInBrowser.objects.get().seen_at == before
    browsers._noted.clear()
    here.get("/account/")
    assert SignedInBrowser.objects.get().seen_at > before


def test_who_is_not_signed_in_is_not_written_down(client):
    client.get("/login/")
    assert not SignedInBrowser.objects.exists()


def test_a_display_name_is_what_others_see(alice):
    signed_in(alice).post("/account/name/", {"display_name": "  Alice   Smith "})
    alice.refresh_from_db()
    assert alice.get_full_name() == "Alice Smith"


def test_all_ones_data_comes_as_one_file_without_a_secret(alice):
    make_credential(owner=alice, name="mine", secrets={"api_key": "sk-canary"})
    foreign = make_credential(owner=make_user("bob"), name="bobs")
    foreign.team = make_team(alice)
    foreign.save()
    conversation = Conversation.objects.create(owner=alice, title="Hers")
    Message.objects.create(conversation=conversation, role="user", text="x")
    answer = signed_in(alice).get("/account/export.json")
    assert answer["Content-Disposition"].startswith("attachment")
    found = answer.json()
    assert [c["title"] for c in found["conversations"]] == ["Hers"]
    assert [c["name"] for c in found["credentials"]] == ["mine"]
    assert "sk-canary" not in answer.text and PASSWORD not in answer.text


# -- what administrators do -----------------------------------------------------------


@pytest.fixture
def root():
    return make_superuser("root")


def test_people_are_listed_with_state_team_and_when_they_were_here(alice, root):
    make_team(alice, name="Research")
    signed_in(alice)
    closed = make_user("closed", is_active=False)
    page = signed_in(root).get("/people/")
    found = {entry.person.username: entry for entry in page.context["entries"]}
    assert found["alice"].seen_at and found["alice"].browsers == 1
    assert found["alice"].memberships[0].team.name == "Research"
    assert not found[closed.username].person.is_active
    assert not found["root"].may_change
    only = signed_in(root).get("/people/?search=ali").context["entries"]
    assert [entry.person.username for entry in only] == ["alice"]


def test_many_people_come_in_pages_in_a_fixed_number_of_queries(
    root, django_assert_max_num_queries
):
    User.objects.bulk_create(User(username=f"p{n:03}") for n in range(120))
    client = signed_in(root)
    with django_assert_max_num_queries(25):
        first = client.get("/people/")
    assert len(first.context["entries"]) == directory.PAGE and first.context["has_more"]
    last = client.get("/people/?page=3")
    assert not last.context["has_more"] and len(last.context["entries"]) == 21


def test_members_find_no_page_of_people(alice):
    assert signed_in(alice).get("/people/").status_code == 404


def test_an_administrator_signs_somebody_out_everywhere(alice, root):
    browsers_of_hers = [signed_in(alice), signed_in(alice)]
    signed_in(root).post(f"/people/{alice.pk}/sign-out/")
    assert not any(map(is_in, browsers_of_hers))


def test_a_closed_account_opens_again_with_its_password(alice, root):
    admin, hers = signed_in(root), signed_in(alice)
    admin.post(f"/people/{alice.pk}/close/")
    assert not is_in(hers)
    admin.post(f"/people/{alice.pk}/reopen/")
    fresh = Client()
    fresh.post("/login/", {"username": "alice", "password": PASSWORD})
    assert is_in(fresh)


def test_a_reset_link_works_once_and_ends_sessions(alice, root, client):
    hers = signed_in(alice)
    link = signed_in(root).post(f"/people/{alice.pk}/reset/").context["link"]
    path = link.partition("8000")[2]
    assert "alice" in client.get(path).text
    mistake = client.post(path, {"password": NEW, "again": "another"})
    assert mistake.status_code == 400
    assert client.post(path, {"password": NEW, "again": NEW}).status_code == 302
    assert (
        client.post(
            path, {"password": "a third one, long", "again": "a third one, long"}
        ).status_code
        == 404
    )
    assert not is_in(hers)
    alice.refresh_from_db()
    assert alice.check_password(NEW)


@pytest.mark.parametrize("gained", ["is_staff", "is_superuser"])
def test_a_reset_link_made_for_a_member_opens_no_administrators_account(alice, gained):
    """Else an administrator keeps one, and takes over whoever is given more rights."""
    staff = make_user("staff", is_staff=True)
    link = signed_in(staff).post(f"/people/{alice.pk}/reset/").context["link"]
    path = link.removeprefix(settings.MAESTRO_URL)
    assert Client().get(path).status_code == 200
    User.objects.filter(pk=alice.pk).update(**{gained: True})
    assert Client().get(path).status_code == 404


@pytest.mark.parametrize("lost", ["is_active", "is_staff"])
def test_a_reset_link_ends_with_the_right_of_who_made_it(alice, lost):
    """Else a dismissed administrator takes over an account a day later."""
    staff = make_user("staff", is_staff=True)
    link = signed_in(staff).post(f"/people/{alice.pk}/reset/").context["link"]
    path = link.removeprefix(settings.MAESTRO_URL)
    assert Client().get(path).status_code == 200

    User.objects.filter(pk=staff.pk).update(**{lost: False})

    for answer in (
        Client().get(path),
        Client().post(path, {"password": NEW, "again": NEW}),
    ):
        assert answer.status_code == 404
        assert "may not do so any more" in answer.text
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_a_reset_link_outlives_no_account_that_made_it(alice):
    staff = make_user("staff", is_staff=True)
    _, token = directory.reset_token(user=staff, person_id=alice.pk)
    staff.delete()
    with pytest.raises(NotFound, match="any more"):
        directory.person_of_reset(token)


def test_a_reset_link_names_its_maker_and_no_other(alice, root):
    """A dismissed one cannot write a colleague's number into it."""
    staff = make_user("staff", is_staff=True)
    _, own = directory.reset_token(user=staff, person_id=alice.pk)
    _, other = directory.reset_token(user=root, person_id=alice.pk)
    whose, _, rest = own.split(".")
    with pytest.raises(NotFound, match="too old"):
        directory.person_of_reset(f"{whose}.{other.split('.')[1]}.{rest}")


def test_a_reset_link_dies_with_the_account_and_with_the_next_sign_in(
    alice, root, client
):
    links = [
        signed_in(root).post(f"/people/{alice.pk}/reset/").context["link"]
        for _ in range(2)
    ]
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get(links[0].partition("8000")[2]).status_code == 404
    User.objects.filter(pk=alice.pk).update(is_active=True)
    client.post("/login/", {"username": "alice", "password": PASSWORD})
    assert client.get(links[1].partition("8000")[2]).status_code == 404


def test_staff_cannot_touch_an_administrator_and_nobody_themselves(root):
    stan = make_user("stan", is_staff=True)
    for actor, target in ((stan, root), (root, root), (stan, stan)):
        client = signed_in(actor)
        for what in ("close", "reset", "sign-out", "reopen"):
            page = client.post(f"/people/{target.pk}/{what}/", follow=True)
            assert "notice--error" in page.text, (actor, what)
            assert "link" not in (page.context or {})
        target.refresh_from_db()
        assert target.is_active and is_in(client)
