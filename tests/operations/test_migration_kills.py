"""F31: a migration killed in the middle of its rows, forward and back, loses none."""

import hashlib
import signal

import pytest

from tests.operations.installation import until

pytestmark = pytest.mark.timeout(300)

ROWS = 15_000  # enough to be in the middle of
ENCRYPTS = "0003_encrypt_and_name"


def applied(installation):
    if "django_migrations" not in installation.tables():
        return set()
    statement = "SELECT name FROM django_migrations WHERE app = 'sessions_app'"
    return {name for (name,) in installation.sql(statement)}


def old_rows(installation):
    """A hash of the table of the previous product."""
    rows = installation.sql(
        "SELECT id, provider, auth_type, credentials, expires_at, inserted_at, updated_at "
        "FROM sessions_app_savedauthentication ORDER BY id"
    )
    return len(rows), hashlib.sha256(repr(rows).encode()).hexdigest()


def killed_when(installation, is_time, *command):
    process = installation.start("manage.py", *command)
    until(lambda: is_time() or process.poll() is not None)
    assert process.poll() is None, process.communicate()
    process.send_signal(signal.SIGKILL)
    process.communicate()


def test_every_row_is_there_after_kills_on_the_way_up_and_down(new):
    fresh = new("fresh", prepared=False)
    fresh.job("old_table", str(ROWS))
    before = old_rows(fresh)
    assert before[0] == ROWS

    killed_when(fresh, lambda: "0002_team_and_columns" in applied(fresh), "prepare")
    assert ENCRYPTS not in applied(fresh)
    assert old_rows(fresh) == before
    fresh.manage("prepare")
    sealed = "SELECT count(*) FROM sessions_app_savedauthentication WHERE secrets LIKE 'm1:%'"
    assert fresh.sql(sealed) == [(ROWS,)]

    back = ("migrate", "sessions_app", "0001_initial", "-v0")
    killed_when(fresh, lambda: "0004_unique_by_name" not in applied(fresh), *back)
    assert ENCRYPTS in applied(fresh)
    assert fresh.sql(sealed) == [(ROWS,)]
    fresh.manage(*back)
    assert old_rows(fresh) == before
