"""An installation in its own processes, on SQLite or PostgreSQL, for races between them.

with installed("postgresql", folder) as one:
    one.do("prepare", calls=20)           # a job of `jobs.py` in a process, its result
    one.together("approve", processes=2)  # the same in several, let go at one moment
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from sessions_app.sealing.key_files import new_key
from tests import prepared
from tests.faults.refreshing import database_url

ROOT = Path(__file__).resolve().parent.parent.parent


class Installed:
    """Settings of an installation; its processes begin and end with a job."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment

    def do(self, job: str, **fields: Any) -> Any:
        """One process does this job; what it returned."""
        return self.together(job, processes=1, **fields)[0]

    def together(self, job: str, processes: int, **fields: Any) -> list[Any]:
        """Several do it, from the same moment on."""
        return self.all([(job, fields)] * processes)

    def all(self, jobs: list[tuple[str, dict[str, Any]]]) -> list[Any]:
        """Each of these jobs in a process of its own, from the same moment on."""
        with ExitStack() as stack:
            children = [stack.enter_context(self._child(*job)) for job in jobs]
            for child in children:
                assert child.stdout.readline() == "ready\n", child.stderr.read()
            for child in children:
                child.stdin.write("go\n")
                child.stdin.flush()
            return [_result(child) for child in children]

    @contextmanager
    def _child(self, job: str, fields: dict[str, Any]) -> Iterator[Any]:
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.security.jobs", job, json.dumps(fields)],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        with child:
            try:
                yield child
            finally:
                child.kill()


def _result(child: Any) -> Any:
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, err
    return json.loads(out)


@contextmanager
def installed(kind: str, data: Path) -> Iterator[Installed]:
    """An empty one with its schema, of the product's own settings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MAESTRO_")}
    with database_url(kind) as url:
        one = Installed(
            {
                **kept,
                "DJANGO_SETTINGS_MODULE": "maestro.settings",
                "MAESTRO_DATA": str(data),
                "MAESTRO_DATABASE_URL": url,
                "MAESTRO_SECRET_KEY": "not-a-real-secret-" + secrets.token_hex(24),
                "MAESTRO_ENCRYPTION_KEYS": new_key(),
            }
        )
        if url:
            one.do("migrate")
        else:
            prepared.copy_to(data)
        yield one
