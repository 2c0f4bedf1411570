"""Logins of Anthropic that other programs keep in files.

A Console profile of the `ant` command has two files: configs/<profile>.json
{"authentication": {"type": "user_oauth", "client_id"}, "organization_id", "workspace_id",
"base_url"} and credentials/<profile>.json {"type": "oauth_token", "access_token",
"refresh_token", "expires_at" (s)}. It is billed by use, and imported.

Logins with a Claude subscription (Claude Code, proxies for it) are recognised to say why
they are not: the vendor's terms.

Sources: `anthropic/lib/credentials/_providers.py` of the official SDK;
https://code.claude.com/docs/en/legal-and-compliance.
"""

from __future__ import annotations

from typing import Any

from providers.anthropic.config import BASE_URL, SLUG
from providers.errors import ConfigurationError
from providers.foreign_files import LLXPRT, OPENCODE, is_llxprt, opencode_login
from providers.http.urls import parse_base_url
from providers.imports import Offer
from providers.offers import Fields, Unreadable, imported, refused, unreadable

_PROFILE = "Anthropic profile (ant auth login)"
# Where a refresh token may be sent: the vendor's own two addresses.
_ADDRESSES = (BASE_URL, "https://platform.claude.com")
_TERMS = (
    "Anthropic's terms do not allow other products to sign in with a Claude subscription, "
    "or to keep its tokens. Use an API key or log in to the Claude Console here."
)
_BOTH = (
    "A profile is two files of the same name: {has} is here, {lacks} is missing. Upload "
    "both together, from the folders “configs” and “credentials” of ~/.config/anthropic."
)
_IMPORTS = (
    "The Console login of this profile (access and refresh token). It is billed by use, "
    "like an API key."
)
_SHARED = (
    "The ant command and Maestro would share one login: when one of them renews it, "
    "Anthropic may replace the refresh token and log the other out. Log in to the Claude "
    "Console here for a login of Maestro's own."
)
_NO_CLIENT = (
    "This profile has no “client_id”: another program renews its tokens, and Maestro could "
    "not. Use an API key or log in to the Claude Console here."
)
_ELSEWHERE = (
    "This profile is for a server at another address than Anthropic's. Its tokens must not "
    "be sent to Anthropic, nor Anthropic's to it."
)


class AnthropicImports:
    """See `providers.interface.Imports`."""

    files = (
        "Anthropic profile: configs/<profile>.json with credentials/<profile>.json",
    )

    def offers(self, document: dict[str, Any], file_name: str) -> list[Offer]:
        """Profiles; subscriptions are refused; [] for a file of somebody else's."""
        found: list[Offer] = []
        if "claudeAiOauth" in document:
            found.append(_subscription("Claude Code (.credentials.json)"))
        if document.get("type") == "claude":
            found.append(_subscription("CLIProxyAPI (claude-….json)"))
        if opencode_login(document, SLUG) is not None:
            found.append(_subscription(OPENCODE))
        if is_llxprt(document, file_name, (SLUG,)):
            found.append(_subscription(LLXPRT))
        return found + _profile(document)


def _profile(document: dict[str, Any]) -> list[Offer]:
    """What one or both files of a profile offer."""
    authentication = document.get("authentication")
    kind = authentication.get("type") if isinstance(authentication, dict) else None
    if kind == "oidc_federation":
        return [
            _no(
                "This profile signs in as a workload with tokens of another system, not as "
                "a person: there is no login in it to take over. Use an API key."
            )
        ]
    has_config = kind == "user_oauth"
    has_tokens = document.get("type") == "oauth_token" or (
        has_config and "access_token" in document
    )
    config, tokens = "the configuration", "the credentials file"
    if has_config and has_tokens:
        return [_login(document)]
    if has_config:
        return [_no(_BOTH.format(has=config, lacks=tokens))]
    if has_tokens:
        # Without the client id of the configuration it could not be renewed.
        return [_no(_BOTH.format(has=tokens, lacks=config))]
    return []


def _login(document: dict[str, Any]) -> Offer:
    fields = Fields(document)
    try:
        base_url = _base_url(document.get("base_url"))
        facts = {
            "kind": "profile",
            "client_id": fields.section("authentication").word("client_id"),
            "organization_id": fields.word("organization_id"),
            "workspace_id": fields.word("workspace_id"),
            "token_url": f"{base_url}/v1/oauth/token",
        }
        secrets = {
            name: fields.secret(name) for name in ("access_token", "refresh_token")
        }
        ends = fields.moment("expires_at")
    except Unreadable as exc:
        return unreadable(
            source=_PROFILE, provider=SLUG, auth_type="oauth", problem=exc
        )
    if not facts["client_id"]:
        return _no(_NO_CLIENT)
    if base_url not in _ADDRESSES:
        return _no(_ELSEWHERE)
    credential = imported(
        provider=SLUG,
        auth_type="oauth",
        secrets=secrets,
        metadata=facts,
        expires_at=ends,
    )
    return Offer(
        source=_PROFILE,
        provider=SLUG,
        auth_type="oauth",
        credential=credential,
        account=_account(facts["organization_id"], facts["workspace_id"]),
        imports=_IMPORTS,
        warning=_SHARED,
    )


def _base_url(value: object) -> str:
    if value is None or value == "":
        return BASE_URL
    if not isinstance(value, str):
        raise Unreadable("“base_url” in it is not text.")
    try:
        return parse_base_url(value)
    except ConfigurationError:
        raise Unreadable("“base_url” in it is not an address.") from None


def _account(organization: str, workspace: str) -> str:
    parts = [
        f"organization {organization}" if organization else "",
        f"workspace {workspace}" if workspace else "",
    ]
    return ", ".join(part for part in parts if part)


def _subscription(source: str) -> Offer:
    return refused(source=source, provider=SLUG, auth_type="oauth", why=_TERMS)


def _no(why: str) -> Offer:
    return refused(source=_PROFILE, provider=SLUG, auth_type="oauth", why=why)
