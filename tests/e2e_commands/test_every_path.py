"""The commands as an operator runs them: real processes, from nothing to a verdict."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

from maestro.proof.asking import PROMPT
from tests.emulator import ROOT

PATHS = {
    (vendor, way)
    for vendor in ("openai", "anthropic", "gemini")
    for way in ("oauth", "api_key")
}


def start(house: dict[str, str], *args: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *args],
        env=house,
        cwd=house["TMPDIR"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def left_behind(house: dict[str, str]) -> list[str]:
    """Files, and processes that name one of them."""
    folder = house["TMPDIR"]
    found = [path.name for path in Path(folder).iterdir()]
    # The installation whose command it was: read at most.
    found += [path.name for path in Path(house["MAESTRO_DATA"]).glob("*.sqlite3*")]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            environment = (process / "environ").read_bytes()
        except OSError:
            continue
        if folder.encode() in command or f"TMPDIR={folder}".encode() in environment:
            found.append(command.replace(b"\0", b" ").decode())
    return found


def test_every_path_holds_against_the_emulator(house, tmp_path):
    """AC-G6: both modes of OpenAI; Anthropic and Gemini by login and by key."""
    report = tmp_path / "report.json"
    process = start(
        house, "e2e", "all", "--emulator", "--json", "--report", str(report)
    )
    out, err = process.communicate(timeout=110)

    assert process.returncode == 0, err
    document = json.loads(out)
    assert document["ok"]
    assert document["against"] == "emulator"
    assert document["prompt"] == PROMPT
    found = {(path["provider"], path["auth_type"]): path for path in document["paths"]}
    assert set(found) >= PATHS
    modes = [round_["mode"] for round_ in found["openai", "oauth"]["rounds"]]
    assert modes == ["chatgpt", "api_key"]
    for path in found.values():
        for round_ in path["rounds"]:
            assert round_["answers"]["answer"]["output_tokens"] > 0
    assert json.loads(report.read_text()) == document
    assert report.stat().st_mode & 0o777 == 0o600
    assert "the stand-in opens" in err
    assert left_behind(house) == []


def test_the_canonical_command_proves_both_modes_of_openai(house):
    """AC-E2E1, AC-E2E2, AC-E2E3."""
    process = start(house, "test_full_openai_oauth_streaming_e2e", "--emulator")
    out, err = process.communicate(timeout=110)

    assert process.returncode == 0, err
    for seen in (
        "openai oauth",
        "answered by its callback",
        "in chatgpt mode",
        "in api_key mode",
        "a second exchange gave it a key",
        "it speaks of FastAPI, Stripe, error",
        "asked anew",
        "Generation 1",
        "taken back at the vendor, and removed",
        "0 do not",
    ):
        assert seen in out or (seen.startswith("answered") and "pasted" in out), out
    assert left_behind(house) == []


def test_ctrl_c_leaves_nothing_behind(house):
    process = start(house, "e2e", "all", "--emulator")
    assert process.stdout is not None
    # A process that hangs must not hang the test.
    alarm = threading.Timer(100, process.kill)
    alarm.start()
    for line in process.stdout:
        if "models" in line:
            process.send_signal(signal.SIGINT)
            break
    out, err = process.communicate()
    alarm.cancel()

    assert process.returncode == 130, err
    assert "cleaned" in out
    assert "Stopped; what it had made is removed." in err
    assert "Traceback" not in err
    assert left_behind(house) == []
