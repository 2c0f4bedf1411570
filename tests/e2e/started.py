"""Maestro as a person starts it, with settings of a test's own, and somebody signed in."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page

from tests import prepared
from tests.emulator import ROOT

PASSWORD = "correct horse 9 battery"
PATIENCE_S = 60


class Started:
    """One installation. Extra settings by name, as `MAESTRO_…`.

    `is_first`: nothing is prepared for it.
    """

    def __init__(
        self,
        data: Path,
        *arguments: str,
        public_url: str = "",
        is_first: bool = False,
        **settings: str,
    ) -> None:
        if not is_first:
            prepared.copy_to(data)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.port = port
        self.url = public_url or f"http://127.0.0.1:{port}"
        self.data = data
        self._log = data.parent / f"{data.name}.log"
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("MAESTRO_", "DJANGO_"))
        }
        self.env = {
            **kept,
            **settings,
            "MAESTRO_DATA": str(data),
            "MAESTRO_URL": self.url,
        }
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "maestro.start", "--port", str(port),
                 "--data", str(data), *arguments],
                cwd=ROOT, env=self.env, stdout=out, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.setup_url = self._wait_for_setup()

    @property
    def pid(self) -> int:
        """Of the supervisor."""
        return self._process.pid

    @property
    def output(self) -> str:
        """What it printed so far."""
        return self._log.read_text(errors="replace")

    def _wait_for_setup(self) -> str:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if found := re.search(r"http://\S+/setup/\S+", self.output):
                return found[0]
            time.sleep(0.05)
        raise AssertionError(self.output[-3000:])

    def manage(
        self, *arguments: str, stdin: str = "", within_s: float = PATIENCE_S
    ) -> str:
        """The output of a management command."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments], cwd=ROOT, env=self.env,
            input=stdin, capture_output=True, text=True, timeout=within_s, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def set_up(self, page: Page) -> None:
        """The administrator's password; leads to the chat page."""
        page.goto(self.setup_url)
        page.fill("#password", PASSWORD)
        page.fill("#again", PASSWORD)
        page.click("button[type=submit]")
        page.wait_for_selector("#composer")

    def sign_in(self, browser: Browser, **options: bool) -> BrowserContext:
        """A window of the administrator; options of `new_context`."""
        context = browser.new_context(base_url=self.url, **options)
        page = context.new_page()
        page.goto(f"{self.url}/login/")
        page.fill("#id_username", "admin")
        page.fill("#id_password", PASSWORD)
        page.click(".gate button[type=submit]")
        page.wait_for_selector("#composer")
        page.close()
        return context

    def stop(self) -> None:
        """End it with its children."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)


def module_url(page: Page, name: str) -> str:
    """Where the page got this script from: its name carries a hash."""
    found: str = page.evaluate(
        """(name) => performance.getEntriesByType("resource")
           .map((entry) => entry.name).find((url) => url.match(`/js/${name}(\\\\.[0-9a-f]+)?\\\\.js$`))""",
        name,
    )
    return found
