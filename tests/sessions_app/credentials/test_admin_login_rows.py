"""Saved logins in the admin: shown, renewed, switched, taken back and deleted."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from providers import provider as interface
from sessions_app.models import SavedAuthentication
from sessions_app.models.authentication import Condition
from tests.sessions_app.credentials.admin_browser import (
    LIST,
    history,
    log_in,
    page,
)
from tests.sessions_app.factories import (
    make_credential,
    make_oauth,
    make_team,
    sign_in,
)
from tests.sessions_app.logins.conftest import listening, vendor

__all__ = ["listening", "vendor"]

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def admin(client, staff):
    sign_in(client, staff)
    return client


def test_a_login_is_renewed_from_its_page(vendor, admin):
    row = log_in(admin, vendor)
    assert f'action="{page(row, "refresh")}"' in admin.get(page(row)).text
    assert "Renewed; good until" in admin.post(page(row, "refresh"), follow=True).text
    row.refresh_from_db()
    assert row.generation == 1
    vendor.oauth("revoke")
    text = admin.post(page(row, "refresh"), follow=True).text
    assert "needs a new login" in text
    assert history(row)[1:] == ["Refresh: ok.", "Refresh: failed."]


def test_the_mode_is_changed_where_there_are_modes(vendor, admin):
    row = log_in(admin, vendor)
    assert '<option value="auto" selected>' in admin.get(page(row)).text
    answer = admin.post(page(row, "mode"), {"mode": "api_key"}, follow=True)
    assert "used in api_key mode" in answer.text
    assert '<option value="api_key" selected>' in answer.text
    assert (
        "has no mode"
        in admin.post(page(row, "mode"), {"mode": "free lunch"}, follow=True).text
    )
    assert history(row)[1:] == ["Mode api_key: ok."]

    other = log_in(admin, vendor, method="anthropic/console", name="console")
    assert 'name="mode"' not in admin.get(page(other)).text


def test_a_login_is_taken_back_at_the_vendor_after_a_question(vendor, admin):
    row = log_in(admin, vendor)
    assert "The vendor ends this login" in admin.get(page(row, "revoke")).text
    assert set(vendor.oauth()["families"].values()) != {"revoked"}
    text = admin.post(page(row, "revoke"), follow=True).text
    assert "Taken back at the vendor." in text
    assert "needs a new login" in text
    assert set(vendor.oauth()["families"].values()) == {"revoked"}
    assert history(row)[-1] == "Taking it back at the vendor: ok."


def test_a_key_has_no_buttons_of_a_login_and_refuses_them(vendor, admin):
    row = make_credential(name="work")
    text = admin.get(page(row)).text
    assert "Replace key" in text
    assert "Refresh now" not in text and "Log in again" not in text
    for word in ("refresh", "mode", "revoke"):
        answer = admin.post(page(row, word), follow=True)
        assert "An API key is no login" in answer.text


def test_deleting_a_login_takes_it_back_at_the_vendor(vendor, admin):
    row = log_in(admin, vendor)
    admin.post(page(row, "delete"), {"post": "yes"})
    assert set(vendor.oauth()["families"].values()) == {"revoked"}
    assert not SavedAuthentication.objects.exists()


def test_deleting_several_takes_all_of_them_back(vendor, admin):
    rows = [log_in(admin, vendor, name=name) for name in ("first", "second")]
    ids = [str(row.pk) for row in rows]
    admin.post(
        LIST, {"action": "delete_selected", "_selected_action": ids, "post": "yes"}
    )
    families = vendor.oauth()["families"].values()
    assert sorted(families) == ["revoked", "revoked"]
    assert not SavedAuthentication.objects.exists()


@pytest.mark.parametrize("in_bulk", [False, True])
def test_no_transaction_is_open_while_the_vendor_is_asked(admin, monkeypatch, in_bulk):
    seen = []

    def revoke(provider, name):
        seen.append(connection.in_atomic_block)
        return True

    monkeypatch.setattr(interface, "revoke_session", revoke)
    row = make_oauth()
    if in_bulk:
        fields = {"action": "delete_selected", "_selected_action": [str(row.pk)]}
        admin.post(LIST, {**fields, "post": "yes"})
    else:
        admin.post(page(row, "delete"), {"post": "yes"})
    assert seen == [False]


def test_posting_the_page_of_a_row_writes_nothing_back(admin):
    row = make_oauth()
    entries = LogEntry.objects.count()
    with CaptureQueriesContext(connection) as queries:
        admin.post(page(row), {"name": "other"})
    assert not [q for q in queries if "UPDATE" in q["sql"] and "savedauth" in q["sql"]]
    assert LogEntry.objects.count() == entries


# -- the list ---------------------------------------------------------------------------


def test_the_list_shows_how_every_login_is(admin, staff):
    now = timezone.now()
    make_oauth(
        name="limited",
        owner=staff,
        limited_until=now + timedelta(hours=1),
        last_refresh_at=now,
        refresh_error={"message": "The vendor did not answer."},
    )
    make_credential(name="plain", is_shared_with_everyone=True)
    text = admin.get(LIST).text
    for words in (
        "alice@example.org",
        "Plus",
        "chatgpt",
        "limited by the vendor",
        "The vendor did not answer.",
        "everyone",
    ):
        assert words in text
    kinds = re.findall(r'<td class="field-kind">(\w+)</td>', text)
    assert sorted(kinds) == ["key", "login"]


IN_CONDITION = {
    "ok": {},
    "expiring": {"refresh_at": timezone.now() - timedelta(minutes=1)},
    "refreshing": {"lease_holder": "host/1/1"},
    "limited": {"limited_until": timezone.now() + timedelta(days=1)},
    "needs_login": {"state": "needs_login"},
    "rejected": {"state": "rejected"},
    "unreadable": {"state": "unreadable"},
}


@pytest.mark.parametrize("condition", Condition.values)
def test_the_list_is_filtered_by_condition(admin, condition):
    for name, fields in IN_CONDITION.items():
        make_oauth(name=f"is_{name}", **fields)
    text = admin.get(LIST, {"condition": condition}).text
    shown = set(re.findall(r"/change/\?[^\"]*\">(is_\w+)</a>", text))
    assert shown == {f"is_{condition}"}


@pytest.mark.parametrize(
    "query", ["", "?condition=ok", "?q=alice", "?o=7", "?_facets=1", "?all="]
)
def test_the_list_asks_as_much_for_300_rows_as_for_one(admin, staff, query):
    team = make_team(staff, name="Core")
    make_oauth(name="first", owner=staff, team=team)
    admin.get(LIST)  # a browser is written down once a session
    with CaptureQueriesContext(connection) as one:
        assert admin.get(f"{LIST}{query}").status_code == 200
    row = SavedAuthentication.objects.get()
    SavedAuthentication.objects.bulk_create(
        SavedAuthentication(
            provider="openai",
            auth_type="oauth",
            name=f"more_{number}",
            owner=staff,
            team=team,
            metadata=row.metadata,
        )
        for number in range(299)
    )
    with CaptureQueriesContext(connection) as many:
        assert admin.get(f"{LIST}{query}").status_code == 200
    assert len(many) == len(one) <= 20


def test_no_secret_leaves_the_database_for_the_list(admin):
    make_oauth()
    with CaptureQueriesContext(connection) as queries:
        admin.get(LIST)
    assert not [q for q in queries if '"secrets"' in q["sql"]]


def test_selected_logins_are_renewed_by_the_worker(admin):
    rows = [make_oauth(), make_oauth()]
    key = make_credential()
    ids = [str(row.pk) for row in [*rows, key]]
    answer = admin.post(
        LIST, {"action": "refresh_selected", "_selected_action": ids}, follow=True
    )
    assert "2 queued for renewal" in answer.text
    assert "1 left as they are" in answer.text
    tasks = [queued.task for queued in OrmQ.objects.all()]
    assert {t["func"] for t in tasks} == {"sessions_app.tasks.refresh_credential"}
    assert sorted(t["args"] for t in tasks) == sorted((str(r.pk),) for r in rows)
    assert all(not t["kwargs"] for t in tasks)
    assert history(rows[0]) == ["Refresh queued."]
