"""Maestro itself, started on a data directory of its own, for what is measured from outside."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import requests

ROOT = Path(__file__).resolve().parent.parent


def free_port() -> int:
    """A port of this machine that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def listener(process: psutil.Process, port: int) -> psutil.Process:
    """The one of its children that listens on this port: the web process."""
    for member in process.children(recursive=True):
        for connection in member.net_connections("tcp"):
            if connection.status == "LISTEN" and connection.laddr.port == port:
                return member
    raise RuntimeError(f"nobody listens on port {port}; read the log of the process")


class Product:
    """Maestro itself, on a data directory of its own, with a credential for the mock."""

    def __init__(self, vendor_port: int, streams: int) -> None:
        self.port = free_port()
        self.data = tempfile.mkdtemp(prefix="maestro-relay-")
        self.env = {
            **os.environ,
            "MAESTRO_DATA": self.data,
            "MAESTRO_URL": f"http://127.0.0.1:{self.port}",
            "MAESTRO_LOG_LEVEL": "WARNING",
            "MAESTRO_MAX_CONCURRENT_RUNS": str(streams + 10),
            "MAESTRO_LIMITS": "person.runs=none",  # one person asks for all of them
            "DJANGO_SUPERUSER_PASSWORD": "benchmark-only-password",
        }
        self.process = self._started()
        self._until_ready()
        self._manage(
            "createsuperuser", "--noinput", "--username", "bench", "--email", "b@x.io"
        )
        self._manage(
            "credential", "add", "custom", "--name", "bench", "--key-stdin", "--json",
            "--base-url", f"http://127.0.0.1:{vendor_port}/v1", text=b"bench-key",
        )  # fmt: skip
        self.session = self._login()

    def _started(self) -> subprocess.Popen:
        command = [sys.executable, "-m", "maestro.start", "--no-demo"]
        return subprocess.Popen(
            [*command, "--port", str(self.port)],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=open(Path(self.data) / "log", "wb"),
        )

    def _manage(self, *arguments: str, text: bytes = b"") -> None:
        subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            check=True,
            capture_output=True,
            input=text,
        )

    def _until_ready(self) -> None:
        for _ in range(600):
            try:
                if requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=2).ok:
                    return
            except requests.RequestException:
                time.sleep(0.05)
        raise RuntimeError((Path(self.data) / "log").read_text()[-3000:])

    def _login(self) -> requests.Session:
        session = requests.Session()
        base = f"http://127.0.0.1:{self.port}"
        session.get(f"{base}/login/")
        token = session.cookies["csrftoken"]
        answer = session.post(
            f"{base}/login/",
            data={
                "username": "bench",
                "password": "benchmark-only-password",
                "csrfmiddlewaretoken": token,
            },
            headers={"Referer": base},
        )
        page = session.get(f"{base}/").text
        self.socket_token = re.search(r'data-socket-token="([^"]+)"', page).group(1)
        self.credential = session.get(f"{base}/api/credentials/").json()["credentials"][
            0
        ]["id"]
        answer.raise_for_status()
        return session

    def web_process(self) -> psutil.Process:
        """The one that listens on our port."""
        return listener(psutil.Process(self.process.pid), self.port)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        shutil.rmtree(self.data, ignore_errors=True)
