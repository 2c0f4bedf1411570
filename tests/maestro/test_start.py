"""`bin/run` from the outside: starts, says where to go, refuses what would hurt, ends."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import requests

from sessions_app.sealing import crypto

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Start:
    """One `python -m maestro.start` on a data directory; its output in a file."""

    def __init__(self, data, *arguments, port=None, **env):
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = data.parent / f"{data.name}-{self.port}.log"
        clean = {
            k: v
            for k, v in os.environ.items()
            if not k.startswith(("MAESTRO_", "DJANGO_"))
        }
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "maestro.start", "--port", str(self.port),
                 "--data", str(data), *arguments],
                cwd=ROOT, env={**clean, **env}, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip

    @property
    def output(self):
        return self.log.read_text()

    def ready(self):
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(requests.RequestException):
                if (
                    requests.get(f"{self.url}/readyz", timeout=2).ok
                    and "Maestro " in self.output
                ):
                    return self
            time.sleep(0.05)
        pytest.fail(self.output[-3000:])

    def family(self):
        me = psutil.Process(self.process.pid)
        return [me, *me.children(recursive=True)]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)


@pytest.fixture
def data(tmp_path):
    return tmp_path / "data"


@pytest.fixture
def start(data):
    started = []

    def begin(*arguments, **options):
        started.append(Start(data, *arguments, **options))
        return started[-1]

    yield begin
    for one in started:
        one.stop()


def test_the_first_start_offers_the_demo_and_a_link_and_leaves_nothing_when_it_stops(
    start, data
):
    running = start().ready()
    token = re.search(r"/setup/(\S+)/", running.output)[1]
    assert requests.get(f"{running.url}/setup/{token}/", timeout=5).ok
    emulator = f"http://127.0.0.1:{(data / 'demo.port').read_text()}"
    assert requests.get(f"{emulator}/_emulator/requests", timeout=5).status_code == 404
    family = running.family()
    assert len(family) >= 4  # supervisor, web, worker, emulator
    assert running.stop() == 0
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    assert running.output.count(token) == 1, "the one-time token is in the log"


def test_keys_database_and_directory_are_nobody_elses(start, data):
    start("--no-demo").ready()
    for path in (data, data / "keys"):
        assert path.stat().st_mode & 0o077 == 0
    for path in (data / "keys" / "secret.key", data / "maestro.sqlite3"):
        assert path.stat().st_mode & 0o077 == 0
    assert not (data / "demo.port").exists()


def test_it_starts_again_with_the_same_keys_and_refuses_to_run_twice(start, data):
    first = start("--no-demo").ready()
    keys = (data / "keys" / "encryption.keys").read_text()
    second = start("--no-demo")
    assert second.process.wait(PATIENCE_S) == 78
    assert f"process {first.process.pid}" in second.output
    first.stop()
    start("--no-demo").ready()
    assert (data / "keys" / "encryption.keys").read_text() == keys


def test_a_wrong_encryption_key_is_refused_at_the_start(start, data):
    start("--no-demo").ready().stop()
    path = data / "keys" / "encryption.keys"
    old = path.read_text()
    path.unlink()
    assert crypto.ensure_key_file(path)
    refused = start("--no-demo")
    assert refused.process.wait(PATIENCE_S) == 78
    assert "does not fit this database" in refused.output
    path.unlink()
    missing = start("--no-demo")
    assert missing.process.wait(PATIENCE_S) == 78
    assert not path.exists(), "a new key would only hide that the old one is gone"
    path.write_text(old)
    start("--no-demo").ready()


def test_a_busy_port_is_said_and_nothing_is_started(start, data):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        refused = start(port=busy.getsockname()[1])
        assert refused.process.wait(PATIENCE_S) == 78
    assert "is in use" in refused.output
    assert "--port" in refused.output


def test_nothing_is_left_when_the_supervisor_is_killed(start):
    running = start().ready()
    family = running.family()
    running.process.kill()
    running.process.wait()
    _, alive = psutil.wait_procs(family, timeout=12)
    assert not alive


def test_a_killed_web_process_is_started_again(start):
    running = start("--no-demo").ready()
    web = next(
        p for p in running.family()
        for c in p.net_connections("tcp")
        if c.status == "LISTEN" and c.laddr.port == running.port
    )  # fmt: skip
    web.kill()
    web.wait(10)
    running.ready()


def test_removing_the_demo_ends_the_emulator(start, data):
    running = start().ready()
    emulator = next(p for p in running.family() if "providers.emulator" in p.cmdline())
    env = {**os.environ, "MAESTRO_DATA": str(data)}
    script = (
        "from django.contrib.auth.models import User\n"
        "from sessions_app.services.credentials import remove_demo\n"
        "print(remove_demo(user=User(is_staff=True)))"
    )
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", script],
        cwd=ROOT, env={k: v for k, v in env.items() if not k.startswith("DJANGO_")},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == "3", done.stderr
    emulator.wait(10)
    assert running.process.poll() is None
