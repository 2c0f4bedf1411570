"""Whatever is killed, nothing stays behind and the rest goes on."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest

PROGRAM = """
import os, sys, time, signal, subprocess
from maestro.supervisor import Child, Supervisor
from maestro import processes

def web():
    open(sys.argv[1] + "/web.pid", "w").write(str(os.getpid()))
    while True:
        time.sleep(0.05)

def worker():
    processes.let_forks_die_with_us()
    if os.fork() == 0:
        if os.fork() == 0:
            open(sys.argv[1] + "/deep.pid", "w").write(str(os.getpid()))
        else:
            open(sys.argv[1] + "/sentinel.pid", "w").write(str(os.getpid()))
        while True:
            time.sleep(0.05)
    open(sys.argv[1] + "/worker.pid", "w").write(str(os.getpid()))
    while True:
        time.sleep(0.05)

sys.exit(Supervisor([Child("web", web), Child("worker", worker)]).run())
"""


@pytest.fixture
def supervised(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path)],
        stderr=subprocess.DEVNULL,
    )
    names = ("web", "worker", "sentinel", "deep")
    _until(lambda: all((tmp_path / f"{n}.pid").exists() for n in names))
    yield process, lambda name: int(_read(tmp_path / f"{name}.pid"))
    if process.poll() is None:
        process.kill()
        process.wait()


def _read(path):
    _until(lambda: path.read_text() != "")
    return path.read_text()


def _until(claim, within_s=15.0):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        if claim():
            return
        time.sleep(0.05)
    pytest.fail("it did not become true in time")


def _is_gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_sigterm_ends_everything_and_exits_with_zero(supervised):
    process, pid = supervised
    pids = [pid(n) for n in ("web", "worker", "sentinel", "deep")]
    process.send_signal(signal.SIGTERM)
    assert process.wait(15) == 0
    _until(lambda: all(_is_gone(p) for p in pids))


def test_a_killed_supervisor_leaves_no_orphan(supervised):
    process, pid = supervised
    pids = [pid(n) for n in ("web", "worker", "sentinel", "deep")]
    process.kill()
    process.wait()
    _until(lambda: all(_is_gone(p) for p in pids), within_s=10)


@pytest.mark.parametrize("victim", ["web", "worker", "sentinel"])
def test_a_killed_child_takes_its_descendants_along(supervised, victim):
    _, pid = supervised
    pids = {n: pid(n) for n in ("web", "worker", "sentinel", "deep")}
    os.kill(pids[victim], signal.SIGKILL)
    below = {"web": [], "worker": ["sentinel", "deep"], "sentinel": ["deep"]}[victim]
    _until(lambda: all(_is_gone(pids[n]) for n in [victim, *below]), within_s=10)


def test_a_killed_child_is_started_again(supervised):
    _, pid = supervised
    first = pid("web")
    os.kill(first, signal.SIGKILL)
    _until(lambda: pid("web") != first)
    assert not _is_gone(pid("web"))
