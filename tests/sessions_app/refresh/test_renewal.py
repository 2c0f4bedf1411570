"""One renewal over the ORM: what is stored, spooled, given back and told, and what never is."""

from __future__ import annotations

import errno
import os
import stat
from datetime import timedelta

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.db.models import QuerySet
from django.utils import timezone

from providers import refresh
from providers.errors import (
    ConfigurationError,
    CredentialNotFound,
    CredentialRejected,
    ProtocolError,
    ProviderUnavailable,
    RateLimited,
)
from sessions_app.models import SavedAuthentication
from sessions_app.sealing import spool
from sessions_app.tokens import leases
from tests.sessions_app.refresh.conftest import dead_identity, successor

UNAVAILABLE = ProviderUnavailable("No answer.", provider="openai")
REJECTED = CredentialRejected("This login has ended. Log in again.", provider="openai")


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch):
    monkeypatch.setattr(leases, "_BUSY_REST_S", 0.0)


def spooled(data_dir):
    folder = data_dir / "spool"
    return sorted(folder.iterdir()) if folder.is_dir() else []


def test_new_tokens_are_stored_and_leave_nothing_behind(
    login, renew, row, vendor, data_dir
):
    fresh = renew()

    assert (fresh.secret("access_token"), fresh.generation) == ("at-test-1", 1)
    stored = row()
    assert stored.unseal()["refresh_token"] == "rt-test-1"
    assert (stored.generation, stored.lease_holder, stored.state) == (1, "", "ok")
    assert stored.refresh_at < stored.expires_at
    assert vendor.asked == ["rt-test-0"]
    assert spooled(data_dir) == []


def test_what_was_seen_before_a_renewal_is_not_renewed_again(login, renew, vendor):
    renew(login)
    assert renew(login).secret("access_token") == "at-test-1"
    assert len(vendor.asked) == 1


def test_no_transaction_and_no_lock_is_held_while_the_vendor_is_asked(
    login, renew, vendor
):
    before = connection.in_atomic_block, len(connection.savepoint_ids)
    seen = []
    vendor.meanwhile = lambda: seen.append(
        (connection.in_atomic_block, len(connection.savepoint_ids))
    )
    renew()
    assert seen == [before]


def test_the_spool_is_written_before_the_database_and_is_for_its_owner_only(
    login, renew, data_dir, monkeypatch
):
    found = []
    store = leases.DatabaseLease.store

    def watched(self, fresh):
        found.extend(
            (p.name, stat.S_IMODE(p.stat().st_mode), p.read_bytes())
            for p in spooled(data_dir)
        )
        return store(self, fresh)

    monkeypatch.setattr(leases.DatabaseLease, "store", watched)
    renew()
    [(name, mode, content)] = found
    assert name == f"{SavedAuthentication.objects.get().pk}.0"
    assert mode == 0o600
    assert b"test-1" not in content


