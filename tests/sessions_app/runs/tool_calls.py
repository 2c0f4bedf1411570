"""Answers that call tools on the real wire: tools that note what they do, and calls."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User

from context_app.tools.base import Tool
from sessions_app.models import Run
from sessions_app.runs.service import Started
from tests.sessions_app.factories import make_credential, make_user
from tests.sessions_app.factories_runs import ask, wait_for_runs

MODELS = {
    "openai": "gpt-6.1-terra",
    "anthropic": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
OK = {"purpose": "user_request", "scope": "Look at the clock.", "risk_level": "low"}
SCHEMA = {
    "type": "object",
    "properties": {"what": {"type": "string"}},
    "required": ["what"],
    "additionalProperties": False,
}
RISKS = {"look": "low", "change": "medium", "destroy": "high"}


class Bench:
    """Tools of a test's own, and what was done with them."""

    def __init__(self) -> None:
        self.done: list[dict[str, Any]] = []
        self.gate: threading.Event | None = None
        self.error: Exception | None = None

    def run(self, arguments: Mapping[str, Any], context: object) -> str:
        self.done.append(dict(arguments))
        if self.gate is not None:
            self.gate.wait(20)
        if self.error is not None:
            raise self.error
        return f"did {arguments.get('what', 'it')}"

    def tools(self) -> dict[str, Tool]:
        """By name; what each touches is what it was given."""
        return {
            name: Tool(
                name=name,
                description=name,
                parameters=SCHEMA,
                run=self.run,
                risk=risk,  # type: ignore[arg-type]
                target_of=lambda arguments: str(arguments.get("what", "")),
            )
            for name, risk in RISKS.items()
        }


def start(slug: str = "openai", user: User | None = None, **fields: Any) -> Started:
    """A question with tools, to this vendor."""
    user = user or make_user()
    credential = make_credential(owner=user, provider=slug)
    options = {"tools": True, **fields.pop("options", {})}
    return ask(
        user, credential_id=credential.pk, model=MODELS[slug], options=options, **fields
    )


def over(started: Started) -> Run:
    """The run, once nobody works on it."""
    wait_for_runs()
    return Run.objects.select_related("answer", "started_by").get(pk=started.run.pk)


def call(name: str, what: str = "it", intent: Any = OK) -> dict[str, Any]:
    """A model's call, as the emulator is told to make it."""
    arguments = {"what": what}
    whole = {"intent": intent, **arguments} if intent else arguments
    return {"name": name, "arguments": whole}
