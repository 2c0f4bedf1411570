"""Credentials in the admin: every action works, and no page ever shows a secret."""

import logging

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.urls import reverse

from providers.errors import CredentialRejected
from sessions_app.models import Membership, SavedAuthentication, Team
from tests.sessions_app.factories import make_credential, make_team, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("vendor")]

CANARY = "sk-canary-9a81"
LIST = "/admin/sessions_app/savedauthentication/"


@pytest.fixture
def admin(client, staff):
    client.force_login(staff)
    return client


def page(row, word="change"):
    return f"{LIST}{row.pk}/{word}/"


def add(admin, **fields):
    defaults = {"provider": "openai", "name": "work", "api_key": CANARY}
    return admin.post(f"{LIST}add/", defaults | fields, follow=True)


def test_a_key_is_added_and_never_shown_again(admin, staff):
    answer = add(admin, name="My Key", base_url="https://llm.lan/v1")

    row = SavedAuthentication.objects.get()
    assert (row.name, row.owner, row.base_url) == (
        "my_key",
        staff,
        "https://llm.lan/v1",
    )
    assert row.as_credential().secret("api_key") == CANARY
    assert "my_key: saved" in answer.text
    assert CANARY not in answer.text


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": "   "}, "required"),
        ({"name": "a/b/c"}, "3 to 50"),
        ({"name": "taken"}, "already taken"),
        ({"api_key": ""}, "needs an API key"),
        ({"api_key": f"{CANARY} x"}, "one word"),
        ({"base_url": "ftp://x"}, "http"),
        ({"provider": "nobody"}, "Select a valid choice"),
    ],
)
def test_bad_input_is_said_beside_the_field_and_the_key_is_not_sent_back(
    admin, fields, word
):
    make_credential(name="taken")
    answer = add(admin, **fields)

    assert word in answer.text
    assert CANARY not in answer.text
    assert SavedAuthentication.objects.count() == 1


def test_the_form_asks_for_a_key_as_for_a_password(admin):
    for url in (f"{LIST}add/", page(make_credential(), "key")):
        text = admin.get(url).text
        assert 'type="password" name="api_key"' in text


def test_a_key_is_replaced(admin):
    row = make_credential(name="work", state="rejected", base_url="https://a.test/v1")
    answer = admin.post(
        page(row, "key"),
        {"api_key": CANARY, "base_url": "https://b.test/v1"},
        follow=True,
    )

    row.refresh_from_db()
    assert row.as_credential().secret("api_key") == CANARY
    assert (row.state, row.base_url) == ("ok", "https://b.test/v1")
    assert CANARY not in answer.text


def test_one_click_tests_it_from_the_list_and_from_its_page(admin, vendor):
    row = make_credential(name="work", secrets={"api_key": CANARY})
    assert f'formaction="{page(row, "test")}"' in admin.get(LIST).text
    assert f'action="{page(row, "test")}"' in admin.get(page(row)).text

    answer = admin.post(page(row, "test"), follow=True)
    assert "accepts this credential" in answer.text
    assert answer.redirect_chain[-1][0] == LIST

    vendor.error = CredentialRejected("OpenAI does not accept this key.")
    answer = admin.post(page(row, "test"), {"from_page": "1"}, follow=True)
    assert "does not accept this key" in answer.text
    assert answer.redirect_chain[-1][0] == page(row)
    row.refresh_from_db()
    assert row.state == "rejected"
    assert vendor.seen == [CANARY, CANARY]


def test_a_link_alone_tests_nothing(admin, vendor):
    assert admin.get(page(make_credential(), "test")).status_code == 405
    assert vendor.seen == []


def test_several_are_tested_at_once(admin, vendor):
    rows = [make_credential(), make_credential()]
    answer = admin.post(
        LIST,
        {"action": "test_selected", "_selected_action": [str(r.pk) for r in rows]},
        follow=True,
    )
    assert answer.text.count("accepts this credential") == 2


def test_it_is_shared_with_a_team_and_with_everyone(admin, alice, bob, team):
    row = make_credential(owner=alice, name="work")
    make_team(make_user(), name="Strangers")
    form = admin.get(page(row, "share")).text
    assert "Core" in form
    assert "Strangers" not in form

    admin.post(page(row, "share"), {"team": str(team.pk)})
    row.refresh_from_db()
    assert row.team == team
    assert "team Core" in admin.get(LIST).text

    answer = admin.post(
        page(row, "share"), {"team": str(team.pk), "is_shared_with_everyone": "on"}
    )
    assert "not both" in answer.text
    admin.post(page(row, "share"), {"is_shared_with_everyone": "on"})
    row.refresh_from_db()
    assert (row.team, row.is_shared_with_everyone) == (None, True)


