"""A whole installation as an operator runs it, its vendor, and a page: for real kills.

The supervisor with its web process and worker, the emulator as every vendor, and a client
of `/ws/chat/`. Nothing of the product runs in the test's own process.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import requests
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests import prepared
from tests.emulator import ROOT, EmulatorProcess

PASSWORD = "correct horse 9 battery"
PATIENCE_S = 60.0


@dataclass
class Seen:
    """What a page has drawn of one answer, and how it stands."""

    question: str
    run_id: str = ""
    conversation_id: str = ""
    status: str = ""
    text: str = ""
    final: str | None = None
    statuses: list[str] = field(default_factory=list)
    intents: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        return self.status in ("done", "stopped", "failed", "interrupted")


class World:
    """One installation and its vendor. `settings`: MAESTRO_… by name."""

    def __init__(
        self, vendor: EmulatorProcess, database_url: str = "", **settings: str
    ) -> None:
        self.vendor = vendor
        self.port = _free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._folder = tempfile.TemporaryDirectory(prefix="maestro-world-")
        if not database_url:
            prepared.copy_to(Path(self._folder.name))
        reroute = ",".join(f"{k}={v}" for k, v in vendor.origins().items())
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith("MAESTRO_")},
            "MAESTRO_DATA": self._folder.name,
            "MAESTRO_URL": self.url,
            "MAESTRO_DATABASE_URL": database_url,
            "MAESTRO_REROUTE": reroute,
            "DJANGO_SETTINGS_MODULE": "maestro.settings",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            **settings,
        }
        self.log = Path(self._folder.name) / "log"
        self.process: subprocess.Popen[bytes]
        self.start()
        names = ["--noinput", "--username", "alice", "--email", "a@example.org"]
        self.manage("createsuperuser", *names)
        add = ["credential", "add", "openai", "--name", "key", "--key-stdin"]
        self.manage(*add, text="sk-test-1")
        self.session = self._signed_in()

    def start(self) -> None:
        """Start it, or start it again after it was stopped; until it answers."""
        self.begin()
        self.until_healthy()

    def begin(self) -> None:
        """The same without waiting, for what will not answer."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "maestro.start", "--no-demo",
                 "--port", str(self.port)],
                cwd=ROOT, env=self.env, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def manage(self, *arguments: str, text: str = "") -> str:
        """Run a command of the product; its output."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            input=text,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def until_healthy(self) -> None:
        """The web process answers."""
        until(lambda: _answers(f"{self.url}/healthz"), "the web process", self.output)

    def output(self) -> str:
        """The end of what it printed."""
        return self.log.read_text(errors="replace")[-4000:]

    def pid_of(self, name: str) -> int:
        """The process of the supervisor's child `web` or `worker`."""
        if name == "web":
            for process in self.family():
                with suppress(psutil.Error):
                    for link in process.net_connections("tcp"):
                        if link.status == "LISTEN" and link.laddr.port == self.port:
                            return int(process.pid)
            raise AssertionError("no web process")
        web = self.pid_of("web")
        others = [
            c for c in psutil.Process(self.process.pid).children() if c.pid != web
        ]
        return int(others[0].pid)

    def family(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def kill(self, name: str) -> None:
        """`kill -9`, as the kernel does it."""
        os.kill(self.pid_of(name), signal.SIGKILL)

    def get(self, path: str) -> Any:
        """JSON of the product."""
        answer = self.session.get(f"{self.url}{path}", timeout=20)
        assert answer.ok, answer.text
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> requests.Response:
        """Send JSON as the page does."""
        return self.session.post(
            f"{self.url}{path}", json=body, headers=self._headers(), timeout=20
        )

    def delete(self, path: str) -> None:
        """Take away what is there."""
        answer = self.session.delete(
            f"{self.url}{path}", headers=self._headers(), timeout=20
        )
        assert answer.ok, answer.text

    def _headers(self) -> dict[str, str]:
        token = self.session.cookies["csrftoken"]
        return {"X-CSRFToken": token, "Referer": self.url}

    def run(self, seen: Seen) -> dict[str, Any]:
        """The run and its answer as they are stored."""
        page = self.get(f"/api/conversations/{seen.conversation_id}/messages/")
        for message in page["messages"]:
            if message.get("run") and message["run"]["id"] == seen.run_id:
                return {**message["run"], "text": text_of(message)}
        raise AssertionError("the answer is gone")

    def calls(self, question: str) -> int:
        """How often the vendor was asked this."""
        bodies = [r["body"] or "" for r in self.vendor.requests()]
        return sum(question in body for body in bodies)

    def stop(self, patience_s: float = 30.0) -> int:
        """SIGTERM to the supervisor; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(patience_s)

    def close(self) -> None:
        """End everything."""
        if self.process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                self.stop()
        if self.process.poll() is None:
            for process in self.family():
                process.kill()
            self.process.wait(10)
        self._folder.cleanup()

    def _signed_in(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.get(f"{self.url}/login/")
        answer = session.post(
            f"{self.url}/login/",
            data={
                "username": "alice",
                "password": PASSWORD,
                "csrfmiddlewaretoken": session.cookies["csrftoken"],
            },
            headers={"Referer": self.url},
        )
        assert answer.ok, answer.text
        return session


class Page:
    """A client of `/ws/chat/` that keeps what it has seen, and comes back by itself."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen: dict[str, Seen] = {}  # by question
        self._by_run: dict[str, Seen] = {}
        self._positions: dict[str, tuple[int, int]] = {}
        self._closed = threading.Event()
        self._socket: ClientConnection | None = None
        self._ready = threading.Event()
        self.closes: list[int] = []
        self.errors: list[dict[str, Any]] = []
        self._acked_at = 0.0
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    def ask(self, question: str, **fields: Any) -> Seen:
        """Send a question in a new conversation, and wait until it is accepted."""
        seen = self.seen[question] = Seen(question)
        key = uuid.uuid4().hex
        frame = {"type": "send", "client_message_id": key, "text": question, **fields}
        self.say(frame)
        until(lambda: seen.run_id, f"{question} accepted", self.world.output)
        return seen

    def follow(self, seen: Seen) -> Seen:
        """What a page that was opened later draws of an answer that another one began."""
        ours = Seen(seen.question, seen.run_id, seen.conversation_id)
        self.seen[seen.question] = self._by_run[seen.run_id] = ours
        self.say(self._follow(ours))
        return ours

    def say(self, frame: dict[str, Any]) -> None:
        """Send a frame."""
        assert self._ready.wait(30)
        assert self._socket is not None
        self._socket.send(json.dumps(frame))

    def close(self) -> None:
        self._closed.set()
        if self._socket is not None:
            self._socket.close()
        self._thread.join(10)

    def _live(self) -> None:
        while not self._closed.is_set():
            with suppress(OSError, WebSocketException, TimeoutError, EOFError):
                self._once()
            self._ready.clear()
            time.sleep(0.1)

    def _once(self) -> None:
        world = self.world
        text = world.session.get(f"{world.url}/", timeout=5).text
        found = re.search(r'data-socket-token="([^"]+)"', text)
        if found is None:
            return  # it is not quite up yet
        cookies = "; ".join(f"{c.name}={c.value}" for c in world.session.cookies)
        with connect(
            f"{world.url.replace('http', 'ws', 1)}/ws/chat/",
            origin="/".join(world.url.split("/")[:3]),  # type: ignore[arg-type]
            additional_headers={"Cookie": cookies},
            max_size=None,
        ) as link:
            link.send(json.dumps({"type": "hello", "token": found[1]}))
            assert json.loads(link.recv(10))["type"] == "ready"
            self._socket = link
            for seen in self.seen.values():
                if seen.conversation_id and not seen.is_over:
                    link.send(json.dumps(self._follow(seen)))
            self._ready.set()
            with suppress(ConnectionClosed):
                for raw in link:
                    self._take(json.loads(raw))
            self.closes.append(link.close_code or 1006)

    def _follow(self, seen: Seen) -> dict[str, Any]:
        epoch, seq = self._positions.get(seen.run_id, (0, 0))
        return {
            "type": "follow",
            "conversation_id": seen.conversation_id,
            "positions": [{"run_id": seen.run_id, "epoch": epoch, "seq": seq}],
        }

    def _take(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "accepted":
                text = frame["question"]["parts"][0]["text"]
                seen = self.seen.setdefault(text, Seen(text))
                seen.conversation_id = frame["conversation"]["id"]
                seen.run_id = frame["run"]["id"]
                self._by_run[seen.run_id] = seen
            case "run" if frame["run"]["id"] in self._by_run:
                seen = self._by_run[frame["run"]["id"]]
                seen.status = frame["run"]["status"]
                seen.statuses.append(seen.status)
            case "batch" if frame["run_id"] in self._by_run:
                self._batch(self._by_run[frame["run_id"]], frame)
            case "rewind" if frame["run_id"] in self._by_run:
                self._positions[frame["run_id"]] = (frame["epoch"], frame["seq"])
            case "message" if (frame["message"].get("run") or {}).get(
                "id"
            ) in self._by_run:
                seen = self._by_run[frame["message"]["run"]["id"]]
                seen.final = text_of(frame["message"])
            case "error":
                self.errors.append(frame)
            case "intent" if frame["intent"]["run_id"] in self._by_run:
                seen = self._by_run[frame["intent"]["run_id"]]
                seen.intents[frame["intent"]["id"]] = frame["intent"]

    def _batch(self, seen: Seen, frame: dict[str, Any]) -> None:
        self._positions[seen.run_id] = (frame["epoch"], frame["last"])
        if self._socket is not None and time.monotonic() - self._acked_at > 0.25:
            self._acked_at = time.monotonic()
            ack = {key: frame[key] for key in ("run_id", "epoch")}
            self._socket.send(json.dumps({"type": "ack", **ack, "seq": frame["last"]}))
        for event in frame["events"]:
            if event["type"] == "text_delta":
                seen.text += event["text"]


def text_of(message: dict[str, Any]) -> str:
    """The visible text of a message."""
    return "".join(p["text"] for p in message["parts"] if p["type"] == "text")


def until(
    is_true: Callable[[], Any],
    what: str,
    explain: Callable[[], str] = str,
    within_s: float = PATIENCE_S,
) -> float:
    """Wait for it; how many seconds it took."""
    started = time.monotonic()
    while time.monotonic() - started < within_s:
        if is_true():
            return time.monotonic() - started
        time.sleep(0.02)
    raise AssertionError(f"not within {within_s} s: {what}\n{explain()}")


@contextmanager
def a_page(world: World) -> Iterator[Page]:
    """One page, closed afterwards."""
    page = Page(world)
    try:
        yield page
    finally:
        page.close()


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
