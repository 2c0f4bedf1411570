"""Logins and keys of OpenAI that other programs keep in files.

Codex CLI's auth.json: {"auth_mode"?, "OPENAI_API_KEY", "tokens": {"id_token",
"access_token", "refresh_token", "account_id"?}, "last_refresh"}; CLIProxyAPI's
codex-*.json has the tokens at its top with "expired". All are logins of the same public
client as `codex.py`, whose refresh tokens are single use.

Sources: codex-rs/login/src/auth/storage.rs in https://github.com/openai/codex;
internal/auth/codex/token.go in https://github.com/router-for-me/CLIProxyAPI.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.foreign_files import LLXPRT, OPENCODE, is_llxprt, opencode_login
from providers.imports import Offer
from providers.oauth.claims import claims, lifetime_s
from providers.oauth.tokens import seconds
from providers.offers import (
    Fields,
    Unreadable,
    api_key_offer,
    imported,
    moment,
    refused,
    unreadable,
)
from providers.openai.config import SLUG
from providers.openai.plans import account_of, plan_label

_CODEX = "Codex CLI (auth.json)"
_CPA = "CLIProxyAPI (codex-….json)"
_MODES = (
    "apikey",
    "chatgpt",
    "chatgptAuthTokens",
    "agentIdentity",
    "personalAccessToken",
)
_OTHERS = {
    "agent_identity": "an agent identity, which is signed with a private key of Codex "
    "CLI on that machine",
    "personal_access_token": "a personal access token, which OpenAI accepts from Codex "
    "CLI only",
}
_OTHER_MODES = {
    "agentIdentity": "agent_identity",
    "personalAccessToken": "personal_access_token",
}
_INSTEAD = "Log in here, or use an API key."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """Where a program keeps what, and what the program is called."""

    source: str
    program: str
    access: str = "access_token"
    refresh: str = "refresh_token"
    account: str = "account_id"
    email: str = ""
    expires: str = ""


_CODEX_SHAPE = _Shape(source=_CODEX, program="Codex CLI")
_CPA_SHAPE = _Shape(
    source=_CPA, program="CLIProxyAPI", email="email", expires="expired"
)
_LLXPRT_SHAPE = _Shape(source=LLXPRT, program="LLxprt Code", expires="expiry")
_OPENCODE_SHAPE = _Shape(
    source=OPENCODE,
    program="opencode",
    access="access",
    refresh="refresh",
    account="accountId",
    expires="expires",
)


class OpenAIImports:
    """See `providers.interface.Imports`."""

    files = ("Codex CLI: auth.json", "CLIProxyAPI: codex-*.json")

    def offers(self, document: dict[str, Any], file_name: str) -> list[Offer]:
        """Keys and logins; [] for a file of somebody else's."""
        found: list[Offer] = []
        if _is_codex(document):
            found += _codex(document)
        if document.get("type") == "codex":
            found.append(_login(document, _CPA_SHAPE))
        entry = opencode_login(document, SLUG)
        if entry is not None:
            found.append(_login(entry, _OPENCODE_SHAPE))
        if is_llxprt(document, file_name, ("codex", "openai")):
            found.append(_login(document, _LLXPRT_SHAPE))
        return found


def _is_codex(document: Mapping[str, Any]) -> bool:
    if "OPENAI_API_KEY" in document or document.get("auth_mode") in _MODES:
        return True
    return "tokens" in document and "last_refresh" in document


def _codex(document: Mapping[str, Any]) -> list[Offer]:
    """Key and login are offered each for itself; the person chooses."""
    found: list[Offer] = []
    mode = document.get("auth_mode")
    if document.get("OPENAI_API_KEY") not in (None, ""):
        found.append(
            api_key_offer(
                source=_CODEX, provider=SLUG, document=document, field="OPENAI_API_KEY"
            )
        )
    if mode == "chatgptAuthTokens":
        found.append(
            _no(
                "Its tokens are lent to Codex CLI by another program, which renews them. "
                f"{_INSTEAD}"
            )
        )
    elif document.get("tokens") is not None:
        found.append(_codex_login(document))
    for field, what in _OTHERS.items():
        if document.get(field) is not None or _OTHER_MODES.get(str(mode)) == field:
            found.append(_no(f"This is {what}. {_INSTEAD}"))
    return found or [
        _no(
            "There is neither an API key nor a login in it. Codex CLI may keep them in "
            f"the keyring of that computer. {_INSTEAD}"
        )
    ]


def _codex_login(document: Mapping[str, Any]) -> Offer:
    tokens = document.get("tokens")
    if not isinstance(tokens, dict):
        return _wrong(_CODEX, Unreadable("“tokens” in it is not an object."))
    return _login(tokens, _CODEX_SHAPE)


_CHATGPT = {"kind": "codex", "mode": "chatgpt", "mode_choice": "chatgpt"}


def _login(document: Mapping[str, Any], shape: _Shape) -> Offer:
    """The login of a person, used in ChatGPT mode."""
    fields = Fields(document)
    try:
        access, refresh = fields.secret(shape.access), fields.secret(shape.refresh)
        id_token = document.get("id_token") or ""
        if not isinstance(id_token, str):
            raise Unreadable("“id_token” in it is not text.")
        told = account_of(id_token, access.reveal())
        email = (fields.word(shape.email) if shape.email else "") or told.email
        account_id = fields.word(shape.account) or told.account_id
        ends = fields.moment(shape.expires) if shape.expires else None
    except Unreadable as exc:
        return _wrong(shape.source, exc)
    plan = plan_label(told.plan)
    life = seconds(lifetime_s(access.reveal()))
    facts = {"account_id": account_id, "email": email, "plan": plan}
    credential = imported(
        provider=SLUG,
        auth_type="oauth",
        secrets={"access_token": access, "refresh_token": refresh},
        metadata={**_CHATGPT, **facts, "lifetime_s": f"{life:.0f}" if life else ""},
        expires_at=moment(claims(access.reveal()).get("exp")) or ends,
    )
    return Offer(
        source=shape.source,
        provider=SLUG,
        auth_type="oauth",
        credential=credential,
        account=_account(email or account_id, plan),
        imports="The login itself (access and refresh token), in ChatGPT mode: it uses "
        "the ChatGPT plan of this account.",
        warning=_warning(shape.program),
    )


def _warning(program: str) -> str:
    return (
        "OpenAI replaces the refresh token at every renewal and ends a login whose old "
        f"token is used again: {program} and Maestro would log each other out. It is "
        "better to log in again here, which gives Maestro a login of its own. If you "
        f"import, use this login in one of the two only, and do not log out in {program}: "
        "that ends it here too."
    )


def _account(who: str, plan: str) -> str:
    return f"{who} ({plan})" if who and plan else who or plan


def _no(why: str) -> Offer:
    return refused(source=_CODEX, provider=SLUG, auth_type="oauth", why=why)


def _wrong(source: str, problem: Unreadable) -> Offer:
    return unreadable(source=source, provider=SLUG, auth_type="oauth", problem=problem)
