"""A run that is over as one JSON document: what a command prints for a program.

Called by `manage.py chat --json`.
"""

from __future__ import annotations

from typing import Any

from sessions_app.models import Run

_COUNTS = ("input_tokens", "output_tokens", "cached_input_tokens", "reasoning_tokens")


def document(run: Run) -> dict[str, Any]:
    """A run that is over, with its stored answer, as plain data."""
    parts: list[dict[str, Any]] = run.answer.parts
    usage = run.usage or {}
    return {
        "text": _joined(parts, "text"),
        "reasoning": _joined(parts, "reasoning"),
        "refusal": _joined(parts, "refusal"),
        "tool_calls": [_call(part) for part in parts if part["type"] == "tool_call"],
        "citations": [c for part in parts for c in part.get("citations", ())],
        "usage": {name: usage.get(name) for name in _COUNTS} if usage else None,
        "usage_is_estimate": bool(usage.get("is_estimate")),
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
