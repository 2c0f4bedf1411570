"""Body fields that some servers refuse, and which ones did: per origin, per process.

OpenAI-compatible servers answer 400 to fields they do not know.
A dialect marks such fields as optional; `client.py` asks again without the one that was
named, and what helped is remembered until the process ends.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Sequence
from typing import Any

from providers.errors import (
    ContentBlocked,
    ContextTooLong,
    ModelNotFound,
    ProviderError,
    RequestRejected,
    StaleState,
)

_lock = threading.Lock()
_refused: dict[str, frozenset[str]] = {}


def leave_out(body: dict[str, Any], origin: str, optional: Iterable[str]) -> None:
    """Take from `body` what `origin` has refused before."""
    known = _refused.get(origin, frozenset())
    for name in optional:
        if name in known:
            body.pop(name, None)


def refused(error: ProviderError, body: dict[str, Any], optional: Iterable[str]) -> str:
    """The optional field of `body` that this error is about, or an empty string."""
    if error.status not in (400, 422) or not isinstance(error, RequestRejected):
        return ""
    if isinstance(error, ContextTooLong | ModelNotFound | ContentBlocked | StaleState):
        return ""
    said = f"{error.vendor_message or ''} {error.vendor_code or ''}"
    for name in optional:
        if name in body and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", said):
            return name
    return ""


def remember(origin: str, names: Sequence[str]) -> None:
    """`origin` took the request once these were gone."""
    if not names:
        return
    with _lock:
        _refused[origin] = _refused.get(origin, frozenset()) | frozenset(names)


def forget() -> None:
    """Ask every server again (tests; a server was upgraded)."""
    with _lock:
        _refused.clear()
