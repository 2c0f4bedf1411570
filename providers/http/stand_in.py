"""A browser without a window: goes where a login sends a person, and agrees.

For checks against the emulator, whose pages it knows: it follows redirects, presses
"Allow", types a device code in, reads the code that a page shows. It leads to addresses
of this machine only, so it can never sign in at a real vendor.
"""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin

import requests

from providers.errors import ConfigurationError, ProviderError
from providers.http import failures
from providers.http.reroute import reroute
from providers.http.settings import settings
from providers.http.urls import host, is_loopback

_STEPS = 12  # redirects and pages of one login
_SHOWN = "pre id=code"  # where a page shows what is to be pasted
_TIMEOUT_S = 30.0  # our own callback answers after the exchange


def visit(url: str, *, stops_at: str = "", user_code: str = "") -> str:
    """Go through a login from its first address; what the person would paste.

    That is the code that a page shows, the address at which the browser stopped because
    it begins with `stops_at`, or "" when a callback or the vendor heard the answer
    itself. `user_code`: what to type in where a page asks. Raises ProviderError.
    """
    try:
        with requests.Session() as session:
            session.trust_env = False
            return _walk(session, url, stops_at, user_code)
    except failures.FOREIGN as exc:
        raise failures.from_exception(exc, "login", host(url)) from None


def _walk(session: requests.Session, url: str, stops_at: str, user_code: str) -> str:
    for _ in range(_STEPS):
        if stops_at and url.startswith(stops_at):
            return url
        url = reroute(url, settings().reroute)
        if not is_loopback(url):
            raise ConfigurationError(
                "The stand-in for a browser visits this machine only: sign in at a real "
                "vendor yourself.",
                provider="login",
            )
        answer = session.get(url, timeout=_TIMEOUT_S, allow_redirects=False)
        if answer.is_redirect:
            url = urljoin(url, answer.headers["location"])
            continue
        page = _Page(answer.text)
        if answer.status_code >= 400:
            raise ProviderError(f"The page says: {page.text[:200]}", provider="login")
        if page.code or not (page.allow or (page.asks_for_code and user_code)):
            return page.code
        query = "?" + urlencode({"user_code": user_code})
        url = urljoin(url, page.allow or query)
    raise ProviderError("The login sends the browser in circles.", provider="login")


class _Page(HTMLParser):
    """What a person would see on a page of the emulator, as far as a login needs it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.allow = ""
        self.code = ""
        self.asks_for_code = False
        self._said: list[str] = []
        self._inside = ""
        self.feed(html)

    @property
    def text(self) -> str:
        """Its words."""
        return " ".join(" ".join(self._said).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self._inside = tag
        if tag == "a" and named.get("id") == "allow":
            self.allow = named.get("href") or ""
        elif tag == "input" and named.get("name") == "user_code":
            self.asks_for_code = True
        elif tag == "pre" and named.get("id") == "code":
            self._inside = _SHOWN

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == _SHOWN:
            self.code += data
        elif self._inside != "title":
            self._said.append(data)
