"""Who signed in at OpenAI, and the mode of every plan (AC-OA1)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.oauth.claims import claims
from providers.openai.plans import Account, account_of, mode_for, plan_label
from tests.providers.oauth.login_server import unsigned

AUTH = "https://api.openai.com/auth"
PROFILE = "https://api.openai.com/profile"

PLANS = {
    "free": ("chatgpt", "Free"),
    "go": ("chatgpt", "Go"),
    "plus": ("chatgpt", "Plus"),
    "pro": ("chatgpt", "Pro"),
    "prolite": ("chatgpt", "Pro Lite"),
    "team": ("chatgpt", "Team"),
    "business": ("api_key", "Business"),
    "self_serve_business_usage_based": ("api_key", "Business"),
    "enterprise": ("api_key", "Enterprise"),
    "hc": ("api_key", "Enterprise"),
    "enterprise_cbp_usage_based": ("api_key", "Enterprise"),
    "edu": ("api_key", "Edu"),
    "education": ("api_key", "Edu"),
    # Safe fallbacks: nothing is spent on a plan that we do not know.
    "": ("api_key", ""),
    "platinum": ("api_key", "platinum"),
    "free_workspace": ("api_key", "free_workspace"),
    "plus pro": ("api_key", "plus pro"),
    "unknown": ("api_key", "unknown"),
}


def account(auth: Any = None, **more: Any) -> Account:
    return account_of(unsigned({**({AUTH: auth} if auth is not None else {}), **more}))


@pytest.mark.parametrize(("plan", "found"), PLANS.items())
def test_every_plan_has_its_mode_and_name(plan: str, found: tuple[str, str]) -> None:
    for written in (plan, plan.upper(), plan.title(), f"  {plan}\t"):
        assert mode_for(written, "ada@example.com") == found[0]
    assert plan_label(plan) == found[1]


@pytest.mark.parametrize("plan", [p for p in PLANS if p and " " not in p])
def test_every_plan_is_read_from_the_token(plan: str) -> None:
    for written in (plan, plan.upper(), f" {plan} "):
        found = account({"chatgpt_plan_type": written})

        assert found.plan == plan
        assert found.mode == PLANS[plan][0]


@pytest.mark.parametrize("plan", [None, 5, True, [], ["plus"], {"name": "plus"}, ""])
def test_a_plan_that_is_no_word_is_unknown(plan: Any) -> None:
    found = account({"chatgpt_plan_type": plan})

    assert found.plan == ""
    assert found.mode == "api_key"


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize(
    "email", ["x@openai.com", " X@OpenAI.Com ", "a.b+c@openai.com", "x@OPENAI.COM\n"]
)
def test_an_employee_uses_chatgpt_whatever_the_plan(plan: str, email: str) -> None:
    assert mode_for(plan, email) == "chatgpt"


@pytest.mark.parametrize(
    "email",
    [
        "",
        "x",
        "openai.com",
        "@openai.com",
        " @openai.com",
        "x@openai.com.evil",
        "x@openai.com.evil.example",
        "x@evil-openai.com",
        "x@sub.openai.com",
        "x@openai.co",
        "x@openai.comm",
        "x@openai.com@evil.example",
        "x@evil.example@openai.com",
        "x@openai.com.",
        "x@openai。com",
        "x@οpenai.com",
        "x@openai.com, y@evil.example",
        "x@openai.com\x00",
    ],
)
def test_an_address_that_looks_like_theirs_is_not(email: str) -> None:
    assert mode_for("enterprise", email) == "api_key"
    assert mode_for("", email) == "api_key"
    assert account({"chatgpt_plan_type": "hc"}, email=email).mode == "api_key"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "not a token",
        "a.b",
        "a.b.c.d",
        "..",
        "a.!!!.c",
        "a.é.c",
        unsigned([]),
        unsigned("text"),
        unsigned(5),
        unsigned(None),
        unsigned({AUTH: "text", PROFILE: []}),
        "a." + "A" * 200_000 + ".c",
        "\ud800.\ud800.\ud800",
    ],
)
def test_a_token_that_says_nothing_gives_an_unknown_account(token: str) -> None:
    found = account_of(token)

    assert found == Account()
    assert found.mode == "api_key"
    assert found.facts() == {}


def test_no_token_at_all_gives_an_unknown_account() -> None:
    assert account_of() == Account()
    assert account_of("", "") == Account()


def test_the_access_token_tells_where_there_is_no_id_token() -> None:
    access = unsigned(
        {
            AUTH: {"chatgpt_plan_type": "pro", "chatgpt_account_id": "acc-1"},
            PROFILE: {"email": "ada@example.com"},
        }
    )

    for tokens in ((access,), ("", access), ("garbage", access)):
        found = account_of(*tokens)

        assert (found.plan, found.mode) == ("pro", "chatgpt")
        assert found.account_id == "acc-1"
        assert found.email == "ada@example.com"


def test_the_id_token_counts_before_the_access_token() -> None:
    first = unsigned({"email": "a@example.com", AUTH: {"chatgpt_plan_type": "plus"}})
    second = unsigned(
        {"email": "b@example.com", AUTH: {"chatgpt_plan_type": "hc", "user_id": "u-2"}}
    )

    found = account_of(first, second)

    assert (found.email, found.plan) == ("a@example.com", "plus")
    assert found.user_id == "u-2"  # what the first leaves out, the second adds


def test_everything_a_token_says_is_kept_as_facts() -> None:
    found = account(
        {
            "chatgpt_plan_type": "team",
            "chatgpt_account_id": "acc-1",
            "chatgpt_user_id": "user-1",
            "user_id": "user-2",
            "organization_id": "org-1",
            "project_id": "proj-1",
        },
        email="ada@example.com",
    )

    assert found.user_id == "user-1"
    assert found.facts() == {
        "email": "ada@example.com",
        "account_id": "acc-1",
        "plan": "Team",
        "organization": "org-1",
        "project": "proj-1",
    }


@pytest.mark.parametrize(
    ("top", "auth", "found"),
    [
        ({"chatgpt_account_id": "top"}, {"chatgpt_account_id": "auth"}, "top"),
        ({}, {"chatgpt_account_id": "auth", "organizations": [{"id": "o"}]}, "auth"),
        ({}, {"organizations": [{"id": "org-1"}, {"id": "org-2"}]}, "org-1"),
        ({}, {"organizations": [None, 5, {}, {"id": 7}, {"id": "org-2"}]}, "org-2"),
        ({"chatgpt_account_id": 5}, {"chatgpt_account_id": "auth"}, "auth"),
        ({"chatgpt_account_id": ""}, {"chatgpt_account_id": "auth"}, "auth"),
        ({}, {"organizations": 5}, ""),
        ({}, {"organizations": "org-1"}, ""),
        ({}, {"organizations": {"id": "org-1"}}, ""),
        ({}, {}, ""),
    ],
)
def test_an_account_id_is_found_where_it_may_be(
    top: dict[str, Any], auth: dict[str, Any], found: str
) -> None:
    assert account(auth, **top).account_id == found


@pytest.mark.parametrize(
    "value", ["a\r\nX-Evil: 1", "a b", "a\x00", "é", "a\u2028b", "x" * 255, "\x7f", " "]
)
@pytest.mark.parametrize(
    "claim", ["chatgpt_account_id", "organization_id", "project_id"]
)
def test_what_cannot_be_a_header_is_not_taken(claim: str, value: str) -> None:
    found = account({claim: value})

    assert found.facts() == {}


def test_an_unsafe_value_gives_way_to_the_next() -> None:
    found = account(
        {"chatgpt_account_id": "acc\n1", "organizations": [{"id": "org-1"}]}
    )

    assert found.account_id == "org-1"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["chatgpt_account_id", "chatgpt_plan_type", "organizations", "organization_id"]
)


@given(JSON, st.dictionaries(NAMES, JSON), JSON)
def test_no_claim_makes_it_stumble(email: Any, auth: Any, profile: Any) -> None:
    found = account_of(unsigned({"email": email, AUTH: auth, PROFILE: profile}))

    assert all(
        c.isprintable() and c.isascii() for v in found.facts().values() for c in v
    )


@given(st.text())
def test_no_text_makes_the_reading_of_claims_stumble(text: str) -> None:
    assert claims(text) == {} or isinstance(claims(text), dict)
    assert account_of(text).mode == "api_key" or "." in text
