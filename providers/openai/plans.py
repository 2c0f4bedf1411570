"""Who signed in at OpenAI, and in which mode their login is used.

Two modes stand behind one login: **ChatGPT mode** spends the plan of a person's ChatGPT
account, **API-key mode** trades the login for a platform key that is billed per token.
Consumer plans go to ChatGPT; organisations, and whatever we do not know, get a key,
because their administrators decide there what may be used and it is billed openly.

Source: codex-rs/login/src/token_data.rs in https://github.com/openai/codex (claims, plan
names).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from providers.oauth.claims import claims

Mode = Literal["chatgpt", "api_key"]
MODES = ("auto", "chatgpt", "api_key")  # what a person may choose, the default first

_AUTH = "https://api.openai.com/auth"
_PROFILE = "https://api.openai.com/profile"

# Every plan name that has been seen, with what it is called.
_CHATGPT_PLANS = {
    "free": "Free",
    "go": "Go",
    "plus": "Plus",
    "pro": "Pro",
    "prolite": "Pro Lite",
    "team": "Team",
}
_KEY_PLANS = {
    "business": "Business",
    "self_serve_business_usage_based": "Business",
    "enterprise": "Enterprise",
    "hc": "Enterprise",
    "enterprise_cbp_usage_based": "Enterprise",
    "edu": "Edu",
    "education": "Edu",
}
BILLED = (
    "This login is billed per token to the platform organisation of the account, not to a "
    "ChatGPT plan."
)


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What the tokens say about the person; empty where they say nothing."""

    email: str = ""
    account_id: str = ""
    user_id: str = ""
    plan: str = ""
    organization: str = ""
    project: str = ""

    @property
    def mode(self) -> Mode:
        """The mode for this account when nobody chooses another."""
        return mode_for(self.plan, self.email)

    def facts(self) -> dict[str, str]:
        """As metadata of a credential."""
        named = {
            "email": self.email,
            "account_id": self.account_id,
            "plan": plan_label(self.plan),
            "organization": self.organization,
            "project": self.project,
        }
        return {name: value for name, value in named.items() if value}


def account_of(*tokens: str) -> Account:
    """Read ID token and access token, the first that says something wins."""
    found = [claims(token) for token in tokens if token]
    auth = [_map(c.get(_AUTH)) for c in found]
    return Account(
        email=_word([*_each(found, "email"), *_each(_maps(found, _PROFILE), "email")]),
        account_id=_word(
            [
                *_each(found, "chatgpt_account_id"),
                *_each(auth, "chatgpt_account_id"),
                *_organizations(auth),
            ]
        ),
        user_id=_word([*_each(auth, "chatgpt_user_id"), *_each(auth, "user_id")]),
        plan=_word(_each(auth, "chatgpt_plan_type")).lower(),
        organization=_word(_each(auth, "organization_id")),
        project=_word(_each(auth, "project_id")),
    )


def mode_for(plan: str, email: str) -> Mode:
    """The mode of a plan; an employee's address decides before it.

    Free, Go, Plus, Pro, Pro Lite, Team → ChatGPT. Business, Enterprise, Edu, their newer
    names, no plan and an unknown one → API key.
    """
    local, _, domain = email.strip().lower().partition("@")
    if local and domain == "openai.com":
        return "chatgpt"
    return "chatgpt" if plan.strip().lower() in _CHATGPT_PLANS else "api_key"


def plan_label(plan: str) -> str:
    """What people call a plan; an unknown one is shown as it came."""
    known = {**_CHATGPT_PLANS, **_KEY_PLANS}
    return known.get(plan.strip().lower(), plan)


def _each(maps: Iterable[Mapping[str, Any]], name: str) -> list[Any]:
    return [found.get(name) for found in maps]


def _maps(maps: Iterable[Mapping[str, Any]], name: str) -> list[dict[str, Any]]:
    return [_map(found.get(name)) for found in maps]


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _organizations(auth: Iterable[Mapping[str, Any]]) -> list[Any]:
    lists = [a.get("organizations") for a in auth]
    rows = [row for rows in lists if isinstance(rows, list) for row in rows]
    return [row.get("id") for row in rows if isinstance(row, dict)]


def _word(values: Iterable[Any]) -> str:
    """The first that may travel in a header: one word of printable ASCII."""
    for value in values:
        if isinstance(value, str) and 0 < len(value.strip()) <= 254:
            word = value.strip()
            if all(33 <= ord(c) <= 126 for c in word):
                return word
    return ""
