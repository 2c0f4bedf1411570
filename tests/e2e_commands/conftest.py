"""The end-to-end commands in this process, against an emulator that streams at a pace."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from maestro.proof.around import RealVendor
from providers import http, options
from tests.emulator import EmulatorProcess
from tests.sessions_app.factories import make_superuser

# Words a second. Fast; and slow enough for us to break an answer off in its middle.
PACE = 1000
SLOW = 300
NO_USAGE = """\
event: response.created
data: {"type":"response.created","response":{"id":"resp_1","model":"gpt-6.1-terra"}}

event: response.output_text.delta
data: {"type":"response.output_text.delta","item_id":"m","delta":"TEXT"}

event: response.completed
data: {"type":"response.completed","response":{"id":"resp_1","status":"completed"}}

"""


@dataclass(frozen=True)
class Proved:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.out)

    @property
    def failed(self) -> list[str]:
        return [name for path in self.document["paths"] for name in path["failed"]]

    def verdict(self, name: str) -> dict[str, Any]:
        """The first of that name, in whichever mode."""
        for path in self.document["paths"]:
            for found in [
                *path["verdicts"],
                *(v for r in path["rounds"] for v in r["verdicts"]),
            ]:
                if found["name"] == name:
                    return found
        raise AssertionError(f"no verdict {name!r}")


def run(command: str, *args: str) -> Proved:
    out, err = io.StringIO(), io.StringIO()
    code = 0
    try:
        call_command(command, *args, stdout=out, stderr=err)
    except CommandError as exc:
        code = exc.returncode
        err.write(str(exc))
    except SystemExit as exc:
        code = int(exc.code or 0)
    return Proved(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def paced_process(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[EmulatorProcess]:
    captures = tmp_path_factory.mktemp("captures")
    (captures / "openai_responses").mkdir()
    text = "A FastAPI application for Stripe handles every error. " * 4
    (captures / "openai_responses" / "no_usage.sse").write_text(
        NO_USAGE.replace("TEXT", text)
    )
    process = EmulatorProcess("--pace", PACE, "--replay", captures)
    yield process
    process.stop()


@pytest.fixture
def paced(paced_process: EmulatorProcess, transactional_db: None) -> EmulatorProcess:
    """The emulator, with nothing queued, and an administrator who runs commands."""
    paced_process.reset()
    make_superuser("admin")
    return paced_process


@pytest.fixture
def prove(paced: EmulatorProcess) -> Any:
    """`manage.py e2e … --json` in this installation, against the emulator."""

    def against_the_emulator(*args: str) -> Proved:
        return run("e2e", *args, "--json", "--emulator-at", paced.base)

    return against_the_emulator


@pytest.fixture(scope="session")
def slow_process() -> Iterator[EmulatorProcess]:
    process = EmulatorProcess("--pace", SLOW)
    yield process
    process.stop()


@pytest.fixture
def vendors(
    slow_process: EmulatorProcess,
    transactional_db: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[EmulatorProcess]:
    """Vendors as far as the command can tell: it is not told of any emulator."""
    monkeypatch.setattr(RealVendor, "patience_s", 0.05)
    monkeypatch.setattr(RealVendor, "stops_within_s", 10.0)  # other tests run, too
    slow_process.reset()
    make_superuser("admin")
    before, known = http.settings(), options.configured()
    http.configure(http.HttpSettings(reroute=slow_process.origins()))
    yield slow_process
    http.configure(before)
    options.configure(known)


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The write end of the command's stdin."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as stdin, os.fdopen(writing, "w") as keyboard:
        monkeypatch.setattr("sys.stdin", stdin)
        yield keyboard


@pytest.fixture
def house(tmp_path: Path) -> dict[str, str]:
    """An installation for commands as processes, whose temporary files are seen."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return {
        **os.environ,
        "TMPDIR": str(folder),
        "DJANGO_SETTINGS_MODULE": "maestro.settings",
        "MAESTRO_DATA": str(tmp_path / "data"),
    }
