"""A forked child never speaks on its parent's database connections."""

from __future__ import annotations

import os
import subprocess
import sys

import psycopg
import pytest

from tests.emulator import ROOT

POSTGRES = "postgres://postgres@127.0.0.1:5432/postgres"

CODE = """
import os, sys, django
django.setup()
from django.db import connection

def ask():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]

mine = ask()
is_held = sys.argv[1] == "held"
if not is_held:
    connection.close()
child = os.fork()
if child == 0:
    theirs = ask()
    connection.close()
    # More than one at a time: a pool without its threads could not make a second one.
    import threading
    found = []
    threads = [threading.Thread(target=lambda: found.append(ask())) for _ in range(4)]
    [t.start() for t in threads]
    [t.join(10) for t in threads]
    os._exit(0 if theirs != mine and len(found) == 4 else 1)
_, status = os.waitpid(child, 0)
assert ask() == mine or not is_held
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.parametrize("state", ["held", "returned"])
def test_a_forked_child_has_a_pool_of_its_own(state, tmp_path):
    try:
        psycopg.connect(POSTGRES, connect_timeout=2).close()
    except psycopg.OperationalError:
        if os.environ.get("CI"):
            pytest.fail("no PostgreSQL on 127.0.0.1:5432")
        pytest.skip("no PostgreSQL on 127.0.0.1:5432")
    env = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "maestro.settings",
        "MAESTRO_DATABASE_URL": POSTGRES,
        "MAESTRO_DATA": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", CODE, state],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