def test_it_is_deleted_alone_and_in_bulk(admin):
    rows = [make_credential() for _ in range(3)]
    admin.post(page(rows[0], "delete"), {"post": "yes"})
    assert SavedAuthentication.objects.count() == 2
    admin.post(
        LIST,
        {
            "action": "delete_selected",
            "_selected_action": [str(r.pk) for r in rows[1:]],
            "post": "yes",
        },
    )
    assert not SavedAuthentication.objects.exists()


def test_the_list_is_searched_and_filtered(admin, alice, team):
    make_credential(name="needle", owner=alice, team=team)
    make_credential(name="straw", provider="gemini", state="rejected")

    assert "straw" not in admin.get(LIST, {"q": "needle"}).text
    assert "straw" not in admin.get(LIST, {"q": "alice"}).text
    assert "needle" not in admin.get(LIST, {"provider": "gemini"}).text
    assert "needle" not in admin.get(LIST, {"state__exact": "rejected"}).text


def test_the_page_of_a_row_saves_nothing(admin):
    row = make_credential(name="work")
    admin.post(page(row), {"name": "other", "secrets": "x", "state": "rejected"})

    row.refresh_from_db()
    assert (row.name, row.state) == ("work", "ok")
    assert 'name="_save"' not in admin.get(page(row)).text


@pytest.mark.parametrize("word", ["change", "key", "share", "test"])
def test_a_row_that_is_gone_is_no_error_page(admin, word):
    row = make_credential()
    SavedAuthentication.objects.all().delete()
    assert admin.post(page(row, word)).status_code in (302, 404)


@pytest.mark.parametrize("word", ["key", "share", "test"])
def test_staff_without_the_permission_is_refused(client, word, vendor):
    helper = make_user("helper", is_staff=True)
    helper.user_permissions.add(
        Permission.objects.get(codename="view_savedauthentication")
    )
    client.force_login(helper)
    row = make_credential(name="work")

    assert client.get(LIST).status_code == 200
    assert client.post(page(row, word), {"api_key": "x"}).status_code == 403
    assert client.get(f"{LIST}add/").status_code == 403
    assert vendor.seen == []


@pytest.mark.parametrize("word", ["change", "key", "share", "test", "delete"])
def test_who_is_not_staff_is_sent_to_the_login(client, charlie, word):
    client.force_login(charlie)
    row = make_credential()
    answer = client.post(page(row, word), {"post": "yes"})
    assert answer.status_code == 302
    assert "/admin/login/" in answer.url
    assert SavedAuthentication.objects.exists()


def test_no_page_history_message_or_log_holds_the_secret(admin, vendor, caplog):
    caplog.set_level(logging.DEBUG)
    add(admin)
    row = SavedAuthentication.objects.get()
    token = row.secrets
    vendor.error = CredentialRejected("refused")
    seen = [
        admin.post(page(row, "test"), follow=True),
        admin.get(LIST),
        admin.get("/admin/"),
        *(
            admin.get(page(row, w))
            for w in ("change", "key", "share", "delete", "history")
        ),
        admin.post(page(row, "key"), {"api_key": f"{CANARY} two"}),
        admin.post(page(row, "delete"), {"post": "yes"}, follow=True),
    ]

    for answer in seen:
        assert CANARY not in answer.text, answer.request["PATH_INFO"]
        assert token not in answer.text
    for entry in LogEntry.objects.all():
        assert CANARY not in f"{entry.object_repr} {entry.change_message}"
    assert LogEntry.objects.filter(change_message="Added.").exists()
    assert CANARY not in caplog.text
    # The values of extra={} are not in caplog.text.
    assert all(CANARY not in str(vars(record)) for record in caplog.records)


def test_the_list_does_not_ask_the_database_for_each_row(
    admin, alice, team, django_assert_max_num_queries
):
    for _ in range(30):
        make_credential(owner=alice, team=team)
    admin.get(LIST)  # a browser's first request is written down
    with django_assert_max_num_queries(12):
        assert admin.get(LIST).status_code == 200


def test_teams_are_made_with_their_members(admin, alice):
    answer = admin.post(
        reverse("admin:sessions_app_team_add"),
        {
            "name": "Research",
            "memberships-TOTAL_FORMS": "1",
            "memberships-INITIAL_FORMS": "0",
            "memberships-0-user": str(alice.pk),
            "memberships-0-role": "manager",
        },
    )
    assert answer.status_code == 302
    assert Membership.objects.get(team__name="Research").user == alice
    assert "Research" in admin.get(reverse("admin:sessions_app_team_changelist")).text


def test_a_credential_of_a_deleted_team_is_personal_again(admin, alice, team):
    row = make_credential(owner=alice, team=team)
    admin.post(
        reverse("admin:sessions_app_team_delete", args=[team.pk]), {"post": "yes"}
    )
    row.refresh_from_db()
    assert not Team.objects.exists()
    assert (row.team, row.owner) == (None, alice)
