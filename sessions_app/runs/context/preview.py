"""The exact request: the one that would be sent, how it differs, and those that were."""

from __future__ import annotations

import difflib
from typing import Any
from uuid import UUID

import msgspec

from context_app.models import SentRequest
from context_app.services import requests
from providers import provider as interface
from providers.types import Reasoning
from sessions_app.errors import Invalid
from sessions_app.models import SavedAuthentication
from sessions_app.person import Person
from sessions_app.runs import offered
from sessions_app.runs.asking import OPTIONS, check_options, run_for
from sessions_app.runs.context import counting
from sessions_app.runs.context.look import Asker, Look, look
from sessions_app.services import sharing

MAX_DIFF_LINES = 20_000


def preview(
    user: Person,
    conversation_id: UUID,
    asker: Asker,
    draft: str,
    *,
    is_counted: bool = False,
) -> dict[str, Any]:
    """The exact request that would be sent now, and how it differs from the last one.

    `is_counted`: ask the vendor for its size; null where it has no count or gave none.
    Raises NotFound, Invalid, TooOften.
    """
    options = check_options({name: getattr(asker, name) for name in OPTIONS})
    found = look(user, conversation_id, asker, draft or "…")
    credential = found.credential
    if credential is None:
        raise Invalid("There is no credential to ask with. Add one under Credentials.")
    asked = _asked(found, credential, options)
    key = credential.provider, credential.name
    body = interface.preview_chat(*key, found.composed.messages, **asked)
    can_count = interface.can_count(
        *key, model=found.model, auth_type=asked["auth_type"]
    )
    counted = None
    if is_counted and can_count:
        counted = counting.count(user, found, credential, asked)
    last = requests.last_of_conversation(conversation_id, asked_by=user.pk)
    return {
        "provider": credential.provider,
        "credential": credential.name,
        "model": found.model,
        "body": dict(body),
        "tokens": found.composed.tokens + found.composed.budget.tools,
        "can_count": can_count,
        "counted": counted,
        "difference": _diff(last, body),
        "compared_with": last.sent_at.isoformat() if last else None,
    }


def _asked(
    found: Look, credential: SavedAuthentication, options: dict[str, Any]
) -> dict[str, Any]:
    """What the interface is asked with, beside the messages: as a run's first step does."""
    asked: dict[str, Any] = {
        "model": found.model,
        "auth_type": credential.auth_type,
        "system": found.composed.system,
        "conversation_key": found.conversation.pk.hex,
    }
    if effort := options.get("reasoning_effort"):
        asked["reasoning"] = Reasoning(effort=effort)
    if options.get("tools"):
        asked["tools"] = offered.specs()
    return asked


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
