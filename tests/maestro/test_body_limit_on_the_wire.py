"""S-52: a body of 100 MB from a stranger costs the real server no memory, and is told so."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parent.parent.parent
SIZE = 100_000_000
PIECE = b"x" * 65_536
PROGRAM = (
    "import sys; from maestro import web; web.serve('127.0.0.1', int(sys.argv[1]))"
)


def peak_rss_kb(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    raise AssertionError("no VmHWM")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """(port, pid) of a web process of the product, its limit the default."""
    data = tmp_path_factory.mktemp("data")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {**os.environ, "MAESTRO_DATA": str(data), "PYTHONPATH": str(ROOT)}
    env |= {"MAESTRO_URL": f"http://127.0.0.1:{port}"}
    env |= {"DJANGO_SETTINGS_MODULE": "maestro.settings"}
    manage = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(manage, cwd=ROOT, env=env, check=True)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(port)],
        cwd=ROOT,
        env=env,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(20)


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            requests.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
            return
        except requests.ConnectionError:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.1)


def pieces(size: int):
    for _ in range(size // len(PIECE) + 1):
        yield PIECE


class Sized:
    """A body that says how long it is and is made as it is read."""

    def __init__(self, size: int) -> None:
        self.left = size
        self.len = size

    def read(self, size: int = -1) -> bytes:
        count = min(self.left, len(PIECE) if size < 0 else size)
        self.left -= count
        return PIECE[:1] * count


@pytest.mark.parametrize("path", ["/login/", "/api/credentials/", "/nowhere"])
@pytest.mark.parametrize("kind", ["announced", "chunked"])
def test_a_huge_body_is_refused_without_being_kept(server, kind, path):
    port, pid = server
    before_kb = peak_rss_kb(pid)
    body = Sized(SIZE) if kind == "announced" else pieces(SIZE)
    answer = requests.post(f"http://127.0.0.1:{port}{path}", data=body, timeout=60)
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"
    assert peak_rss_kb(pid) - before_kb < 20_000


def test_the_answer_comes_before_the_body_is_sent(server):
    port, _ = server
    with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
        stream.sendall(
            b"POST /login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000000\r\n\r\n"
        )
        assert stream.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_body_within_the_limit_reaches_django(server):
    port, _ = server
    answer = requests.post(
        f"http://127.0.0.1:{port}/api/credentials/", data=b"x" * 1_900_000, timeout=20
    )
    assert answer.status_code == 403  # no CSRF token
    assert answer.json()["error"]["code"] == "csrf"


def test_the_connection_serves_on_after_ordinary_requests(server):
    port, _ = server
    with requests.Session() as session:
        for _ in range(3):
            url = f"http://127.0.0.1:{port}/healthz"
            assert session.get(url, timeout=10).status_code == 200
