"""The scheduled renewal: the most urgent first, within its time, one by one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from providers import provider as interface
from providers import refresh
from providers.errors import CredentialRejected, ProviderUnavailable
from providers.http import HttpSettings
from sessions_app.models import SavedAuthentication
from sessions_app.sealing import spool
from sessions_app.tokens import sweep
from tests.sessions_app.factories import make_credential

SECRETS = {"access_token": "at-test-0", "refresh_token": "rt-test-0"}


def make_due(name, minutes_ago=1.0, **fields):
    return make_credential(
        auth_type="oauth",
        name=name,
        secrets=SECRETS,
        refresh_at=timezone.now() - timedelta(minutes=minutes_ago),
        **fields,
    )


@pytest.fixture
def asked(transactional_db, monkeypatch):
    """Names in the order in which their renewal was asked for; `fail` says how it goes."""

    class Asked(list):
        fail = {}

    found = Asked()

    def refresh_tokens(provider, name, *, auth_type, generation):
        found.append(name)
        if name in found.fail:
            raise found.fail[name]

    monkeypatch.setattr(interface, "refresh_tokens", refresh_tokens)
    return found


def test_what_is_due_is_renewed_the_most_urgent_first(asked, monkeypatch):
    monkeypatch.setattr(sweep, "THREADS", 1)
    for minutes in (2, 9, 5):
        make_due(f"due_{minutes}", minutes)
    make_due("later", -30)
    make_credential(name="a_key")
    counts = sweep.sweep()
    assert asked == ["due_9", "due_5", "due_2"]
    assert (counts["due"], counts["renewed"], counts["left"]) == (3, 3, 0)


def test_one_that_fails_does_not_stop_the_others(asked):
    for number in range(5):
        make_due(f"due_{number}", number + 1)
    asked.fail = {
        "due_4": ProviderUnavailable("No.", provider="openai"),
        "due_1": CredentialRejected("No.", provider="openai"),
    }
    counts = sweep.sweep()
    assert sorted(asked) == [f"due_{number}" for number in range(5)]
    assert (counts["renewed"], counts["failed"]) == (3, 2)


def test_one_with_a_bug_does_not_stop_the_others(asked):
    for number in range(3):
        make_due(f"due_{number}", number + 1)
    asked.fail = {"due_2": ValueError("a bug")}
    counts = sweep.sweep()
    assert sorted(asked) == ["due_0", "due_1", "due_2"]
    assert (counts["renewed"], counts["failed"]) == (2, 1)


def test_what_does_not_fit_into_its_time_is_left_to_the_next(asked):
    make_due("due")
    assert sweep.sweep(budget_s=-1.0)["left"] == 1
    assert asked == []
    assert sweep.sweep()["renewed"] == 1


def test_a_login_that_needs_a_person_is_not_tried_again(asked):
    make_due("over", state=SavedAuthentication.State.NEEDS_LOGIN)
    SavedAuthentication.objects.update(refresh_at=None)
    assert sweep.sweep()["due"] == 0
    assert asked == []


def test_no_worker_is_killed_for_a_vendor_that_is_as_slow_as_we_allow(settings):
    queue = settings.Q_CLUSTER
    assert 2 * HttpSettings().total_timeout_s < refresh.WAIT_S
    assert sweep.BUDGET_S + refresh.WAIT_S < queue["timeout"] < queue["retry"]


def test_what_another_sweep_renewed_meanwhile_is_left_as_it_is(transactional_db):
    """The real way, without any vendor: asking one would be an error here."""
    make_due("due", generation=3)
    assert sweep._renewed("openai", "due", generation=2)


def test_spooled_tokens_of_what_is_gone_or_newer_are_forgotten(asked, data_dir):
    gone = make_due("gone", -30)
    newer = make_due("newer", -30, generation=2)
    for row in (gone, newer):
        spool.write(row.pk, 1, {"secrets": {}})
    SavedAuthentication.objects.filter(pk=gone.pk).delete()
    assert sweep.recover() == 0
    assert list((data_dir / "spool").iterdir()) == []
    assert asked == []


def test_spooled_tokens_are_stored_by_the_next_sweep_without_asking_the_vendor(
    transactional_db, data_dir
):
    row = make_due("kept", -30)
    kept = {"access_token": "at-test-1", "refresh_token": "rt-test-1"}
    end = (timezone.now() + timedelta(hours=1)).isoformat()
    spool.write(
        row.pk, 0, {"secrets": kept, "metadata": {}, "expires_at": end, "problem": ""}
    )
    assert sweep.sweep()["recovered"] == 1
    row.refresh_from_db()
    assert row.unseal() == kept
    assert (row.generation, row.state) == (1, "ok")
    assert list((data_dir / "spool").iterdir()) == []
