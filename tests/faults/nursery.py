"""Processes of the product, quickly: one that has started Django forks the others.

    nursery = Nursery(environment, folder)
    child = nursery.start("refresh", provider="openai", name="codex")
    child.result()      # what the job returned, as JSON; None when it was killed

Jobs are the functions of `refresh_jobs.py`. Each runs in a process of its own with its own
connections, and may die there by kill -9 like any other.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


class Nursery:
    """The process that forks. One thread of the test talks to it at a time."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log.txt"
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.nursery"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        if not self._ask(None):
            raise RuntimeError(self.log.read_text())

    def start(self, job: str, fail_point: str = "", **fields: Any) -> Child:
        """Fork a process that does this job, and dies at that point if it is named."""
        out = self.folder / f"result-{next(self._numbers)}.json"
        order = {"job": job, "fields": fields, "out": str(out), "dies": fail_point}
        return Child(self, self._ask(order)["pid"], out)

    def do(self, job: str, **fields: Any) -> Any:
        """The same, to its end."""
        return self.start(job, **fields).result()

    def reap(self, pid: int) -> int:
        """Wait for one of them; the exit status as `os.waitpid` has it."""
        return int(self._ask({"wait": pid})["status"])

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _ask(self, order: dict[str, Any] | None) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            if order is not None:
                self._process.stdin.write(json.dumps(order) + "\n")
                self._process.stdin.flush()
            line = self._process.stdout.readline()
        return dict(json.loads(line)) if line else {}


class Child:
    """One process that does one job."""

    def __init__(self, nursery: Nursery, pid: int, out: Path) -> None:
        self.pid = pid
        self.status: int | None = None
        self._nursery = nursery
        self._out = out

    def wait(self) -> int:
        """Its exit status; `signal.SIGKILL` when it was killed."""
        if self.status is None:
            self.status = self._nursery.reap(self.pid)
        return self.status

    def result(self) -> Any:
        """What its job returned; None when it died before."""
        if self.wait() == signal.SIGKILL:
            return None
        found = json.loads(self._out.read_text())
        self._out.unlink()
        if "error" in found:
            raise AssertionError(found["error"])
        return found["result"]

    def signal(self, number: int) -> None:
        """Stop, continue or kill it."""
        os.kill(self.pid, number)


def _main() -> None:
    import django

    django.setup()
    from providers import resolver
    from tests.faults import refresh_jobs

    resolver.providers()
    _say({"ready": True})
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            _say({"status": os.waitpid(order["wait"], 0)[1]})
            continue
        pid = os.fork()
        if pid == 0:
            _work(refresh_jobs, order)
        _say({"pid": pid})


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def _work(jobs: Any, order: dict[str, Any]) -> None:
    """In the child: do the job and end, whatever happens."""
    import traceback

    from providers import fail_points

    os.close(0)
    os.dup2(2, 1)
    fail_points._NAME = order["dies"]
    try:
        found = {"result": getattr(jobs, order["job"])(**order["fields"])}
    except BaseException:
        found = {"error": traceback.format_exc()}
    out = Path(order["out"])
    draft = out.with_suffix(".draft")
    draft.write_text(json.dumps(found))
    draft.replace(out)
    os._exit(0)


if __name__ == "__main__":
    _main()
