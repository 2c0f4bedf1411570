"""The vendor's count of a request that is not sent: so many a minute for each person.

It costs nothing at OpenAI, Anthropic and Gemini, but is a request with the credential, in
limits of its own that all who share the credential share. Counted in this process alone:
it keeps a page or a script from asking all the time, and decides about no money.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from time import monotonic
from typing import Any

from context_app.assembly import schema_chars
from context_app.services import requests
from providers import provider as interface
from providers.errors import ProviderError
from sessions_app.errors import TooOften
from sessions_app.models import SavedAuthentication
from sessions_app.person import Person
from sessions_app.runs.context.look import Look

A_MINUTE = 20  # counts of one person
_MINUTE_S = 60.0

log = logging.getLogger(__name__)

_lock = threading.Lock()
_counts: dict[Any, deque[float]] = {}  # when each of a person's last ones was


def count(
    user: Person, found: Look, credential: SavedAuthentication, asked: dict[str, Any]
) -> int | None:
    """Ask for it, and let the estimate learn from it; None where the vendor gives none.

    Raises TooOften.
    """
    _admit(user)
    try:
        tokens = interface.count_tokens(
            credential.provider, credential.name, found.composed.messages, **asked
        )
    except ProviderError as exc:  # the estimate stands beside it
        log.info("context.not_counted", extra={"error": type(exc).__name__})
        return None
    # The emulator counts in its own way, under real models' names.
    if tokens is not None and not credential.is_demo:
        requests.learn(
            None,
            rate=requests.rate_of(credential.provider, credential),
            model=found.model,
            chars=found.composed.chars + schema_chars(asked.get("tools", ())),
            tokens=tokens,
        )
    return tokens


def _admit(user: Person) -> None:
    now = monotonic()
    with _lock:
        mine = _counts.setdefault(user.pk, deque(maxlen=A_MINUTE))
        if len(mine) == A_MINUTE and now - mine[0] < _MINUTE_S:
            wait_s = math.ceil(_MINUTE_S - (now - mine[0]))
            raise TooOften(
                f"The vendor counted {A_MINUTE} requests for you within a minute. Count "
                f"again in {wait_s} s; the estimate stands until then.",
                retry_after_s=wait_s,
            )
        mine.append(now)
