"""One installation of several processes: web processes, workers, and what they share.

Each process is one of `manage.py serve` and `manage.py work`, as an operator starts them.
A `Door` is one web process, as a page and a script reach it (`tests/faults/world.py`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests

from tests.emulator import ROOT, EmulatorProcess
from tests.faults.world import PASSWORD, Seen, _answers, text_of, until
from tests.faults.world import _free_port as free_port
from tests.scale.servers import Postgres, Redis

# Alice and her key; one process for both.
PEOPLE = f"""
from django.contrib.auth.models import User
from tests.sessions_app.factories import make_credential
alice = User.objects.create_superuser("alice", password={PASSWORD!r})
make_credential(owner=alice, name="key")
"""


class Door:
    """One web process: `url`, a signed-in `session`, and its part of the log."""

    def __init__(
        self, installation: Installation, port: int, *, starts: bool = True
    ) -> None:
        self.installation = installation
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        if starts:
            self.start()
        self.session = requests.Session()
        self.session.trust_env = False

    def start(self) -> None:
        self.process = self.installation.start("serve", "--port", str(self.port))

    def stop(self) -> None:
        self.process.terminate()
        assert self.process.wait(20) == 0, self.output()

    def output(self) -> str:
        return self.installation.output()

    def until_healthy(self) -> None:
        until(
            lambda: _answers(f"{self.url}/healthz"), "a web process", self.output, 120.0
        )

    def sign_in(self) -> None:
        self.session.get(f"{self.url}/login/", timeout=20)
        answer = self.session.post(
            f"{self.url}/login/",
            data={
                "username": "alice",
                "password": PASSWORD,
                "csrfmiddlewaretoken": self.session.cookies["csrftoken"],
            },
            headers={"Referer": self.url},
            timeout=20,
        )
        assert answer.ok, answer.text

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(
            f"{self.url}{path}", timeout=options.pop("timeout", 20), **options
        )

    def stored(self, seen: Seen) -> dict[str, Any]:
        """The run and its answer, as this process reads them."""
        answer = self.get(f"/api/conversations/{seen.conversation_id}/messages/")
        assert answer.ok, answer.text
        for message in answer.json()["messages"]:
            if message.get("run") and message["run"]["id"] == seen.run_id:
                return {**message["run"], "text": text_of(message)}
        raise AssertionError("the answer is gone")


class Installation:
    """PostgreSQL, Redis, `webs` web processes and `workers` workers."""

    def __init__(
        self, vendor: EmulatorProcess, *, webs: int, workers: int, **settings: str
    ) -> None:
        self.vendor = vendor
        self.postgres = Postgres()
        self.redis = Redis()
        self._folder = tempfile.TemporaryDirectory(prefix="maestro-scale-")
        self._log = Path(self._folder.name) / "log"
        ports = [free_port() for _ in range(webs)]
        self.proxy_port = free_port()
        urls = [f"http://127.0.0.1:{port}" for port in [*ports, self.proxy_port]]
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MAESTRO_")},
            "MAESTRO_DATA": self._folder.name,
            "MAESTRO_URL": urls[0],
            "MAESTRO_EXTRA_ORIGINS": ",".join(urls[1:]),
            "MAESTRO_DATABASE_URL": self.postgres.url,
            "MAESTRO_REDIS_URL": self.redis.url,
            "MAESTRO_TRUSTED_PROXIES": "127.0.0.1/32",
            "MAESTRO_METRICS_TOKEN": "metrics-token",
            "MAESTRO_REROUTE": ",".join(
                f"{k}={v}" for k, v in vendor.origins().items()
            ),
            "DJANGO_SETTINGS_MODULE": "maestro.settings",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "MAESTRO_LOG_FORMAT": "json",
            **settings,
        }
        self.processes: list[subprocess.Popen[bytes]] = []
        try:
            self._begin(ports, workers)
        except BaseException:  # nothing of it may stay
            self.close()
            raise

    def _begin(self, ports: list[int], workers: int) -> None:
        self.manage("prepare")
        self.manage("shell", "-c", PEOPLE)
        self.doors = [Door(self, port) for port in ports]
        self.started_at = time.monotonic()
        self.workers = [self.start("work") for _ in range(workers)]
        for door in self.doors:
            door.until_healthy()
            door.sign_in()

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """A process of the product that stays."""
        with self._log.open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *command],
                cwd=ROOT, env=self.env, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def manage(self, *arguments: str, text: str = "", code: int = 0) -> str:
        """Run a command of the product; its output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.env, input=text, capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + (done.stderr if code else "")

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Straight to the database."""
        import psycopg

        with psycopg.connect(self.postgres.url, autocommit=True) as link:
            done = link.execute(statement)
            return done.fetchall() if done.description else []

    def output(self) -> str:
        """The end of what all processes printed."""
        return self._log.read_text(errors="replace")[-6000:]

    def log(self) -> str:
        """All of it."""
        return self._log.read_text(errors="replace")

    def close(self) -> None:
        """End everything."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            if process.poll() is None:
                process.kill()
                process.wait(10)
        self.redis.close()
        self.postgres.close()
        self._folder.cleanup()
