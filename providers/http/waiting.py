"""How long a vendor asks us to wait, from headers, bodies and sentences. Pure.

Called by `providers/error_bodies.py`. From the vendors' pages about rate limits. Seconds,
never negative.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

_DURATION = re.compile(
    r"(\d+(?:\.\d+)?)\s*(ms|milliseconds?|h|hours?|m|min|minutes?|s|sec|seconds?)(?![a-z])"
)
_SENTENCE = re.compile(
    r"(?:try again|retry|wait|available|resets?)(?: again)? (?:in|after|for|at least)?\s*"
    r"((?:\d+(?:\.\d+)?\s*(?:ms|milliseconds?|h|hours?|m|min|minutes?|s|sec|seconds?)"
    r"(?![a-z])[\s,]*(?:and\s+)?)+)",
    re.IGNORECASE,
)
_UNIT_S = {"ms": 0.001, "mi": 60.0, "m": 60.0, "h": 3600.0, "s": 1.0}


def retry_after_s(
    headers: Mapping[str, str], error: Mapping[str, Any], message: str
) -> float | None:
    """The wait that is asked for; None when nothing asks. `headers` in lower case.

    Order: retry-after-ms, retry-after, what the body says, what the sentence says.
    """
    for found in (
        _scaled(headers.get("retry-after-ms"), 0.001),
        _retry_after(headers.get("retry-after")),
        _from_body(error),
        _until(headers.get("anthropic-ratelimit-unified-reset")),
        _from_sentence(message),
    ):
        if found is not None and math.isfinite(found):
            return max(round(found, 3), 0.0)
    return None


def duration_s(text: str) -> float | None:
    """Seconds of "34.07s", "900ms", "6m0s", "1 minute"; None for anything else."""
    parts = _DURATION.findall(text.lower())
    if not parts:
        return None
    return sum(float(n) * _UNIT_S[_unit(unit)] for n, unit in parts)


def _unit(word: str) -> str:
    if word == "ms" or word.startswith("milli"):
        return "ms"
    return word[0]


def _from_body(error: Mapping[str, Any]) -> float | None:
    details = error.get("details")
    for detail in details if isinstance(details, list) else []:
        if isinstance(detail, dict) and isinstance(detail.get("retryDelay"), str):
            return duration_s(detail["retryDelay"])
    for name in ("resets_in_seconds", "retry_after", "retry_after_seconds"):
        found = _scaled(error.get(name), 1.0)
        if found is not None:
            return found
    metadata = error.get("metadata")
    headers = metadata.get("headers") if isinstance(metadata, dict) else None
    if isinstance(headers, dict):
        found = _scaled(headers.get("X-RateLimit-Reset"), 0.001)  # epoch milliseconds
        return found - time.time() if found is not None else None
    return _until(error.get("resets_at"))


def _from_sentence(message: str) -> float | None:
    found = _SENTENCE.search(message)
    return duration_s(found[1]) if found else None


def _retry_after(value: str | None) -> float | None:
    """Seconds or an HTTP date (RFC 9110 section 10.2.3)."""
    seconds = _scaled(value, 1.0)
    if seconds is not None or not value:
        return seconds
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return duration_s(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment.timestamp() - time.time(), 0.0)


def _until(value: Any) -> float | None:
    """Seconds until a Unix time."""
    moment = _scaled(value, 1.0)
    return None if moment is None else max(moment - time.time(), 0.0)


def _scaled(value: Any, factor: float) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number * factor if math.isfinite(number) and number >= 0 else None
