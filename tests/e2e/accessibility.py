"""What axe finds in a page, in the light and in the dark theme."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = (Path(__file__).parent / "vendor" / "axe-4.14.1.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def violations(page: Page) -> list[Any]:
    """Rule, elements and summary of each. The page must not forbid scripts of ours.

    All rules in one theme; in the other what a theme can break: the contrast.
    """
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = _run(page, {"type": "tag", "values": RULES})
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    found += _run(page, {"type": "rule", "values": ["color-contrast"]})
    return found


def _run(page: Page, only: dict[str, Any]) -> list[Any]:
    found = page.evaluate("only => axe.run(document, {runOnly: only})", only)
    return [
        (
            v["id"],
            [n["target"] for n in v["nodes"]][:4],
            v["nodes"][0].get("failureSummary", "")[:300],
        )
        for v in found["violations"]
    ]
