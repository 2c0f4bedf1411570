"""Following a run without a socket: a plain generator of its events, and its result.

Called by commands and tests. It works from any process: what this process does not
remember it reads from the stored log.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from providers.events import Event
from sessions_app.models import Run
from sessions_app.runs import live, tail
from sessions_app.runs.batches import Batch

POLL_S = 0.03
POLL_ELSEWHERE_S = 0.25
EAGER_S = 1.0  # a run that was just asked for is claimed in a moment, perhaps here

_COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")


def follow(run_id: UUID) -> Iterator[list[Event]]:
    """Its events in order, in batches, until it is over. Waits as long as it takes."""
    position: tail.Position = (0, 0)
    eager_until = time.monotonic() + EAGER_S
    while True:
        is_here = live.find(run_id) is not None
        # Asked before the log is read: what comes after the end is not missed.
        is_over = not is_here and not Run.objects.filter(pk=run_id).active().exists()
        found = tail.read(run_id, position)
        for item in found.items:
            if isinstance(item, Batch):
                position = (item.epoch, item.last)
                yield item.decoded()
            else:
                position = (item.epoch, item.seq)
        if is_over and found.is_whole and not found.items:
            return
        if not found.items:
            is_eager = is_here or time.monotonic() < eager_until
            time.sleep(POLL_S if is_eager else POLL_ELSEWHERE_S)


def document(run: Run) -> dict[str, Any]:
    """A run that is over, with its stored answer, as plain data for `--json`."""
    parts: list[dict[str, Any]] = run.answer.parts
    usage = run.usage or {}
    return {
        "text": _joined(parts, "text"),
        "reasoning": _joined(parts, "reasoning"),
        "refusal": _joined(parts, "refusal"),
        "tool_calls": [_call(part) for part in parts if part["type"] == "tool_call"],
        "citations": [c for part in parts for c in part.get("citations", ())],
        "usage": {name: usage.get(name) for name in _COUNTS} if usage else None,
        "usage_raw": usage.get("raw", {}) if usage else None,
        "stop_reason": run.stop_reason or None,
        "stop_reason_raw": run.stop_reason_raw or None,
        "error": _error(run),
        "status": run.status,
        "cause": run.cause,
        "provider": run.provider,
        "credential": run.credential_name,
        "model": run.model,
        "cost_usd": str(run.cost_usd) if run.cost_usd is not None else None,
        "price_date": run.price_date or None,
        "run_id": str(run.pk),
        "conversation_id": str(run.conversation_id),
        "message_id": str(run.answer_id),
    }


def _joined(parts: list[dict[str, Any]], kind: str) -> str:
    return "".join(part.get("text", "") for part in parts if part["type"] == kind)


def _call(part: dict[str, Any]) -> dict[str, Any]:
    call = {
        "id": part["call_id"],
        "name": part["name"],
        "arguments": part["arguments"],
    }
    if part.get("arguments_raw") is not None:
        call["arguments_raw"] = part["arguments_raw"]
    return call


def _error(run: Run) -> dict[str, Any] | None:
    """The vendor's words where it has any, with ours and what kind it is."""
    error = run.error
    if not error:
        return None
    return {
        "type": error.get("vendor_type") or error.get("vendor_code") or error["kind"],
        "message": error.get("vendor_message") or error["message"],
        "kind": error["kind"],
        "advice": error["message"],
        "status": error.get("status"),
        "request_id": error.get("request_id"),
        "retry_after_s": error.get("retry_after_s"),
    }
