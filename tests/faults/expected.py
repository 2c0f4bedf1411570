"""What a recording says a person must see, held against what they see.

Source: the `expected` of each recording (its README says what the keys mean). Numbers and
stop reasons there are the vendor's own, so they are compared with our raw ones.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from sessions_app.models import Run
from tests.faults.asking import joined
from tests.recordings import Recording


def is_failure(recording: Recording) -> bool:
    """Whether it ends in an error or is cut."""
    return recording.expected["error"] is not None or _is_cut(recording)


def _is_cut(recording: Recording) -> bool:
    return "truncated" in recording.facts["tags"]


def check_words(recording: Recording, parts: list[dict[str, Any]]) -> None:
    """Text, reasoning, refusal and calls of a message's parts are the recorded ones."""
    expected = recording.expected
    assert joined(parts, "text") == expected["text"]
    assert joined(parts, "reasoning") == expected["reasoning"]
    assert joined(parts, "refusal") == expected.get("refusal", "")
    calls = [
        {"id": part["call_id"], "name": part["name"], "arguments": part["arguments"]}
        for part in parts
        if part["type"] == "tool_call"
    ]
    check_calls(recording, calls)
    citations = [c for part in parts for c in part.get("citations", ())]
    check_citations(recording, citations)


def check_calls(recording: Recording, calls: list[dict[str, Any]]) -> None:
    """Ids (where the vendor gave one), names and arguments, in order."""
    wanted = recording.expected["tool_calls"]
    assert [(c["name"], c["arguments"]) for c in calls] == [
        (c["name"], c["arguments"]) for c in wanted
    ]
    for call, want in zip(calls, wanted, strict=True):
        assert call["id"] == want["id"] if want["id"] else call["id"]


def check_citations(recording: Recording, citations: list[dict[str, Any]]) -> None:
    """As many, with the same addresses and, where recorded, the same words."""
    wanted = recording.expected.get("citations", [])
    assert [c.get("url") for c in citations] == [c["url"] for c in wanted]
    for citation, want in zip(citations, wanted, strict=True):
        for name in {"title", "cited_text"} & set(want):
            assert citation[name] == want[name]


def check_usage(recording: Recording, usage: dict[str, Any] | None) -> None:
    """The vendor's own object is kept; no usage on the wire is no usage here."""
    expected = recording.expected
    if expected["usage"] is None:
        assert usage is None
        return
    assert usage is not None
    if "usage_raw" in expected:
        assert usage == expected["usage_raw"]


def check_stop(recording: Recording, raw: str | None) -> None:
    """The vendor's own word for how it ended."""
    expected = recording.expected
    assert raw in expected.get("stop_reason_any_of", [expected["stop_reason"]])


def check_error(recording: Recording, error: dict[str, Any] | None) -> None:
    """The `error` of a document: the vendor's type and words, and advice of ours."""
    expected = recording.expected["error"]
    if not is_failure(recording):
        assert error is None
        return
    assert error is not None
    assert error["advice"].endswith(".")
    if expected is None:
        assert error["kind"] == "StreamCut"
        return
    assert expected["message"] in error["message"]
    assert error["type"] in (expected["type"], str(expected["code"]))


def check_run(recording: Recording, run: Run) -> None:
    """The row says how it ended, in the vendor's words and in ours."""
    if is_failure(recording):
        assert run.status == Run.Status.FAILED
        assert run.error is not None
        assert run.cause == run.error["message"][:200]
        wanted = recording.expected["error"]
        if wanted is not None:
            assert wanted["message"] in run.error["vendor_message"]
    else:
        assert (run.status, run.error, run.cause) == (Run.Status.DONE, None, "")
    check_usage(recording, run.usage["raw"] if run.usage else None)
    check_stop(recording, run.stop_reason_raw or None)
    assert run.finished_at is not None


def check_kept_state(recording: Recording, parts: list[dict[str, Any]]) -> None:
    """Signatures and encrypted reasoning are stored as they came."""
    kept = {
        (len(text), sha256(text.encode()).hexdigest())
        for part in parts
        for text in _strings(part.get("state"))
    }
    for signature in recording.expected.get("reasoning_signatures", ()):
        assert (signature["len"], signature["sha256"]) in kept


def _strings(value: Any) -> list[str]:
    """Every string inside a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    inside = value if isinstance(value, list) else []
    return [text for item in inside for text in _strings(item)]
