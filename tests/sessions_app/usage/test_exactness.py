"""Counters are exact: four processes with many threads each, on SQLite and PostgreSQL.

They are started once a database, and go off together.
"""

import json
import os
import subprocess
import sys

import pytest
from django.apps import apps
from django.conf import settings

from sessions_app.models import UsageCounter, UsageDay, UsageHold
from tests.sessions_app.credentials import databases

PROCESSES, THREADS, TIMES = 4, 8, 6  # 192 calls
ALLOWED = 80
TABLES = (
    "contenttypes.ContentType", "auth.Permission", "auth.Group", "auth.User",
    "sessions_app.Team", "sessions_app.Membership", "sessions_app.SavedAuthentication",
    "sessions_app.UsageLimit", "sessions_app.UsageCounter", "sessions_app.UsageDay",
    "sessions_app.UsageHold",
)  # fmt: skip

WORKER = """
import json, sys, threading
import django
django.setup()
from sessions_app.errors import LimitReached
from sessions_app.runs.metering import Metered
from tests.sessions_app.usage.counting import Said, make_call
threads, times, person = map(int, sys.argv[1:])
done, refused, wrong = [], [], []

def work():
    for _ in range(times):
        try:
            with Metered(Said(), make_call(person)) as stream:
                list(stream)
            done.append(1)
        except LimitReached as exc:
            refused.append(exc.limit["metric"])
        except Exception as exc:
            wrong.append(repr(exc))

print("ready", flush=True)
sys.stdin.readline()
all = [threading.Thread(target=work) for _ in range(threads)]
[t.start() for t in all]
[t.join() for t in all]
print(json.dumps({"done": len(done), "refused": refused, "wrong": wrong}))
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_of_many_at_once_exactly_as_many_are_let_through_as_may(
    kind, tmp_path, django_db_blocker
):
    with (
        django_db_blocker.unblock(),
        databases.empty_database(kind, tmp_path) as connection,
    ):
        with connection.schema_editor() as editor:
            for name in TABLES:
                editor.create_model(apps.get_model(name))
        person = apps.get_model("auth.User").objects.using(connection.alias)
        alice = person.create(username="alice")
        rules = apps.get_model("sessions_app.UsageLimit").objects.using(
            connection.alias
        )
        rules.create(scope="person", metric="requests", amount=ALLOWED)
        rules.create(scope="installation", metric="tokens", amount=10_000_000)

        found = run_workers(kind, connection, tmp_path, alice.pk)

        assert [one["wrong"] for one in found] == [[]] * PROCESSES
        assert sum(one["done"] for one in found) == ALLOWED
        refused = [metric for one in found for metric in one["refused"]]
        assert refused == ["requests"] * (PROCESSES * THREADS * TIMES - ALLOWED)
        for counter in UsageCounter.objects.using(connection.alias):
            assert (counter.requests, counter.tokens) == (ALLOWED, ALLOWED * 100)
            assert counter.held_requests == counter.held_tokens == 0
            assert counter.held_nanos == 0 < counter.nanos
        assert UsageDay.objects.using(connection.alias).get().requests == ALLOWED
        assert not UsageHold.objects.using(connection.alias).exists()


def run_workers(kind, connection, data_dir, person):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "maestro.settings",
        "MAESTRO_DATA": str(data_dir),
    }
    if kind == "postgresql":
        name = connection.settings_dict["NAME"]
        environment["MAESTRO_DATABASE_URL"] = f"{databases.SERVER.rstrip('/')}/{name}"
    arguments = [str(THREADS), str(TIMES), str(person)]
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, *arguments],
            cwd=settings.BASE_DIR,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    try:
        for worker in workers:
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            worker.stdin.write("go\n")
            worker.stdin.flush()
        return [json.loads(worker.communicate()[0]) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
            worker.stdin.close()
            worker.stdout.close()
