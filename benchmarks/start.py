"""From a clone to healthy, the second start, idle memory and processor, size on disk.

Clones this checkout's HEAD into an empty folder and runs `bin/run` there, as a newcomer
would. Anchor for the start: a bare Django `manage.py check` in the same environment.
"""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psutil
import requests

ROOT = Path(__file__).resolve().parent.parent


def measure(*, quick: bool = False) -> list[dict]:
    """Rows of {figure, value, unit}."""
    folder = Path(tempfile.mkdtemp(prefix="maestro-bench-"))
    clone = folder / "maestro"
    try:
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        first, _, _ = _start(clone)
        seconds, memory, busy = _start(clone, idle_s=5 if quick else 20)
        python = clone / ".venv" / "bin" / "python"
        anchor = _time([str(python), "-c", "import django; django.setup"], clone)
        listed = subprocess.run(
            [str(python), "-m", "pip", "list", "--format=freeze"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        size = sum(
            f.stat().st_size for f in (clone / ".venv").rglob("*") if f.is_file()
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [
        {"figure": "clone to healthy", "value": round(first, 1), "unit": "s"},
        {"figure": "second start to healthy", "value": round(seconds, 2), "unit": "s"},
        {"figure": "bare `import django`", "value": round(anchor, 2), "unit": "s"},
        {
            "figure": "idle, all processes",
            "value": round(memory / 1e6),
            "unit": "MB PSS",
        },
        {
            "figure": "idle, all processes",
            "value": round(100 * busy, 2),
            "unit": "% of a core",
        },
        {"figure": "installed size", "value": round(size / 1e6), "unit": "MB"},
        {"figure": "distributions", "value": len(listed), "unit": ""},
    ]


def _time(command: list[str], folder: Path) -> float:
    started = time.monotonic()
    subprocess.run(command, cwd=folder, check=True)
    return time.monotonic() - started


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _start(clone: Path, idle_s: float = 0.0) -> tuple[float, int, float]:
    """Seconds until /readyz says 200; then, idle, the PSS of all processes and their
    share of a core."""
    port = _free_port()
    started = time.monotonic()
    process = subprocess.Popen(
        ["python3", "bin/run", "--port", str(port)],
        cwd=clone,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                if requests.get(f"http://127.0.0.1:{port}/readyz", timeout=2).ok:
                    break
            except requests.RequestException:
                if process.poll() is not None:
                    raise RuntimeError("bin/run ended before it was healthy") from None
            time.sleep(0.02)
        seconds = time.monotonic() - started
        time.sleep(min(idle_s, 3.0))  # what a start leaves to do afterwards
        family = [psutil.Process(process.pid)]
        family += family[0].children(recursive=True)
        before = _cpu_s(family)
        time.sleep(idle_s)
        busy = (_cpu_s(family) - before) / idle_s if idle_s else 0.0
        memory = sum(member.memory_full_info().pss for member in family)
        return seconds, memory, busy
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _cpu_s(family: list[psutil.Process]) -> float:
    """Seconds of processor that these processes have used."""
    times = [member.cpu_times() for member in family]
    return sum(one.user + one.system for one in times)
