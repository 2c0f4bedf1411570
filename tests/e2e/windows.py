"""How large windows are, and what must not happen in a page."""

from __future__ import annotations

from playwright.sync_api import Page, Request

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}


def watch(page: Page, origin: str, troubles: list[str]) -> None:
    """Collect what must not happen in a page."""
    own = (origin, origin.replace("http", "ws", 1), "data:", "blob:", "about:")
    page.on(
        "console", lambda m: m.type == "error" and troubles.append(f"console: {m.text}")
    )
    page.on("requestfailed", lambda r: troubles.extend(_failed(r)))
    page.on("pageerror", lambda error: troubles.append(f"script: {error}"))
    page.on(
        "request",
        lambda r: r.url.startswith(own) or troubles.append(f"foreign: {r.url}"),
    )


def _failed(request: Request) -> list[str]:
    """Aborted is what a page leaves behind when it goes elsewhere, or downloads a file."""
    why = request.failure or ""
    return [] if "ERR_ABORTED" in why else [f"failed: {request.url} {why}"]
