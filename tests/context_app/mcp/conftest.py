"""Servers to talk to: the official package's over both transports, and ones of our own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from context_app.mcp import servers
from context_app.mcp.config import ServerConfig
from context_app.mcp.server import Pace, Server
from context_app.tools.base import ToolContext
from tests.context_app.mcp import hostile
from tests.context_app.mcp.wire import Wire

OFFICIAL = Path(__file__).with_name("official_server.py")
TOKEN = "canary-token-4711"
FAST = Pace(connect_s=15, refresh_s=300, call_s=15, least_s=0.05)


def until(found, limit_s=15.0):
    """Wait for something to become true; what it became."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        value = found()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("it did not happen")


def is_alive(pid):
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


class Used:
    """A server as a run uses it: `use("add", a=1)` calls the tool of that name."""

    def __init__(self, server):
        self.server = server
        self.stop = threading.Event()

    @property
    def state(self):
        return self.server.state()

    def tool(self, name):
        return servers.tool_of(
            self.server, self.state.tools[f"{self.state.name}__{name}"]
        )

    def context(self, deadline_s=20.0):
        return ToolContext(
            conversation_id="c", person_id=1, stop=self.stop, deadline_s=deadline_s
        )

    def __call__(self, name, _deadline_s=20.0, **arguments):
        return self.tool(name).run(arguments, self.context(_deadline_s))


@pytest.fixture
def use():
    """`use(config)`: a server that was looked for once, ended with the test."""
    started = []

    def start(config, pace=FAST):
        server = Server(config, pace)
        started.append(server)
        server.start()
        assert server.wait(time.monotonic() + 20)
        return Used(server)

    yield start
    for server in started:
        server.close()
        server.join(10)


@pytest.fixture
def notes(tmp_path):
    """A file in which the official server writes what happens to it."""
    path = tmp_path / "notes"
    path.touch()
    return path


@pytest.fixture
def over_stdio(notes):
    """The configuration of the official server over stdio."""
    return ServerConfig(
        name="official",
        command=(sys.executable, str(OFFICIAL), "stdio"),
        env={"TOKEN": TOKEN, "NOTES": str(notes)},
        cwd="/",
        secrets=(TOKEN,),
    )


@pytest.fixture
def over_http(notes):
    """`over_http()`: the same server over HTTP, in a process of its own."""
    processes = []

    def start(*words, port=0):
        port = port or free_port()
        environ = {**os.environ, "NOTES": str(notes)}
        process = subprocess.Popen(
            [sys.executable, str(OFFICIAL), "http", str(port), *words],
            env=environ,
            stderr=subprocess.DEVNULL,
        )
        processes.append(process)
        until(lambda: answers(port), 30)
        config = ServerConfig(
            name="official",
            url=f"http://127.0.0.1:{port}/mcp",
            headers={"Authorization": f"Bearer {TOKEN}"},
            secrets=(TOKEN,),
        )
        return config, process

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.fixture(params=["stdio", "http", "http json"])
def official(request, use):
    """The official server, over each transport and form of answer."""
    if request.param == "stdio":
        return use(request.getfixturevalue("over_stdio"))
    config, _ = request.getfixturevalue("over_http")(*request.param.split()[1:])
    return use(config)


@pytest.fixture
def wire():
    wire = Wire()
    with wire.server:
        yield wire


@pytest.fixture
def own(wire, use):
    """`own()`: a client of the wire, looked for once."""

    def start(pace=FAST, path="/mcp", **fields):
        config = ServerConfig(name="own", url=wire.server.url + path, **fields)
        return use(config, pace)

    return start


@pytest.fixture
def scripted(use):
    """`scripted(script)`: a server over stdio that behaves as a test says."""

    def start(behaviour, pace=FAST, **fields):
        command = (sys.executable, hostile.__file__, behaviour)
        config = ServerConfig(name="own", command=command, cwd="/", **fields)
        return use(config, pace)

    return start


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True
