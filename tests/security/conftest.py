"""Fixtures of these tests: tools that note what they do, the emulator as every vendor."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import pytest

from context_app.tools import registry
from context_app.tools.base import Tool
from sessions_app.runs import reaper
from tests.sessions_app.emulated import vendors

SCHEMA = {
    "type": "object",
    "properties": {"what": {"type": "string"}},
    "required": ["what"],
    "additionalProperties": False,
}
RISKS = {"look": "low", "change": "medium", "destroy": "high"}


class Bench:
    """`look` gives the document; what `change` and `destroy` did is noted."""

    def __init__(self) -> None:
        self.document = "Nothing to read."
        self.done: list[tuple[str, dict[str, Any]]] = []

    def tools(self) -> dict[str, Tool]:
        return {name: self._tool(name) for name in RISKS}

    def _tool(self, name: str) -> Tool:
        def run(arguments: Mapping[str, Any], context: object) -> str:
            if name == "look":
                return self.document
            self.done.append((name, dict(arguments)))
            return f"did {arguments['what']}"

        return Tool(
            name=name,
            description=name,
            parameters=SCHEMA,
            run=run,
            risk=RISKS[name],  # type: ignore[arg-type]
            target_of=lambda arguments: str(arguments.get("what", "")),
        )


__all__ = ["vendors"]


@pytest.fixture(autouse=True)
def _no_reaper(monkeypatch: pytest.MonkeyPatch) -> None:
    has_begun = threading.Lock()
    has_begun.acquire()
    monkeypatch.setattr(reaper, "_started", has_begun)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    found = Bench()
    monkeypatch.setattr(registry, "_found", {**registry.tools(), **found.tools()})
    return found
