"""When a token is too old to begin with, and what a renewal leaves as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.oauth.tokens import (
    SWEEP_S,
    Tokens,
    early_s,
    expires_soon,
    is_expired,
    margin_s,
    renewed,
)
from providers.types import Credential, Secret

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def credential(left_s: float | None, life_s: float | None = 3600) -> Credential:
    ends = None if left_s is None else (NOW + timedelta(seconds=left_s)).isoformat()
    return Credential(
        provider="openai",
        auth_type="oauth",
        name="work",
        secrets={"access_token": Secret("at-1"), "refresh_token": Secret("rt-1")},
        metadata={"email": "ada@example.com", "plan": "Plus"}
        | ({"lifetime_s": str(life_s)} if life_s is not None else {}),
        expires_at=ends,
    )


def tokens(**more: Any) -> Tokens:
    fields: dict[str, Any] = {"access_token": Secret("at-2"), "received_at": NOW}
    return Tokens(**{**fields, **more})


@pytest.mark.parametrize(
    ("life_s", "left_s", "is_soon"),
    [
        (3600, 181, False),
        (3600, 179, True),  # 5 % of an hour
        (864_000, 43_201, False),
        (864_000, 43_199, True),
        (300, 61, False),
        (300, 59, True),  # at least a minute
        (60, 31, False),
        (60, 29, True),  # of a short life, half of it
        (3600, 0, True),
        (3600, -5, True),
        (3600, None, False),  # unknown: a 401 tells
    ],
)
def test_a_token_is_renewed_before_its_last_twentieth(
    life_s: float, left_s: float | None, is_soon: bool
) -> None:
    assert expires_soon(credential(left_s, life_s), NOW) is is_soon


def test_a_life_that_nobody_knows_is_an_hour() -> None:
    assert not expires_soon(credential(181, None), NOW)
    assert expires_soon(credential(179, None), NOW)


def test_a_token_is_expired_at_its_end() -> None:
    assert not is_expired(credential(1), NOW)
    assert is_expired(credential(0), NOW)
    assert not is_expired(credential(None), NOW)


@given(st.floats(1, 400 * 86_400))
def test_the_schedule_comes_before_the_margin_and_both_within_the_life(
    life_s: float,
) -> None:
    assert 0 < margin_s(life_s) <= life_s / 2
    assert margin_s(life_s) <= early_s(life_s) <= life_s
    if life_s >= 600:
        assert early_s(life_s) >= margin_s(life_s) + SWEEP_S
        assert margin_s(life_s) >= max(60, 0.05 * life_s)


def test_a_renewal_counts_from_when_it_came() -> None:
    fresh = renewed(credential(5), tokens(lifetime_s=7200.0))

    assert fresh.expires_at == (NOW + timedelta(hours=2)).isoformat()
    assert fresh.metadata["lifetime_s"] == "7200"
    assert fresh.secret("access_token") == "at-2"


def test_a_refresh_token_stays_until_a_new_one_comes() -> None:
    kept = renewed(credential(5), tokens())
    replaced = renewed(credential(5), tokens(refresh_token=Secret("rt-2")))

    assert kept.secret("refresh_token") == "rt-1"
    assert replaced.secret("refresh_token") == "rt-2"


def test_an_id_token_is_not_kept() -> None:
    fresh = renewed(credential(5), tokens(id_token=Secret("idt")))

    assert set(fresh.secrets) == {"access_token", "refresh_token"}


def test_a_new_token_without_a_life_has_none() -> None:
    fresh = renewed(credential(5), tokens())

    assert fresh.expires_at is None
    assert "lifetime_s" not in fresh.metadata


def test_an_access_token_that_stays_grows_no_younger() -> None:
    old = credential(5)

    fresh = renewed(old, tokens(access_token=Secret("at-1")))

    assert fresh.expires_at == old.expires_at
    assert fresh.metadata["lifetime_s"] == "3600"


def test_facts_stay_unless_they_are_said_anew_or_taken_away() -> None:
    fresh = renewed(credential(5), tokens(scope="a"), {"plan": "Pro", "email": ""})

    assert fresh.metadata["plan"] == "Pro"
    assert fresh.metadata["scope"] == "a"
    assert "email" not in fresh.metadata
