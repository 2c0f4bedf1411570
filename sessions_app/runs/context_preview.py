"""The exact request: the one that would be sent, how it differs, and those that were."""

from __future__ import annotations

import difflib
from typing import Any
from uuid import UUID

import msgspec

from context_app.models import SentRequest
from context_app.services import requests
from providers import provider as interface
from sessions_app.errors import Invalid
from sessions_app.people import Person
from sessions_app.runs import offered
from sessions_app.runs.context_look import Asker, look
from sessions_app.runs.service import run_for
from sessions_app.services import sharing

MAX_DIFF_LINES = 20_000


def preview(
    user: Person, conversation_id: UUID, asker: Asker, draft: str
) -> dict[str, Any]:
    """The exact request that would be sent now, and how it differs from the last one."""
    found = look(user, conversation_id, asker, draft or "…")
    if found.credential is None:
        raise Invalid("There is no credential to ask with. Add one under Credentials.")
    options: dict[str, Any] = {"conversation_key": conversation_id.hex}
    if asker.tools:
        options["tools"] = offered.specs()
    body = interface.preview_chat(
        found.credential.provider,
        found.credential.name,
        found.composed.messages,
        model=found.model,
        auth_type=found.credential.auth_type,  # type: ignore[arg-type]
        system=found.composed.system,
        **options,
    )
    last = requests.last_of_conversation(conversation_id, asked_by=user.pk)
    return {
        "provider": found.credential.provider,
        "credential": found.credential.name,
        "model": found.model,
        "body": dict(body),
        "tokens": found.composed.tokens + found.composed.budget.tools,
        "difference": _diff(last, body),
        "compared_with": last.sent_at.isoformat() if last else None,
    }


def sent_by(user: Person, run_id: UUID) -> list[dict[str, Any]]:
    """The exact requests of one answer. Raises NotFound, NotAllowed."""
    run = run_for(user=user, run_id=run_id)
    sharing.check_own(user, run)
    return [
        {
            "step": row.step,
            "provider": row.provider,
            "model": row.model,
            "sent_at": row.sent_at.isoformat(),
            "estimated_tokens": row.estimated_tokens,
            "input_tokens": row.input_tokens,
            "body": row.unpack(),
        }
        for row in requests.of_run(run.pk)
    ]


def _diff(last: SentRequest | None, body: Any) -> list[str]:
    if last is None:
        return []
    old, new = (_lines(value) for value in (last.unpack(), dict(body)))
    if len(old) + len(new) > MAX_DIFF_LINES:
        return ["The requests are too long to be compared here."]
    return list(difflib.unified_diff(old, new, "last", "next", lineterm="", n=2))


def _lines(value: Any) -> list[str]:
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return text.splitlines()
