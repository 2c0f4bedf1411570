"""Logging in at a vendor in the admin; no page tells a secret."""

from __future__ import annotations

import logging
import re
from html import unescape

import pytest
import requests
from django.contrib import admin as admin_pages
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client

from sessions_app.models import PendingLogin, SavedAuthentication
from sessions_app.services.logins import logging_in
from tests.sessions_app.credentials.admin_browser import (
    BEGIN,
    LIST,
    RELOAD,
    begin,
    history,
    log_in,
    page,
    paste,
)
from tests.sessions_app.factories import (
    make_login,
    make_oauth,
    make_team,
    make_user,
    sign_in,
)
from tests.sessions_app.logins.conftest import listening, vendor

__all__ = ["listening", "vendor"]

pytestmark = pytest.mark.django_db(transaction=True)
ROW_PAGES = ("test", "refresh", "mode", "revoke", "again", "share")


@pytest.fixture
def admin(client, staff):
    sign_in(client, staff)
    return client


def test_adding_offers_a_key_or_a_login(vendor, admin):
    assert f'href="{BEGIN}"' in admin.get(f"{LIST}add/").text
    assert f'href="{LIST}add/"' in admin.get(BEGIN).text


def test_what_is_not_offered_here_is_listed_with_the_reason(vendor, admin):
    text = admin.get(BEGIN).text
    assert "Not offered: Switched off here." in text
    assert 'value="anthropic/console"' in text
    assert 'value="anthropic/subscription"' not in text
    admin.post(BEGIN, {"method": "anthropic/subscription", "name": "work"})
    assert not PendingLogin.objects.exists()


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("openai/browser", "codex"),
        ("openai/siwc", "siwc"),
        ("anthropic/console", "console"),
        ("gemini/google", "google"),
    ],
)
def test_a_login_is_made_by_pasting_the_answer(vendor, admin, staff, method, kind):
    waiting, url = begin(admin, method)
    assert RELOAD not in waiting.text  # it would take away what is typed
    done = paste(admin, waiting, vendor.authorize(url))

    row = SavedAuthentication.objects.get()
    assert (row.name, row.owner, row.metadata["kind"]) == ("work", staff, kind)
    assert done.redirect_chain[-1][0] == page(row)
    assert "Signed in as ada@example.com." in done.text
    assert history(row) == ["Logged in at the vendor."]


def test_a_device_login_shows_its_code_and_finishes_by_itself(vendor, admin):
    waiting, _ = begin(admin, "openai/device")
    code = re.search(r"<strong>(\S+)</strong></p>", waiting.text)[1]
    assert RELOAD in waiting.text
    assert 'name="answer"' not in waiting.text

    vendor.oauth_config(device_approved=[code])
    PendingLogin.objects.update(polled_at=None)
    done = admin.get(waiting.request["PATH_INFO"], follow=True)
    row = SavedAuthentication.objects.get()
    assert done.redirect_chain[-1][0] == page(row)
    admin.get(waiting.request["PATH_INFO"])
    assert history(row) == ["Logged in at the vendor."]


def test_a_page_with_a_listener_finishes_by_itself_or_takes_a_paste(listening, admin):
    waiting, url = begin(admin)
    assert RELOAD in waiting.text and 'name="answer"' not in waiting.text
    pasting = admin.get(f"{waiting.request['PATH_INFO']}?paste")
    assert RELOAD not in pasting.text and 'name="answer"' in pasting.text

    requests.get(listening.authorize(url), timeout=10)
    done = admin.get(waiting.request["PATH_INFO"], follow=True)
    assert done.redirect_chain[-1][0] == page(SavedAuthentication.objects.get())


def test_an_answer_of_another_login_is_refused_beside_the_field(vendor, admin):
    waiting, url = begin(admin)
    back = vendor.authorize(url)
    foreign = re.sub(r"state=[^&]+", "state=foreign-canary", back)
    refused = paste(admin, waiting, foreign)
    assert "belongs to another login" in refused.text
    assert "foreign-canary" not in refused.text and foreign not in refused.text
    assert "This field is required" in paste(admin, waiting, "").text

    paste(admin, waiting, back)
    assert SavedAuthentication.objects.exists()


