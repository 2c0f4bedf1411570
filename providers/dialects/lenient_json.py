"""JSON as vendors and compatible servers really write it; what is wrong costs a field.

Used by the decoders of every dialect: a stream is read as far as it makes sense.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec

from providers.events import MAX_TOKENS

# Whoever reads, stores or shows an answer follows it into its depth. Nothing that a model
# means is nested like this; what is, would end in the middle of a later piece of work.
MAX_DEPTH = 100

_decode = msgspec.json.Decoder().decode
# A whole text, closed or not, is one step: nothing is looked at twice.
_STEPS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{\]}]', re.DOTALL)


def is_too_deep(text: str) -> bool:
    """Whether JSON is nested more than MAX_DEPTH times."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False  # all that vendors send
    depth = 0
    for step in _STEPS.finditer(text):
        sign = text[step.start()]
        if sign in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif sign in "]}":
            depth -= 1
    return False


def loads(data: str | bytes | msgspec.Raw) -> Any:
    """JSON as vendors write it. Raises ValueError for what is not JSON at all.

    msgspec is strict: half a surrogate pair, NaN and raw control characters are errors.
    Compatible servers send all three, so its refusal is not the last word.
    """
    text = data if isinstance(data, str) else bytes(data).decode(errors="replace")
    if is_too_deep(text):
        raise ValueError("nested too deeply")
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        pass
    try:
        return _encodable(json.loads(text, strict=False))
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc


def _encodable(value: Any) -> Any:
    """The value without what UTF-8 cannot carry (half a surrogate pair) and JSON cannot
    say (NaN, infinity): no database would store it."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [_encodable(item) for item in value]
    if isinstance(value, dict):
        return {_encodable(key): _encodable(item) for key, item in value.items()}
    return value


def obj(value: Any) -> dict[str, Any]:
    """A JSON object out of anything: what is none becomes an empty one."""
    if isinstance(value, msgspec.Raw):
        try:
            value = loads(value) if bytes(value) else None
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}


def array(value: Any) -> list[Any]:
    """A JSON array out of anything: what is none becomes an empty one."""
    if isinstance(value, msgspec.Raw):
        try:
            value = loads(value) if bytes(value) else None
        except ValueError:
            return []
    return value if isinstance(value, list) else []


def string(value: Any) -> str:
    """A string out of anything: what is none becomes an empty one."""
    return value if isinstance(value, str) else ""


def count(value: Any) -> int | None:
    """A number of tokens, None where the vendor does not say, or cannot mean it."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return int(value) if 0 <= value <= MAX_TOKENS else None  # not infinite, not NaN


def parse_arguments(text: str) -> tuple[dict[str, Any], str | None]:
    """(arguments, None), or ({}, the text) when it is not a JSON object.

    No text at all is a call without arguments.
    """
    if not text.strip():
        return {}, None
    try:
        value = loads(text)
    except ValueError:
        return {}, text
    return (value, None) if isinstance(value, dict) else ({}, text)
