"""Asking a vendor as a person does: `manage.py chat --json`, and what it left behind."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.management import call_command

from providers.accumulate import Accumulator
from sessions_app.models import Run, SavedAuthentication
from sessions_app.runs.log.tail import stored_events
from tests.emulator import EmulatorProcess
from tests.sessions_app.factories import make_credential

QUESTION = "Why is the sky blue?"


@dataclass(frozen=True)
class Wire:
    """How a dialect is spoken here: through this provider, with this model."""

    provider: str
    model: str
    label: str


WIRES = {
    "openai_responses": Wire("openai", "gpt-5.5", "OpenAI"),
    "openai_chat": Wire("custom", "maestro-demo", "OpenAI-compatible server"),
    "anthropic_messages": Wire("anthropic", "claude-sonnet-5-5", "Anthropic"),
    "gemini_generate": Wire("gemini", "gemini-3.8-flash", "Gemini"),
}


def credential_for(
    dialect: str, owner: User, emulator: EmulatorProcess, key: str = "sk-good-key"
) -> SavedAuthentication:
    """A saved key for the provider that speaks this dialect."""
    provider = WIRES[dialect].provider
    is_own_server = provider == "custom"
    return make_credential(
        owner=owner,
        provider=provider,
        name="work",
        secrets={"api_key": key},
        base_url=f"{emulator.url('compatible')}/v1" if is_own_server else "",
    )


def chat(
    credential: SavedAuthentication, model: str, text: str = QUESTION, *args: str
) -> tuple[dict[str, Any], int]:
    """The document that `manage.py chat --json` prints, and its exit code."""
    out = io.StringIO()
    chosen = ["--credential", credential.name, "--provider", credential.provider]
    try:
        call_command(
            "chat", text, "--json", *chosen, "--model", model, *args, stdout=out
        )
    except SystemExit as exc:
        return json.loads(out.getvalue()), int(exc.code or 0)
    return json.loads(out.getvalue()), 0


def run_of(document: dict[str, Any]) -> Run:
    """The stored run a document tells of."""
    return Run.objects.select_related("question", "answer", "conversation").get(
        pk=document["run_id"]
    )


def folded_log(run: Run) -> Accumulator:
    """The stored log of a run, folded; its numbers are checked on the way."""
    seq = 0
    for row in run.batches.order_by("epoch", "first_seq"):
        assert row.first_seq == seq + 1, "the log has a gap"
        seq = row.last_seq
    assert run.seq == seq, "the run and its log disagree"
    found = Accumulator()
    for event in stored_events(run.pk):
        found.add(event)
    return found


def joined(parts: list[dict[str, Any]], kind: str) -> str:
    """The text of all parts of a kind."""
    return "".join(part.get("text", "") for part in parts if part["type"] == kind)
