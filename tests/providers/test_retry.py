"""Whether, when and how a failed request is made again: every class, every limit."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import errors
from providers.events import ErrorInfo
from providers.retry import Attempted, Limits, RetryClass, classify, decide

LIMITS = Limits()
FIRST = Attempted(attempts=1, elapsed_s=0.0)


def info(kind, **fields):
    return ErrorInfo(kind=kind.__name__, message="it failed", **fields)


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        (errors.CredentialExpired, 401, RetryClass.AUTH),
        (errors.CredentialRejected, 401, RetryClass.AUTH),
        (errors.RateLimited, 429, RetryClass.RATE_LIMIT),
        (errors.QuotaExhausted, 429, RetryClass.LIMITED),
        (errors.Overloaded, 529, RetryClass.OVERLOADED),
        (errors.ProviderUnavailable, 500, RetryClass.SERVER),
        (errors.ProviderUnavailable, None, RetryClass.NETWORK),
        (errors.StreamCut, None, RetryClass.CUT),
        (errors.StreamStalled, None, RetryClass.CUT),
        (errors.StaleState, 400, RetryClass.STALE_STATE),
        (errors.RequestRejected, 400, RetryClass.PERMANENT),
        (errors.ContextTooLong, 400, RetryClass.PERMANENT),
        (errors.ContentBlocked, 400, RetryClass.PERMANENT),
        (errors.ModelNotFound, 404, RetryClass.PERMANENT),
        (errors.PermissionRefused, 403, RetryClass.PERMANENT),
        (errors.ConfigurationError, None, RetryClass.PERMANENT),
        (errors.ProtocolError, 200, RetryClass.PERMANENT),
        (errors.ProviderError, None, RetryClass.PERMANENT),
    ],
)
def test_every_error_has_its_class(kind, status, expected):
    assert classify(info(kind, status=status)) is expected


def test_an_error_of_a_newer_version_is_permanent():
    assert classify(ErrorInfo(kind="SomethingNew", message="?")) is RetryClass.PERMANENT


def test_the_text_of_an_error_decides_nothing():
    told = ErrorInfo(
        kind="RequestRejected", message="overloaded, rate limit, try again in 1 s"
    )
    assert decide(told, FIRST, LIMITS).action == "stop"


@pytest.mark.parametrize("kind", [errors.CredentialRejected, errors.ContentBlocked])
def test_what_repeating_cannot_mend_is_not_repeated(kind):
    assert decide(info(kind), FIRST, LIMITS).action == "stop"


@pytest.mark.parametrize(
    "kind",
    [
        errors.Overloaded,
        errors.ProviderUnavailable,
        errors.StreamCut,
        errors.RateLimited,
    ],
)
def test_the_wait_doubles_and_has_a_ceiling(kind):
    class Highest(random.Random):
        def random(self):
            return 1.0

    waits = [
        decide(
            info(kind, status=503),
            Attempted(attempts=n, elapsed_s=0.0),
            Limits(attempts=99),
            jitter=Highest(),
        ).wait_s
        for n in range(1, 8)
    ]
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


@given(st.integers(0, 2**32), st.integers(1, 4))
def test_a_random_half_is_taken_off(seed, attempts):
    decision = decide(
        info(errors.Overloaded, status=529),
        Attempted(attempts=attempts, elapsed_s=0.0),
        LIMITS,
        jitter=random.Random(seed),
    )
    whole = 2 ** (attempts - 1)
    assert whole / 2 <= decision.wait_s <= whole


def test_a_vendor_that_names_a_wait_gets_it():
    error = info(errors.RateLimited, status=429, retry_after_s=12.5)
    decision = decide(error, FIRST, LIMITS)
    assert (decision.action, decision.wait_s) == ("retry", 12.5)


def test_no_time_at_all_is_still_a_moment():
    error = info(errors.RateLimited, status=429, retry_after_s=0.0)
    assert decide(error, FIRST, LIMITS).wait_s >= 0.5


def test_a_long_wait_is_a_limit_and_no_wait():
    error = info(errors.RateLimited, status=429, retry_after_s=3600)
    assert decide(error, FIRST, LIMITS).action == "limited"


def test_it_is_tried_so_often_and_no_longer():
    error = info(errors.Overloaded, status=503)
    limits = Limits(attempts=3, total_s=10)
    assert decide(error, Attempted(attempts=2, elapsed_s=0), limits).action == "retry"
    assert decide(error, Attempted(attempts=3, elapsed_s=0), limits).action == "stop"
    assert decide(error, Attempted(attempts=1, elapsed_s=9.9), limits).action == "stop"


def test_old_notes_are_dropped_once():
    error = info(errors.StaleState, status=400)
    assert decide(error, FIRST, LIMITS).action == "drop_state"
    dropped = Attempted(attempts=2, elapsed_s=0, stale_dropped=True)
    assert decide(error, dropped, LIMITS).action == "stop"


@pytest.mark.parametrize(
    "kind", [errors.StreamCut, errors.Overloaded, errors.RateLimited]
)
def test_what_was_seen_is_never_asked_for_again(kind):
    seen = Attempted(attempts=1, elapsed_s=0, has_output=True)
    assert decide(info(kind), seen, LIMITS).action == "go_on"
    used_up = info(errors.QuotaExhausted)
    assert decide(used_up, seen, LIMITS).action == "stop"


@given(
    st.sampled_from([c.__name__ for c in errors._tree(errors.ProviderError).values()]),
    st.integers(1, 100),
    st.floats(0, 1e6),
    st.booleans(),
    st.one_of(st.none(), st.floats(0, 1e7)),
)
def test_every_decision_ends(kind, attempts, elapsed_s, has_output, retry_after_s):
    """Whatever comes, the number of requests and the time are bounded."""
    error = ErrorInfo(kind=kind, message="x", retry_after_s=retry_after_s)
    so_far = Attempted(attempts=attempts, elapsed_s=elapsed_s, has_output=has_output)
    decision = decide(error, so_far, LIMITS)
    if decision.action == "retry":
        assert attempts < LIMITS.attempts
        assert elapsed_s + decision.wait_s <= LIMITS.total_s
        assert not has_output