def test_a_login_that_was_declined_says_so_and_can_be_started_again(vendor, admin):
    vendor.oauth_config(deny="no")
    waiting, url = begin(admin)
    refused = paste(admin, waiting, vendor.authorize(url))
    assert "declined on the vendor" in refused.text
    assert f'href="{BEGIN}"' in refused.text
    assert RELOAD not in refused.text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"name": "a/b/c"}, "3 to 50"),
        ({"name": "taken"}, "already taken"),
        ({"method": "openai/nothing"}, "Select a valid choice"),
        ({"method": "anthropic/console", "mode": "chatgpt"}, "Modes of this login"),
        (
            {"method": "openai/siwc", "is_shared_with_everyone": "on"},
            "cannot be shared",
        ),
    ],
)
def test_a_login_that_cannot_begin_says_why(vendor, admin, fields, words):
    make_oauth(name="taken")
    answer = admin.post(BEGIN, {"method": "openai/browser", "name": "work"} | fields)
    assert answer.status_code == 200
    assert words in answer.text
    assert not PendingLogin.objects.exists()


def test_mode_and_sharing_are_chosen_with_the_login(vendor, admin, staff):
    team = make_team(staff, name="Ours")
    make_team(make_user(), name="Strangers")
    assert "Strangers" not in admin.get(BEGIN).text
    row = log_in(admin, vendor, mode="api_key", team=str(team.pk))
    assert (row.team, row.metadata["mode"]) == (team, "api_key")
    text = admin.get(page(row)).text
    assert "billed per token" in text


def test_a_cancelled_login_takes_no_answer(vendor, admin):
    waiting, url = begin(admin)
    path = waiting.request["PATH_INFO"]
    assert admin.get(f"{path}cancel/").status_code == 405
    assert "was cancelled" in admin.post(f"{path}cancel/", follow=True).text
    late = paste(admin, waiting, vendor.authorize(url))
    assert "This login is over" in late.text
    assert "was cancelled" in admin.get(path).text
    assert not SavedAuthentication.objects.exists()


def test_a_login_belongs_to_the_browser_that_began_it(vendor, admin, staff):
    waiting, url = begin(admin)
    other = Client()
    sign_in(other, staff)
    for answer in (
        other.get(waiting.request["PATH_INFO"], follow=True),
        paste(other, waiting, vendor.authorize(url)),
        other.post(f"{waiting.request['PATH_INFO']}cancel/", follow=True),
    ):
        assert "belongs to another browser" in answer.text
    assert PendingLogin.objects.get().status == "waiting"


def test_logging_in_again_keeps_the_credential(vendor, admin):
    row = log_in(admin, vendor)
    form = admin.get(page(row, "again")).text
    assert 'value="openai/device"' in form
    assert "anthropic/" not in form and "openai/siwc" not in form
    vendor.oauth("revoke")
    admin.post(page(row, "refresh"))

    waiting = admin.post(page(row, "again"), {"method": "openai/browser"}, follow=True)
    url = unescape(re.search(r'href="([^"]+)" target="_blank"', waiting.text)[1])
    done = paste(admin, waiting, vendor.authorize(url))
    assert done.redirect_chain[-1][0] == page(row)
    again = SavedAuthentication.objects.get()
    assert (again.pk, again.state, again.generation) == (row.pk, "ok", 1)
    assert history(row)[-2:] == ["New login begun.", "Logged in at the vendor."]


# -- who, and what is never shown -------------------------------------------------------


def test_staff_that_may_only_look_finds_no_button_and_is_refused(client):
    helper = make_user("helper", is_staff=True)
    helper.user_permissions.add(
        Permission.objects.get(codename="view_savedauthentication")
    )
    sign_in(client, helper)
    row = make_oauth()
    text = client.get(page(row)).text
    assert "Refresh now" not in text and "Log in again" not in text
    for word in ROW_PAGES:
        assert client.post(page(row, word)).status_code == 403, word
    assert client.get(BEGIN).status_code == 403


