"""What a browser sees after a login: fixed pages, nothing of the request in them."""

from __future__ import annotations

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>{title}</title>
<style>
:root{{color-scheme:light dark}}
body{{font:1rem/1.6 system-ui,sans-serif;max-width:34rem;margin:12vh auto;padding:0 1rem}}
</style>
<h1>{title}</h1><p>{text}</p></html>
"""


def _page(title: str, text: str) -> bytes:
    return _PAGE.format(title=title, text=text).encode()


DONE = _page("You are signed in", "You can close this window and return to Maestro.")
FAILED = _page(
    "The login did not work",
    "Maestro says why. Return to it, and start the login again from there.",
)
SPENT = _page(
    "This answer was used already", "You can close this window and return to Maestro."
)
NOT_HERE = _page(
    "Nothing waits for this",
    "This page is for the answer of a login, and none waits for this one. Start the "
    "login in Maestro.",
)


def page(text: bytes) -> list[tuple[str, str]]:
    """The headers of a page."""
    return [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(text))),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("X-Content-Type-Options", "nosniff"),
        (
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        ),
        ("Connection", "close"),
    ]
