"""The process: where it listens, what it prints, how it ends; and large requests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from tests.emulator import ROOT, EmulatorProcess
from tests.providers.emulator.raw import CHAT, ask, opened

MODULE = [sys.executable, "-m", "providers.emulator"]
COMMAND = [sys.executable, str(ROOT / "manage.py"), "emulate_providers"]


def started(*words: str) -> subprocess.Popen[str]:
    """A process whose output can be read."""
    return subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str], signum: signal.Signals) -> tuple[int, str]:
    """Its exit code and what it said until then."""
    process.send_signal(signum)
    said, wrong = process.communicate(timeout=10)
    return process.returncode, said + wrong


@pytest.mark.parametrize("command", [MODULE, COMMAND], ids=["module", "manage.py"])
@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)]
)
def test_it_prints_its_addresses_and_ends_on_a_signal(
    command: list[str], signum: signal.Signals, code: int
) -> None:
    process = started(*command, "--json")
    assert process.stdout is not None
    told = json.loads(process.stdout.readline())

    with requests.get(f"{told['urls']['compatible']}/v1/models", timeout=5) as answer:
        assert answer.status_code == 200
    assert told["urls"]["openai"] == f"http://127.0.0.1:{told['port']}/openai"
    assert ended(process, signum) == (code, "")


def test_it_ends_at_once_with_a_stream_open() -> None:
    process = EmulatorProcess()
    process.script(text="one two three four", stall_s=30)
    body = b'{"model": "maestro-demo", "stream": true, '
    body += b'"messages": [{"role": "user", "content": "hi"}]}'
    sock = opened(process, CHAT, body)
    assert b"200" in sock.recv(100)
    began = time.monotonic()

    process.stop()

    assert time.monotonic() - began < 2
    sock.close()


def test_it_writes_its_port_to_a_file_and_says_nothing(tmp_path: Path) -> None:
    file = tmp_path / "port"
    process = started(*MODULE, "--quiet", "--port-file", str(file))
    deadline = time.monotonic() + 10
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.02)

    url = f"http://127.0.0.1:{file.read_text()}/compatible/v1/models"
    with requests.get(url, timeout=5) as answer:
        assert answer.status_code == 200
    assert ended(process, signal.SIGTERM) == (0, "")


def test_a_port_that_is_taken_is_said(emulator: EmulatorProcess) -> None:
    process = started(*MODULE, "--port", str(emulator.port))

    said, wrong = process.communicate(timeout=10)

    assert (process.returncode, said) == (1, "")
    assert f"Cannot listen on port {emulator.port}" in wrong


def test_a_folder_that_is_not_there_is_said() -> None:
    process = started(*MODULE, "--replay", os.devnull)

    assert "There is no folder" in process.communicate(timeout=10)[1]
    assert process.returncode == 2


def test_without_control_nothing_is_kept_and_nothing_can_be_set() -> None:
    process = EmulatorProcess("--no-control", "--pace", "0")
    try:
        assert ask(process).response.status_code == 200
        for path in ("", "/requests", "/streams"):
            url = f"{process.base}/_emulator{path}"
            with requests.get(url, timeout=5) as answer:
                assert answer.status_code == 404
    finally:
        process.stop()


def test_a_conversation_goes_on_after_a_restart() -> None:
    """The demo's answers are kept; what they sealed must be accepted by the next start."""
    histories = []
    for _ in range(2):
        process = EmulatorProcess("--pace", "0")
        try:
            process.script(text="Yes.", reasoning="Hm.")
            question = {"role": "user", "content": "hello"}
            messages = [question, *histories, question] if histories else [question]
            heard = ask(process, "anthropic_messages", messages=messages, stream=False)
            assert heard.response.status_code == 200, heard.body
            said = json.loads(heard.body)["content"]
            histories.append({"role": "assistant", "content": said})
        finally:
            process.stop()
    assert histories[0]["content"][0]["signature"]


def test_a_body_of_unknown_length_is_read(emulator: EmulatorProcess) -> None:
    body = json.dumps({"model": "maestro-demo", "messages": [{"role": "user",
                       "content": "hello"}]}).encode()  # fmt: skip
    with requests.post(
        emulator.base + CHAT, data=iter([body[:9], body[9:]]), timeout=5
    ) as answer:
        assert answer.status_code == 200
    assert emulator.bodies()[0]["model"] == "maestro-demo"


def test_a_body_that_is_too_large_is_refused_in_the_vendors_form(
    emulator: EmulatorProcess,
) -> None:
    body = b"x" * (33 * 1024 * 1024)
    with requests.post(
        emulator.url("anthropic") + "/v1/messages", data=body, timeout=20
    ) as answer:
        assert answer.status_code == 413
        assert answer.json()["error"]["type"] == "request_too_large"
