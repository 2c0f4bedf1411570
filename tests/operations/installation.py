"""An installation of its own, worked on by real commands in real processes."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.sessions_app.credentials.databases import SERVER, _server

ROOT = Path(__file__).resolve().parents[2]
CANARY = "sk-canary-backup-77aa"

# For what is the same on all of them: made once, on the one that is quickest to make.
whatever_the_database = pytest.mark.parametrize(
    "kind", ["sqlite"], indirect=True, scope="session"
)


class Installation:
    """A data directory and a database. `manage` runs a command to its end."""

    def __init__(self, data: Path, url: str) -> None:
        self.data, self.url = data, url
        kept = {k: v for k, v in os.environ.items() if not k.startswith("MAESTRO_")}
        self.environment = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "maestro.settings",
            "MAESTRO_DATA": str(data),
            "MAESTRO_DATABASE_URL": url,
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def database(self) -> Path:
        return self.data / "maestro.sqlite3"

    @property
    def keys(self) -> Path:
        return self.data / "keys" / "encryption.keys"

    def start(self, *command, **options) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, *map(str, command)],
            cwd=ROOT, env=self.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
        )  # fmt: skip

    def manage(self, *command, code=0, **options) -> str:
        """Its stdout, or its stderr when another exit code than 0 is expected."""
        process = self.start("manage.py", *command, **options)
        out, err = process.communicate(timeout=110)
        assert process.returncode == code, out + err
        assert "Traceback" not in err, err
        return err if code and not out else out

    def report(self, *command, code=0) -> dict:
        """The JSON document that a command prints."""
        return json.loads(self.manage(*command, "--json", "--quiet", code=code))

    def killed(self, *command, after_s: float) -> bool:
        """Run a command and kill it then; whether it was still running."""
        process = self.start("manage.py", *command)
        try:
            process.communicate(timeout=after_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        return process.returncode == -signal.SIGKILL

    def job(self, name: str, *arguments, code=0) -> str:
        """A function of `tests.operations.jobs`, in a process of the product."""
        process = self.start("-m", "tests.operations.jobs", name, *arguments)
        out, err = process.communicate(timeout=110)
        assert process.returncode == code, out + err
        return out.strip()

    def sql(self, statement: str) -> list[tuple]:
        """Straight to the database."""
        if not self.url:
            with closing(sqlite3.connect(self.database, timeout=20)) as connection:
                rows = connection.execute(statement).fetchall()
                connection.commit()
                return rows
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            done = connection.execute(statement)
            return done.fetchall() if done.description else []

    def tables(self) -> list[str]:
        found = (
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            if self.url
            else "SELECT name FROM sqlite_master WHERE type = 'table' "
            "AND name NOT LIKE 'sqlite%'"
        )
        return sorted(name for (name,) in self.sql(found))

    def fingerprint(self) -> dict[str, str]:
        """Table → hash of all its rows."""
        return {
            table: hashlib.sha256(
                "\n".join(
                    sorted(map(repr, self.sql(f'SELECT * FROM "{table}"')))
                ).encode()
            ).hexdigest()
            for table in self.tables()
        }


@contextmanager
def database_url(kind: str, template: str = "") -> Iterator[str]:
    """ "" for SQLite in the data directory; else a PostgreSQL database of its own, empty
    or a copy of another one."""
    if kind == "sqlite":
        yield ""
        return
    name = f"maestro_operations_{secrets.token_hex(4)}"
    with _server() as server:
        copied = f" TEMPLATE {template}" if template else ""
        server.execute(f"CREATE DATABASE {name}{copied}")
        try:
            yield f"{SERVER.rstrip('/')}/{name}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


def until(done, patience_s: float = 60.0) -> None:
    """Wait for something that must come true."""
    end = time.monotonic() + patience_s
    while not done():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)
