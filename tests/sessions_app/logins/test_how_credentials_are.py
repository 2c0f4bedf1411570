"""States are data: one meaning in SQL, in Python, in JSON, in metrics and in frames."""

import itertools
import json
from datetime import timedelta

import pytest
from django.utils import timezone
from prometheus_client import REGISTRY

from maestro import doorbell
from providers.errors import QuotaExhausted, RateLimited
from sessions_app import tasks
from sessions_app.models import PendingLogin, SavedAuthentication
from sessions_app.runs.step import _note_refusal
from sessions_app.tokens import credential_news, watch
from sessions_app.tokens.store import record_limit
from tests.sessions_app.factories import (
    make_credential,
    make_login,
    make_oauth,
    make_user,
)

pytestmark = pytest.mark.django_db

SOON, AGO = timedelta(minutes=5), timedelta(minutes=-5)


@pytest.fixture
def rung(monkeypatch):
    """What the doorbell was rung with: (group, frames)."""
    found = []
    monkeypatch.setattr(
        doorbell, "ring", lambda group, message: found.append((group, message))
    )
    return found


def test_the_database_and_python_agree_on_how_each_is():
    now = timezone.now()
    moments = (None, now + SOON, now + AGO)
    states = SavedAuthentication.State.values
    for n, (state, limited, holder, due, end) in enumerate(
        itertools.product(states, moments, ("", "host:1:2"), moments, moments)
    ):
        make_credential(
            name=f"row_{n}",
            state=state,
            limited_until=limited,
            lease_holder=holder,
            refresh_at=due,
            expires_at=end,
        )
    rows = SavedAuthentication.objects.with_condition(now)
    assert {r.condition for r in rows} == {
        "ok", "expiring", "refreshing", "limited", "needs_login", "rejected", "unreadable",
    }  # fmt: skip
    for row in rows:
        assert row.condition == row.condition_at(now), vars(row)


def test_a_list_is_filtered_by_how_they_are():
    make_oauth(name="fine")
    make_oauth(name="over", state="needs_login")
    found = SavedAuthentication.objects.in_condition("needs_login")
    assert [row.name for row in found] == ["over"]


def test_metrics_count_credentials_by_how_they_are():
    for n in range(3):
        make_oauth(name=f"over_{n}", state="needs_login")
    make_credential(name="key")
    labels = {"provider": "openai", "auth_type": "oauth", "condition": "needs_login"}
    assert REGISTRY.get_sample_value("maestro_credentials", labels) == 3
    labels |= {"auth_type": "api_key", "condition": "ok"}
    assert REGISTRY.get_sample_value("maestro_credentials", labels) == 1


def test_a_limit_that_lasts_is_shown_until_it_ends():
    row = make_oauth(expires_in_s=10_000)
    record_limit(row, 3600)
    row.refresh_from_db()
    assert row.condition_at() == "limited"
    assert row.condition_at(row.limited_until + timedelta(seconds=1)) == "ok"


@pytest.mark.parametrize("wait_s", [None, 0, 2, 59])
def test_a_short_wait_is_no_state(wait_s):
    row = make_oauth()
    record_limit(row, wait_s)
    row.refresh_from_db()
    assert row.limited_until is None


class Asked:
    """As much of a run as the note needs."""

    def __init__(self, row):
        self.credential_id = row.pk


@pytest.mark.parametrize("kind", [RateLimited, QuotaExhausted])
def test_a_run_that_meets_a_limit_tells_its_owner(rung, kind):
    owner = make_user("alice")
    row = make_oauth(owner=owner)
    _note_refusal(Asked(row), kind("wait", retry_after_s=7200))
    (group, message), *_ = rung
    assert group == credential_news.group_of_person(owner.pk)
    shown = json.loads(message["frames"][0])
    assert shown["type"] == "credential"
    assert shown["credential"]["condition"] == "limited"
    assert shown["credential"]["limited_until"]


def test_a_login_that_the_worker_found_dead_is_told_once(rung):
    owner = make_user("alice")
    row = make_oauth(owner=owner)
    SavedAuthentication.objects.update(state="needs_login", cause="It has ended.")
    SavedAuthentication.objects.update(updated_at=timezone.now())
    assert watch.tell() == 1
    assert watch.tell() == 0
    shown = json.loads(rung[0][1]["frames"][0])["credential"]
    assert (shown["name"], shown["condition"]) == (row.name, "needs_login")
    assert "test-1" not in json.dumps(rung)


def test_nobody_is_told_about_a_credential_without_an_owner(rung):
    credential_news.ring(make_oauth(owner=None))
    assert rung == []


def test_logins_that_are_over_are_forgotten():
    alice = make_user("alice")
    long_ago = timezone.now() - timedelta(hours=2)
    old = make_login(user=alice, state_hash="a", expires_at=long_ago)
    new = make_login(user=alice, state_hash="b")
    tasks.housekeeping()
    left = set(PendingLogin.objects.values_list("pk", flat=True))
    assert left == {new.pk} and old.pk not in left


def test_a_view_shows_everything_but_secrets():
    row = make_oauth(owner=make_user("alice"), metadata={"warning": "billed per token"})
    from sessions_app.services.credentials import credential_view

    view = credential_view(row)
    for name in (
        "account", "plan", "mode", "modes", "expires_at", "last_refresh_at",
        "refresh_error", "limited_until", "condition", "cause", "last_used_at", "team",
        "is_shared_with_everyone", "is_personal", "warning",
    ):  # fmt: skip
        assert name in view
    assert (view["account"], view["plan"]) == ("alice@example.org", "Plus")
    assert "test-1" not in json.dumps(view)