def test_who_is_not_staff_is_sent_to_the_login(client, alice):
    sign_in(client, alice)
    row, login = make_oauth(owner=alice), make_login(user=alice)
    one = f"{BEGIN}{login.pk}/"
    for url in (BEGIN, one, f"{one}answer/", f"{one}cancel/", page(row, "again")):
        answer = client.post(url, {"answer": "x"})
        assert answer.status_code == 302 and "/admin/login/" in answer.url


def test_every_change_needs_a_token_against_forgery(staff):
    strict = Client(enforce_csrf_checks=True)
    sign_in(strict, staff)
    row, login = make_oauth(), make_login(user=staff)
    one = f"{BEGIN}{login.pk}/"
    urls = [BEGIN, one, f"{one}answer/", f"{one}cancel/", page(row, "delete")]
    for url in urls + [page(row, word) for word in ROW_PAGES]:
        assert strict.post(url, {"post": "yes"}).status_code == 403, url


def test_pending_logins_have_no_page_of_their_own():
    assert not admin_pages.site.is_registered(PendingLogin)


def test_the_pages_of_a_login_are_not_kept_and_the_answer_is_not_reported(
    vendor, admin
):
    waiting, _ = begin(admin)
    assert "no-store" in waiting["Cache-Control"]
    answer = paste(admin, waiting, "c0de-test")
    assert "no-store" in answer["Cache-Control"]
    assert answer.wsgi_request.sensitive_post_parameters == ("answer",)


def test_no_page_history_message_or_log_holds_a_secret(vendor, admin, caplog):
    caplog.set_level(logging.DEBUG)
    waiting, url = begin(admin, mode="api_key")
    sealed = logging_in.unsealed(PendingLogin.objects.get())
    back = vendor.authorize(url)
    code = re.search(r"code=([^&]+)", back)[1]
    wrong = paste(admin, waiting, f"{back}&code={code}")
    done = paste(admin, waiting, back)
    row = SavedAuthentication.objects.get()
    secrets = list(row.unseal().values())
    assert len(secrets) == 3  # access token, refresh token, key
    admin.post(page(row, "refresh"))
    row.refresh_from_db()
    never = {sealed.secret, code, row.secrets, *secrets, *row.unseal().values()}
    assert all(len(text) > 8 for text in never)
    seen = [
        admin.get(BEGIN),
        admin.get(f"{LIST}add/"),
        admin.get(LIST),
        admin.get("/admin/"),
        *(admin.get(page(row, w)) for w in ("change", "delete", "history", "share")),
        *(admin.get(page(row, w)) for w in ("again", "revoke")),
        admin.post(page(row, "test"), follow=True),
        admin.post(page(row, "mode"), {"mode": "chatgpt"}, follow=True),
        admin.get(waiting.request["PATH_INFO"], follow=True),
        paste(admin, waiting, back),
        admin.post(page(row, "revoke"), follow=True),
        admin.post(page(row, "refresh"), follow=True),
        admin.post(page(row, "delete"), {"post": "yes"}, follow=True),
        admin.get(waiting.request["PATH_INFO"], follow=True),
    ]
    for answer in (waiting, wrong, done, *seen):
        for secret in never:
            assert secret not in answer.text, answer.request["PATH_INFO"]
    # The state is in the link of the page that waits, and nowhere else.
    for answer in (done, *seen):
        assert sealed.state not in answer.text, answer.request["PATH_INFO"]
    for entry in LogEntry.objects.all():
        told = f"{entry.object_repr} {entry.change_message}"
        assert not [s for s in (*never, sealed.state) if s in told]
    # The values of extra={} are not in caplog.text.
    for record in caplog.records:
        told = f"{record.getMessage()} {vars(record)}"
        assert not [s for s in (*never, sealed.state) if s in told], record.name
