"""The form of a model's answer: the JSON Schema it is given, and the check of what came.

The schema keeps to what the structured outputs of all vendors take: objects whose properties
are all required, no further properties, enums of lower-case words, no limits, no unions.
What a vendor enforces is checked here again, because compatible servers enforce nothing.

Source: OpenAI "Structured Outputs" (supported schemas), Anthropic "Structured outputs"
(JSON Schema limitations), Gemini `responseJsonSchema`.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from providers.audit.report import CONFIDENCES, SEVERITIES, Confidence, Severity
from providers.audit.rules import RULES, nearest_rule

MAX_CLAIMS = 500  # of one answer; more is a model that repeats itself
MAX_TEXT_CHARS = 4_000
MAX_EVIDENCE_CHARS = 4_000


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a model says it found; nothing in it is proven. The order is the schema's."""

    rule: str
    severity: Severity
    confidence: Confidence
    file: str
    start_line: int
    end_line: int
    evidence: str
    explanation: str
    suggestion: str


class _Answer(msgspec.Struct, forbid_unknown_fields=True):
    findings: list[Claim]


class Misfit(Exception):
    """The answer has not the form it must have. The message is fit for the model."""


def output_schema() -> dict[str, Any]:
    """The schema as it is sent; a fresh object."""
    about = {
        "rule": {"type": "string", "enum": list(RULES)},
        "severity": {"type": "string", "enum": list(SEVERITIES)},
        "confidence": {"type": "string", "enum": list(CONFIDENCES)},
        "file": _text("The path of the file, as its header gives it."),
        "start_line": _number("Number of the first line of the evidence."),
        "end_line": _number("Number of the last line of the evidence."),
        "evidence": _text("The defective code, copied exactly, without line numbers."),
        "explanation": _text("What goes wrong, when, and what follows from it."),
        "suggestion": _text("How to correct it; empty where that is obvious."),
    }
    return _object({"findings": {"type": "array", "items": _object(about)}})


def read_answer(text: str) -> list[Claim]:
    """The claims of an answer. Raises Misfit with what is wrong, in words for the model."""
    data = _json(text)
    found = data.get("findings") if isinstance(data, dict) else None
    for claim in found if isinstance(found, list) else ():
        if isinstance(claim, dict):
            _settle_words(claim)
    try:
        answer = msgspec.convert(data, _Answer)
    except msgspec.ValidationError as exc:
        raise Misfit(str(exc)) from exc
    if len(answer.findings) > MAX_CLAIMS:
        raise Misfit(
            f"{len(answer.findings)} findings are too many. Report each defect once, at "
            f"most {MAX_CLAIMS}, the worst first."
        )
    return answer.findings


def _settle_words(claim: dict[str, Any]) -> None:
    """Vendors do not promise the case of enums; a coined rule is filed under its like."""
    for name in ("severity", "confidence"):
        if isinstance(claim.get(name), str):
            claim[name] = claim[name].strip().lower()
    if isinstance(claim.get("rule"), str):
        claim["rule"] = nearest_rule(claim["rule"])
    for name, limit in (
        ("explanation", MAX_TEXT_CHARS),
        ("suggestion", MAX_TEXT_CHARS),
        ("evidence", MAX_EVIDENCE_CHARS),
    ):
        if isinstance(claim.get(name), str):
            claim[name] = claim[name].replace("\0", "")[:limit]


def _json(text: str) -> Any:
    """The JSON object in a text; models wrap it in a fence where nobody forbids it."""
    fenced = re.search(r"```(?:json)?\s*\n(.*?)\n\s*```", text, re.DOTALL)
    begin, end = text.find("{"), text.rfind("}")
    candidates = [text, fenced[1] if fenced else "", text[begin : end + 1]]
    for candidate in candidates:
        try:
            return json.loads(candidate, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            continue
    raise Misfit("The answer is not one JSON object.")


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _number(description: str) -> dict[str, Any]:
    return {"type": "integer", "description": description}
