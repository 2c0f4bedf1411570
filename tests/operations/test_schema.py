"""The schema changes once, under a lock, with a copy first, and is rehearsed before."""

import contextlib
import fcntl
import json
import signal
import sqlite3
import time

import pytest

from tests.operations.installation import until, whatever_the_database

pytestmark = pytest.mark.timeout(240)

# What the version before last had: everything since then waits.
BEFORE = ("migrate", "sessions_app", "0009_steering", "-v0")


@pytest.fixture
def old(installation):
    """An installation that people worked with, at an older schema."""
    installation.manage(*BEFORE)
    return installation


def applied(installation):
    rows = installation.sql("SELECT app, name FROM django_migrations ORDER BY id")
    return [tuple(row) for row in rows]


def test_of_several_that_start_at_once_one_migrates_and_the_others_wait(old):
    processes = [old.start("manage.py", "prepare") for _ in range(3)]
    said = [process.communicate(timeout=110) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], said
    assert sum("prepared the database" in out for out, _ in said) == 1
    nodes = applied(old)
    assert len(nodes) == len(set(nodes))


def test_a_killed_migration_leaves_no_lock_and_is_gone_on_with(new):
    """F31 for the start: kill -9 in the middle of the first migration of all tables."""
    fresh = new("fresh", prepared=False)
    process = fresh.start("manage.py", "prepare")
    until(lambda: "django_migrations" in fresh.tables() and len(applied(fresh)) > 5)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert "prepared the database" in fresh.manage("prepare")
    assert json.loads(fresh.job("readable")) == {"good": 0, "marked": 0}


@whatever_the_database  # PostgreSQL's copies are the operator's: manage.py backup
def test_the_copy_of_before_is_kept_and_opens_on_its_own(old):
    before = old.fingerprint()
    for second in range(5):  # copies of earlier upgrades
        with contextlib.closing(sqlite3.connect(old.database)) as connection:
            copy = f"maestro.before-2026010{second}T000000Z.sqlite3"
            connection.execute("VACUUM INTO ?", [str(old.data / copy)])
    said = old.manage("prepare")

    kept = sorted(path.name for path in old.data.glob("*.before-*"))
    assert len(kept) == 3  # MAESTRO_KEEP_COPIES
    assert kept[-1] in said
    old.database.unlink()
    for ending in ("-wal", "-shm"):
        old.database.with_name(old.database.name + ending).unlink(missing_ok=True)
    (old.data / kept[-1]).rename(old.database)
    assert old.fingerprint() == before


def test_a_rehearsal_tells_what_would_happen_and_changes_nothing(old):
    before, files = old.fingerprint(), sorted(p.name for p in old.data.iterdir())
    found = old.report("rehearse_upgrade")
    assert found["is_good"]
    assert {"sessions_app.0010_usage_limits", "sessions_app.0011_server_processes"} <= {
        name for name, _ in found["steps"]
    }
    assert found["readable"] == 21
    assert old.fingerprint() == before
    left = {p.name for p in old.data.iterdir()} - set(files)
    assert left <= {"backup.lock", "schema.lock"}


@whatever_the_database  # elsewhere the copy's tables are made by our own migrations
def test_a_rehearsal_finds_what_the_upgrade_would_stumble_over(old):
    old.sql("CREATE TABLE sessions_app_serverprocess (id integer)")  # by hand
    found = old.report("rehearse_upgrade", code=3)
    (problem,) = found["problems"]
    assert "sessions_app.0011_server_processes fails" in problem
    assert "already exists" in problem


@whatever_the_database  # elsewhere the lock is PostgreSQL's
def test_a_waiting_start_says_that_it_waits(old):
    with open(old.data / "schema.lock", "a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = old.start("manage.py", "prepare")
        assert "waiting" in process.stdout.readline()
        time.sleep(0.2)
        assert process.poll() is None
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "prepared the database" in out
