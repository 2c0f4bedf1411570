"""Masks what looks like a secret in text that we did not write.

Used on vendors' sentences before they are kept, and by the last step of logging. A net
below the rule, not the rule: secrets are not put into messages in the first place.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "[redacted]"
_MIN_SECRET = 6  # shorter ones are words: a local server's "none" hides nothing

_PATTERNS = (
    # Keys and tokens by their prefixes.
    re.compile(
        r"\b(?:sk|pk|rk|gsk|xai|hf|key|oaiapp|ghp|gho|r8)[-_][A-Za-z0-9_\-]{8,}"
    ),
    re.compile(r"\bAIza[A-Za-z0-9_\-]{10,}"),
    re.compile(r"\bAQ\.[A-Za-z0-9_\-]{8,}"),
    re.compile(r"\bya29\.[A-Za-z0-9_\-.]{6,}"),
    re.compile(r"\b1//[A-Za-z0-9_\-]{8,}"),
    re.compile(r"\beyJ[A-Za-z0-9_\-]{6,}(?:\.[A-Za-z0-9_\-]*){1,4}"),  # JWT
)
_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9+/=_.\-~]{6,}", re.IGNORECASE)
_NAMED = re.compile(
    r"""(?P<name>\b(?:api[_-]?key|x-api-key|x-goog-api-key|key|access[_-]?token|
    refresh[_-]?token|id[_-]?token|client[_-]?secret|code[_-]?verifier|token|secret|
    password|authorization)["']?\s*[=:]\s*["']?)(?P<value>[^\s"'&,;]{6,})""",
    re.IGNORECASE | re.VERBOSE,
)
_USERINFO = re.compile(r"(://)[^/\s@:]+:[^/\s@]+@")
# A cheap look before the expensive ones: most text holds none of these.
_HINTS = re.compile(r"[-_=:]|AIza|AQ\.|ya29\.|1//|eyJ|bearer|basic|://", re.IGNORECASE)


def redact(text: str, *, limit: int | None = None) -> str:
    """`text` with secrets masked, cut to `limit` characters with an ellipsis."""
    if limit is not None and len(text) > 4 * limit:
        text = text[: 4 * limit]
    if _HINTS.search(text):
        text = _USERINFO.sub(rf"\1{MASK}@", text)
        text = _BEARER.sub(rf"\1 {MASK}", text)
        for pattern in _PATTERNS:
            text = pattern.sub(MASK, text)
        text = _NAMED.sub(_mask_value, text)
    if limit is not None and len(text) > limit:
        text = text[: limit - 1].rstrip() + "…"
    return text


def without(text: str, secrets: Iterable[str]) -> str:
    """`text` with these very secrets masked, as they are and as JSON or URLs write them.

    For what a vendor repeats of the request: its keys may look like anything.
    """
    for secret in secrets:
        if len(secret) >= _MIN_SECRET and text:
            for spelling in {secret, json.dumps(secret)[1:-1], quote(secret, safe="")}:
                text = text.replace(spelling, MASK)
    return text


def _mask_value(match: re.Match[str]) -> str:
    value = match["value"]
    if value.startswith((MASK, "Bearer", "bearer", "*")) or value.isalpha():
        return match[0]  # a word of a sentence ("key: invalid"), or masked already
    return match["name"] + MASK
