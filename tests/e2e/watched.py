"""A page that is watched for what untrusted text must never make it do.

    watched = Watched(page); …; watched.check()

Script executions (`__xss`, alert, prompt, confirm, print), dialogs, requests to anywhere
but the product, reports of the content security policy, errors of the page's own scripts.
A report of the policy is a failure, too: the sanitiser let something through, and only the
second wall held it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Dialog, Page, Request

_TRAPS = """
(() => {
  const fired = [];
  const trap = (name) => (...words) => { fired.push(`${name}: ${words.join()}`); };
  for (const name of ["__xss", "alert", "prompt", "confirm", "print", "open"])
    Object.defineProperty(window, name, { value: trap(name), configurable: false });
  document.addEventListener("securitypolicyviolation", (event) => fired.push(
    `policy ${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`));
  window.__fired = fired;
})()
"""


@dataclass
class Watched:
    """What happened in a page. Made before the page goes anywhere."""

    page: Page
    origin: str
    foreign: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.add_init_script(_TRAPS)
        self.page.on("request", self._request)
        self.page.on("dialog", self._dialog)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._console)

    def _request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        is_ours = parts.netloc == urlsplit(self.origin).netloc
        if parts.scheme not in ("data", "blob", "about") and not is_ours:
            self.foreign.append(request.url)

    def _dialog(self, dialog: Dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def _console(self, message: Any) -> None:
        if message.type == "error" and "Content Security Policy" in message.text:
            self.refused.append(message.text)

    def fired(self) -> list[str]:
        """Traps that were sprung in the document that is open now."""
        found: list[str] = self.page.evaluate("window.__fired")
        return found

    def check(self) -> None:
        """Nothing happened. To be called on every document before it is left."""
        assert self.fired() == []
        assert self.dialogs == []
        assert self.foreign == []
        assert self.refused == []
        assert self.errors == []