def test_a_full_disk_does_not_cost_the_tokens(login, renew, row, data_dir, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert renew().secret("access_token") == "at-test-1"
    assert row().generation == 1
    assert spooled(data_dir) == []


def failing_update(monkeypatch, error, times=1000):
    """Storing new secrets fails so often; leases and beats go on."""
    update = QuerySet.update
    left = [times]

    def broken(self, **fields):
        if "secrets" in fields and left[0]:
            left[0] -= 1
            raise error
        return update(self, **fields)

    monkeypatch.setattr(QuerySet, "update", broken)
    return left


def test_a_database_that_is_busy_for_a_while_gets_the_tokens_in_the_end(
    login, renew, row, monkeypatch
):
    failing_update(monkeypatch, OperationalError("database is locked"), times=3)
    assert renew().generation == 1
    assert row().unseal()["access_token"] == "at-test-1"


@pytest.mark.parametrize("error", [OperationalError("disk full"), DatabaseError("no")])
def test_what_the_database_does_not_take_is_kept_and_stored_without_asking_again(
    login, renew, row, vendor, data_dir, monkeypatch, error
):
    with monkeypatch.context() as broken:
        failing_update(broken, error)
        with pytest.raises((ProviderUnavailable, DatabaseError)):
            renew()
    assert (row().generation, row().lease_holder, row().state) == (0, "", "ok")
    assert len(spooled(data_dir)) == 1

    assert renew().secret("access_token") == "at-test-1"
    assert vendor.asked == ["rt-test-0"]
    assert row().unseal()["refresh_token"] == "rt-test-1"
    assert spooled(data_dir) == []


def test_a_spool_file_that_cannot_be_read_is_no_obstacle(
    login, renew, row, vendor, data_dir
):
    spool.write(row().pk, 0, {"secrets": {"access_token": "at-test-x"}})
    [path] = spooled(data_dir)
    path.write_text("m1:00000000:AAAA")
    assert renew().secret("access_token") == "at-test-1"
    assert spooled(data_dir) == []


def test_a_spool_file_of_another_generation_is_not_used(login, renew, row, vendor):
    spool.write(row().pk, 7, {"secrets": {"access_token": "at-test-x"}})
    assert renew().secret("access_token") == "at-test-1"


@pytest.mark.parametrize(
    ("error", "state", "due_in_s"),
    [
        (UNAVAILABLE, "ok", 120),
        (RateLimited("Later.", provider="openai", retry_after_s=600), "ok", 600),
        (RateLimited("Later.", provider="openai"), "ok", 120),
        (ConfigurationError("No client.", provider="openai"), "ok", 900),
        (ProtocolError("What?", provider="openai"), "ok", 120),
        (REJECTED, "needs_login", None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_failure_gives_the_lease_back_keeps_the_tokens_and_says_when_to_try_again(
    login, renew, row, vendor, error, state, due_in_s
):
    vendor.says = [error, error]
    with pytest.raises(type(error)):
        renew()
    stored = row()
    assert (stored.lease_holder, stored.generation, stored.state) == ("", 0, state)
    assert stored.unseal()["refresh_token"] == "rt-test-0"
    assert stored.refresh_error["kind"] == type(error).__name__
    if due_in_s is None:
        assert stored.refresh_at is None and stored.cause
    else:
        wait_s = (stored.refresh_at - stored.last_refresh_at).total_seconds()
        assert wait_s == pytest.approx(due_in_s, abs=1)
    asked_twice = isinstance(error, ProviderUnavailable)
    assert vendor.asked == ["rt-test-0"] * (2 if asked_twice else 1)


@pytest.mark.parametrize("error", [ValueError("a bug"), KeyboardInterrupt()])
def test_a_bug_or_an_interrupt_gives_the_lease_back_too(
    login, renew, row, vendor, error
):
    vendor.says = [error]
    with pytest.raises(type(error)):
        renew()
    assert (row().lease_holder, row().refresh_error, row().state) == ("", None, "ok")
    assert refresh._flights == {}
    assert renew().generation == 1


def test_an_answer_that_was_lost_is_asked_for_once_more(login, renew, vendor):
    vendor.says = [UNAVAILABLE]
    assert renew().generation == 1
    assert vendor.asked == ["rt-test-0", "rt-test-0"]


def test_an_answer_that_was_lost_is_not_asked_for_again_without_the_lease(
    login, renew, row, vendor, store
):
    """Somebody took it over while we were away: they may be asking right now."""
    rows = SavedAuthentication.objects.all()
    vendor.meanwhile = lambda: rows.update(lease_holder="another:1:1")
    vendor.says = [UNAVAILABLE, UNAVAILABLE]
    with pytest.raises(ProviderUnavailable):
        renew()
    assert vendor.asked == ["rt-test-0"]
    assert row().lease_holder == "another:1:1"  # theirs stays theirs


def test_the_loser_of_a_race_takes_the_winners_token_and_harms_nothing(
    login, renew, row, vendor, store
):
    """S-57: `invalid_grant` because another process spent the token a moment ago."""
    vendor.meanwhile = lambda: store.replace(successor(login, 99))
    vendor.says = [REJECTED]
    assert renew().secret("access_token") == "at-test-99"
    stored = row()
    assert (stored.state, stored.generation, stored.refresh_error) == ("ok", 1, None)
    assert stored.unseal()["refresh_token"] == "rt-test-99"


def test_a_new_login_during_a_renewal_wins(login, renew, row, vendor, store, data_dir):
    vendor.meanwhile = lambda: store.replace(successor(login, 99))
    assert renew().secret("access_token") == "at-test-99"
    assert row().unseal()["access_token"] == "at-test-99"
    assert spooled(data_dir) == []


def test_a_login_deleted_during_a_renewal_stays_deleted(
    login, renew, vendor, store, data_dir
):
    vendor.meanwhile = lambda: store.delete("openai", "oauth", "codex")
    with pytest.raises(CredentialNotFound):
        renew()
    assert not SavedAuthentication.objects.exists()
    assert spooled(data_dir) == []


def test_a_login_that_is_over_is_not_asked_about_again(login, renew, row, vendor):
    vendor.says = [REJECTED]
    for _ in range(3):
        with pytest.raises(CredentialRejected):
            renew()
    assert len(vendor.asked) == 1
    assert row().state == "needs_login"


def test_tokens_kept_aside_revive_a_login_that_another_host_took_for_over(
    login, renew, row, vendor
):
    """Its process died here with the answer; elsewhere the old token was refused."""
    vendor.says = [REJECTED]
    with pytest.raises(CredentialRejected):
        renew()
    spool.write(
        row().pk,
        0,
        {
            "secrets": {"access_token": "at-test-7", "refresh_token": "rt-test-7"},
            "metadata": {},
            "expires_at": None,
        },
    )
    assert renew().secret("access_token") == "at-test-7"
    assert (row().state, row().cause) == ("ok", "")
    assert len(vendor.asked) == 1


def test_an_error_of_another_time_is_not_told_to_whoever_takes_over_from_the_dead(
    login, renew, row, vendor, store
):
    vendor.says = [UNAVAILABLE, UNAVAILABLE]
    with pytest.raises(ProviderUnavailable):
        renew()
    SavedAuthentication.objects.update(lease_holder=dead_identity())
    assert store.lease(login).last_error is None


def test_a_vendor_in_trouble_is_not_asked_by_every_caller_whose_token_still_works(
    login, store, row, vendor
):
    vendor.says = [UNAVAILABLE] * 6
    for _ in range(3):
        with pytest.raises(ProviderUnavailable):
            refresh.renew(store, login, vendor, pause_s=refresh.PATIENT_S)
    assert len(vendor.asked) == 2
    for _ in range(2):  # whose token is over asks
        with pytest.raises(ProviderUnavailable):
            refresh.renew(store, login, vendor)
    assert len(vendor.asked) == 6
    SavedAuthentication.objects.update(
        last_refresh_at=timezone.now() - timedelta(seconds=refresh.PATIENT_S + 1)
    )
    renewed = refresh.renew(store, login, vendor, pause_s=refresh.PATIENT_S)
    assert renewed.generation == 1


def test_a_vendor_in_trouble_is_asked_three_times_a_minute_for_a_login_that_is_over(
    login, store, row, vendor, monkeypatch
):
    """F5: however often somebody wants to use it; here every second, for five minutes."""
    began, asked_at = timezone.now(), []
    vendor.says = [ProviderUnavailable("No.", provider="openai", status=500)] * 1000
    for second in range(300):
        now = began + timedelta(seconds=second)
        monkeypatch.setattr(timezone, "now", lambda now=now: now)
        with pytest.raises(ProviderUnavailable) as told:
            refresh.renew(store, login, vendor, pause_s=refresh.BREATH_S)
        asked_at += [second] * (len(vendor.asked) - len(asked_at))
        assert told.value.retry_after_s or asked_at[-1] == second
    for start in range(240):
        assert sum(start <= at < start + 60 for at in asked_at) <= 3, asked_at
    assert asked_at[-1] > 240  # and yet it is asked
