"""JSON of one answer's details: its tool calls and its failed requests."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec
from django.http import HttpRequest

from sessions_app.runs import decisions, resuming, service
from sessions_app.services.shapes import attempt_view, intent_view
from sessions_app.views.json_api import body, json_view


class Decision(msgspec.Struct, forbid_unknown_fields=True):
    """A word on a tool call that waits; see the `decide` frame."""

    approve: bool
    for_conversation: bool = False
    words: str = ""


def _intents(request: HttpRequest, run_id: UUID) -> Any:
    found = decisions.intents_of(user=request.user, run_id=run_id)
    return {"intents": [intent_view(intent) for intent in found]}


def _continuation(request: HttpRequest, run_id: UUID) -> Any:
    return resuming.continuation_of(user=request.user, run_id=run_id)


def _attempts(request: HttpRequest, run_id: UUID) -> Any:
    found = service.attempts_of(user=request.user, run_id=run_id)
    return {"attempts": [attempt_view(attempt) for attempt in found]}


def _decide(request: HttpRequest, intent_id: UUID) -> Any:
    sent = body(request, Decision)
    intent = decisions.decide(
        user=request.user,
        intent_id=intent_id,
        approve=sent.approve,
        for_conversation=sent.for_conversation,
        words=sent.words,
    )
    return {"intent": intent_view(intent)}


intents = json_view(GET=_intents)
continuation = json_view(GET=_continuation)
attempts = json_view(GET=_attempts)
decide = json_view(POST=_decide)
