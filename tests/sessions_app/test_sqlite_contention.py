"""Several processes on one SQLite file: nobody is told “database is locked”.

Each reads and then writes in one transaction, which fails in one of four with Django's
default settings: a reader cannot become a writer after somebody else committed.
"""

import json
import os
import subprocess
import sys

from django.conf import settings

from sessions_app.models import InstallationFact
from tests.sessions_app.credentials.databases import empty_database

PROCESSES = 4
TIMES = 300

WORKER = """
import json, sys, time
import django
django.setup()
from django.db import OperationalError, transaction
from sessions_app.models import InstallationFact
locked, took = 0, []
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[1])):
    started = time.perf_counter()
    try:
        with transaction.atomic():
            row = InstallationFact.objects.get(pk="count")
            row.value = str(int(row.value) + 1)
            row.save()
    except OperationalError:
        locked += 1
    took.append(time.perf_counter() - started)
took.sort()
print(json.dumps({"locked": locked, "p99_s": took[int(len(took) * 0.99)]}))
"""


def test_four_processes_count_together_and_lose_nothing(tmp_path, django_db_blocker):
    with (
        django_db_blocker.unblock(),
        empty_database("sqlite", tmp_path) as connection,
    ):
        with connection.schema_editor() as editor:
            editor.create_model(InstallationFact)
        rows = InstallationFact.objects.using(connection.alias)
        rows.create(name="count", value="0")

        results = run_workers(tmp_path)

        assert [result["locked"] for result in results] == [0] * PROCESSES
        assert rows.get().value == str(PROCESSES * TIMES)


def run_workers(data_dir):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "maestro.settings",
        "MAESTRO_DATA": str(data_dir),
    }
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(TIMES)],
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
