"""An empty page of another origin, from which tests attack an installation; and its rows."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.e2e.started import Started

ATTACKS = (Path(__file__).parent / "foreign_attacks.js").read_text(encoding="utf-8")
PAGE = b"<!doctype html><title>Elsewhere</title><p id=elsewhere>Another site.</p>"

# What a process writes about itself; when a person was seen; and what a request of anybody
# writes: the probe of /readyz, and guesses at one-time links, which are counted.
NOT_COMPARED = {
    "sessions_app_serverprocess", "sessions_app_signedinbrowser", "django_session",
    "django_q_ormq", "django_q_schedule", "django_q_task", "sqlite_sequence",
    "sessions_app_installationfact", "axes_accessattempt",
}  # fmt: skip


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *args: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def serving() -> Iterator[int]:
    """The port of this machine where every address is that page, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join(5)


def rows(home: Started) -> dict[str, list[Any]]:
    """All that the database holds, by table."""
    file = f"file:{home.data / 'maestro.sqlite3'}?mode=ro"
    with contextlib.closing(sqlite3.connect(file, uri=True)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        )
        tables = {name for (name,) in names} - NOT_COMPARED
        return {
            table: connection.execute(f'SELECT * FROM "{table}"').fetchall()
            for table in sorted(tables)
        }
