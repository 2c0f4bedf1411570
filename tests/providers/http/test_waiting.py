"""How long vendors ask us to wait, in all the places where they say it."""

import time
from email.utils import formatdate

import pytest

from tests.providers.http.refusals import error, google, refusal


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry_after": "7"}, {}, 7),
        ({"Retry_After": "1.5"}, {}, 1.5),
        ({"retry_after": "7", "retry_after_ms": "250"}, {}, 0.25),
        ({"retry_after": "soon"}, {}, None),
        ({"retry_after": "-3"}, {}, None),
        ({"retry_after": "inf"}, {}, None),
        ({}, google("X", {"@type": "RetryInfo", "retryDelay": "34.07s"}), 34.07),
        ({}, google("X", {"@type": "RetryInfo", "retryDelay": "900ms"}), 0.9),
        ({}, error(message="Please try again in 1.2s. Contact us"), 1.2),
        ({}, error(message="Please try again in 20ms."), 0.02),
        ({}, error(message="Please try again in 1m30.5s."), 90.5),
        ({}, error(message="Please retry in 48.9s."), 48.9),
        ({}, error(message="Retry after 2 minutes"), 120),
        ({}, error(message="Limit 200, used 5 seconds ago"), None),
        ({}, error(message="x", resets_in_seconds=3600), 3600),
        ({"retry_after": "4"}, error(message="try again in 9s"), 4),
    ],
)
def test_the_wait_is_found_wherever_it_is_said(headers, body, seconds):
    assert refusal(body, 429, **headers).retry_after_s == seconds


def test_a_wait_may_be_a_date():
    at = formatdate(time.time() + 60, usegmt=True)
    assert 55 < refusal({}, 429, retry_after=at).retry_after_s <= 60
    past = formatdate(time.time() - 60, usegmt=True)
    assert refusal({}, 429, retry_after=past).retry_after_s == 0
    reset = error(message="x", resets_at=int(time.time()) + 100)
    assert 95 < refusal(reset, 429).retry_after_s <= 100
