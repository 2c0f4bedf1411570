"""Whether a failed attempt is made again, when, and in which way. Pure.

Decided from the error class alone, never from its text. Called by the run's step, which
waits visibly and stoppably; nothing here sleeps. docs/retries.md is the table for people.

    before anything was shown     what is transient is tried again, within limits
    after text, or a tool, came   never silently: continued only as the vendor documents
                                  it, else kept and offered
"""

from __future__ import annotations

import random
from enum import StrEnum

import msgspec

from providers import errors
from providers.errors import ProviderError, from_info
from providers.events import ErrorInfo


class RetryClass(StrEnum):
    """Why an attempt failed, as far as the next step depends on it."""

    AUTH = "auth"  # renewed once below this level; a second refusal is for a person
    RATE_LIMIT = "rate_limit"
    LIMITED = "limited"  # a limit that lasts: a state, not a wait
    OVERLOADED = "overloaded"
    SERVER = "server"
    NETWORK = "network"  # nothing had come
    CUT = "cut"  # the answer broke off
    STALE_STATE = "stale_state"
    PERMANENT = "permanent"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much is tried. Times in seconds; `attempts` counts the first one.

    `longest_wait_s`: a vendor that asks for more gets a state ("limited") instead.
    """

    attempts: int = 5
    total_s: float = 180.0
    base_s: float = 1.0
    cap_s: float = 30.0
    longest_wait_s: float = 60.0


class Attempted(msgspec.Struct, frozen=True, kw_only=True):
    """What has happened so far: attempts made, seconds since the first, what was seen.

    `has_output`: text was shown or a tool was run since the request was sent.
    """

    attempts: int
    elapsed_s: float
    has_output: bool = False
    stale_dropped: bool = False


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What to do now. `why` says it in words that follow a colon.

    retry       the same request after `wait_s`
    drop_state  the same request without opaque state, at once, once
    go_on       ask the vendor to continue what it has said, if it documents how
    limited     no wait that a person should sit through; failover, or later
    stop        an end
    """

    action: str
    kind: RetryClass
    wait_s: float = 0.0
    why: str = ""


_CLASSES: tuple[tuple[type[ProviderError], RetryClass], ...] = (
    # The first that fits; children before their parents.
    (errors.StaleState, RetryClass.STALE_STATE),
    (errors.CredentialExpired, RetryClass.AUTH),
    (errors.CredentialRejected, RetryClass.AUTH),
    (errors.QuotaExhausted, RetryClass.LIMITED),
    (errors.RateLimited, RetryClass.RATE_LIMIT),
    (errors.Overloaded, RetryClass.OVERLOADED),
    (errors.StreamStalled, RetryClass.CUT),
    (errors.StreamCut, RetryClass.CUT),
    (errors.ProviderUnavailable, RetryClass.SERVER),
)


def classify(error: ErrorInfo) -> RetryClass:
    """The class of an error; whatever is not known to be transient is permanent."""
    found = from_info(error)
    for kind, name in _CLASSES:
        if isinstance(found, kind):
            if name is RetryClass.SERVER and error.status is None:
                return RetryClass.NETWORK
            return name
    return RetryClass.PERMANENT


def decide(
    error: ErrorInfo,
    so_far: Attempted,
    limits: Limits,
    *,
    jitter: random.Random | None = None,
) -> Decision:
    """What to do after an attempt failed like this."""
    kind = classify(error)
    if kind in (RetryClass.PERMANENT, RetryClass.AUTH):
        return Decision(action="stop", kind=kind, why=error.message)
    if so_far.has_output:
        return Decision(
            action="go_on" if kind is not RetryClass.LIMITED else "stop",
            kind=kind,
            why="the answer had begun",
        )
    if kind is RetryClass.STALE_STATE:
        action = "stop" if so_far.stale_dropped else "drop_state"
        return Decision(action=action, kind=kind, why="old notes of the model's")
    if kind is RetryClass.LIMITED:
        return Decision(action="limited", kind=kind, why=error.message)
    wait_s = _wait_s(error, so_far, limits, jitter or random.SystemRandom())
    return _again(error, kind, wait_s, so_far, limits)


def _again(
    error: ErrorInfo,
    kind: RetryClass,
    wait_s: float,
    so_far: Attempted,
    limits: Limits,
) -> Decision:
    """A transient failure before anything was shown: within limits, once more."""
    if wait_s > limits.longest_wait_s:
        return Decision(
            action="limited", kind=RetryClass.LIMITED, wait_s=wait_s, why=error.message
        )
    if so_far.attempts >= limits.attempts:
        return Decision(action="stop", kind=kind, why="it was tried often enough")
    if so_far.elapsed_s + wait_s > limits.total_s:
        return Decision(action="stop", kind=kind, why="it took too long")
    return Decision(action="retry", kind=kind, wait_s=wait_s, why=_WORDS[kind])


_WORDS = {
    RetryClass.RATE_LIMIT: "too many requests",
    RetryClass.OVERLOADED: "the vendor has too much to do",
    RetryClass.SERVER: "the vendor had an error",
    RetryClass.NETWORK: "the vendor could not be reached",
    RetryClass.CUT: "the connection broke",
}


def _wait_s(
    error: ErrorInfo, so_far: Attempted, limits: Limits, dice: random.Random
) -> float:
    """What the vendor asks for, but never no time at all; else exponential with jitter.

    Full jitter on the upper half: between 50 and 100 % of base × 2^n, so that many
    clients of one outage do not come back together.
    """
    doubled: float = limits.base_s * 2.0 ** max(so_far.attempts - 1, 0)
    grown = min(doubled, limits.cap_s)
    own = grown * (0.5 + dice.random() / 2)
    asked = error.retry_after_s
    if asked is None:
        return own
    return max(asked, min(own, limits.base_s / 2))
