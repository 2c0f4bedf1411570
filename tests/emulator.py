"""The emulator for tests: a process of its own, and a handle to tell it what happens.

from tests.emulator import emulator  (a fixture, reset for every test)
"""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parent.parent
ORIGINS = {
    "openai": "https://api.openai.com",
    "anthropic": "https://api.anthropic.com",
    "gemini": "https://generativelanguage.googleapis.com",
    "openai-auth": "https://auth.openai.com",
    "chatgpt": "https://chatgpt.com",
    "anthropic-auth": "https://platform.claude.com",
    "claude-ai": "https://claude.ai",
    "google-accounts": "https://accounts.google.com",
    "google-oauth": "https://oauth2.googleapis.com",
}


class EmulatorProcess:
    """A running emulator. Times in seconds."""

    def __init__(self, *arguments: object) -> None:
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "providers.emulator",
                "--json",
                *map(str, arguments),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = json.loads(self._process.stdout.readline())["port"]
        self.base = f"http://127.0.0.1:{self.port}"
        self._http = requests.Session()
        self._http.trust_env = False

    def url(self, vendor: str) -> str:
        """Where this vendor's origin is here."""
        return f"{self.base}/{vendor}"

    def origins(self) -> dict[str, str]:
        """For `HttpSettings.reroute`: every vendor's origin leads here."""
        return {origin: self.url(vendor) for vendor, origin in ORIGINS.items()}

    def script(self, **answer: Any) -> None:
        """The next answer; see providers/emulator/control.py."""
        self._post("scripts", answer)

    def fault(self, kind: str, **fields: Any) -> None:
        """What goes wrong next."""
        self._post("faults", {"kind": kind, **fields})

    def replay(self, name: str) -> None:
        """The next answer is this captured stream."""
        self._post("replay", {"file": name})

    def oauth_config(self, **fields: Any) -> None:
        """How logins go from now on; see providers/emulator/oauth_config.py."""
        self._post("oauth", fields)

    def oauth(self, step: str = "") -> dict[str, Any]:
        """Token requests, families, codes, devices; after `expire` or `revoke` of all."""
        if step:
            self._post(f"oauth/{step}", {})
        return self._get("oauth")

    def here(self, url: str) -> str:
        """Where this address of a vendor is served."""
        for vendor, origin in ORIGINS.items():
            if url.startswith(f"{origin}/"):
                return self.url(vendor) + url.removeprefix(origin)
        return url

    def authorize(self, url: str) -> str:
        """Go where a person is sent, as their browser; what they come back with.

        That is the callback's whole address, or `code#state` where a page shows it.
        """
        answer = self._http.get(self.here(url), timeout=5, allow_redirects=False)
        if answer.status_code == 302:
            return answer.headers["location"]
        shown = re.search(r"<pre id='code'>(.*?)</pre>", answer.text)
        assert shown, f"{answer.status_code}: {answer.text}"
        return html.unescape(shown[1])

    def requests(self) -> list[dict[str, Any]]:
        """What came, oldest first."""
        return self._get("requests")["requests"]

    def bodies(self) -> list[dict[str, Any]]:
        """The JSON bodies that came."""
        return [json.loads(r["body"]) for r in self.requests() if r["body"]]

    def streams(self) -> list[dict[str, Any]]:
        """Streams, with `how` they ended."""
        return self._get("streams")["streams"]

    def wait_for_stream(self, how: str, within_s: float = 5.0) -> dict[str, Any]:
        """The first stream that ended like this."""
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            for stream in self.streams():
                if stream["how"] == how:
                    return stream
            time.sleep(0.02)
        raise AssertionError(f"no stream ended {how!r}: {self.streams()}")

    def reset(self) -> None:
        """Forget scripts, faults and what was seen."""
        self._http.delete(f"{self.base}/_emulator", timeout=5).raise_for_status()

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(10)
        self._http.close()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _post(self, path: str, data: dict[str, Any]) -> None:
        answer = self._http.post(f"{self.base}/_emulator/{path}", json=data, timeout=5)
        assert answer.ok, answer.text

    def _get(self, path: str) -> dict[str, Any]:
        return self._http.get(f"{self.base}/_emulator/{path}", timeout=5).json()


@pytest.fixture(scope="session")
def emulator_process() -> Iterator[EmulatorProcess]:
    """One emulator for the whole session, as fast as it can."""
    process = EmulatorProcess("--pace", 0)
    yield process
    process.stop()


@pytest.fixture
def emulator(emulator_process: EmulatorProcess) -> EmulatorProcess:
    """The same, with nothing queued and nothing seen."""
    emulator_process.reset()
    return emulator_process
