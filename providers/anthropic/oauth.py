"""Logging in at Anthropic: the vendor's page shows `code#state`, the person pastes it.

The Console login is billed like an API key and is what we offer. Anthropic's terms do not
allow other products to use a Claude subscription; an operator who has an agreement can
switch that login on. Either way we say who we are: nothing here imitates another client.

Sources: https://platform.claude.com/docs/en/manage-claude/authentication; the OAuth
provider of the official SDK (`anthropic/lib/credentials/_providers.py`); the public
client in https://github.com/router-for-me/CLIProxyAPI (internal/auth/claude).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from providers.anthropic.config import SLUG
from providers.errors import ConfigurationError
from providers.http.oauth import OAuthClient
from providers.interface import Models
from providers.oauth import pkce
from providers.oauth.login import Login, LoginMethod, LoginRequest, read_answer
from providers.oauth.server import AuthorizationServer
from providers.oauth.tokens import Tokens, renewed
from providers.options import options_of
from providers.types import Credential

LABEL = "Anthropic"
CLIENT_ID = "9d1c250a-e61b-44d9-88ed-5944d1962f5e"
CONSOLE = "https://platform.claude.com"
TOKEN_URL = f"{CONSOLE}/v1/oauth/token"
REDIRECT_URI = f"{CONSOLE}/oauth/code/callback"
# Every request signed by a login must name it.
BETA = "oauth-2025-04-20"
SUBSCRIPTION = (
    "subscription"  # the switch of VendorOptions.allows, and the method's key
)

_AUTHORIZE = {
    "console": f"{CONSOLE}/oauth/authorize",
    SUBSCRIPTION: "https://claude.ai/oauth/authorize",
}
_SCOPES = {
    "console": "org:create_api_key user:profile user:inference",
    SUBSCRIPTION: "user:profile user:inference",
}
_TERMS = (
    "Anthropic does not allow other products to sign in with a Claude subscription, or to "
    "keep its tokens, and may close accounts that do. Use an API key or the Console login."
)
_CONSOLE_METHOD = LoginMethod(
    key="console",
    label="Sign in to the Claude Console",
    answer="code",
    notes="Billed by use, like an API key. The page shows a code: paste it here.",
)


class AnthropicOAuth:
    """See `providers.interface.OAuth`."""

    def methods(self) -> Sequence[LoginMethod]:
        """The Console; a subscription only where the operator has switched it on."""
        is_on = SUBSCRIPTION in options_of(SLUG).allows
        subscription = LoginMethod(
            key=SUBSCRIPTION,
            label="Sign in with a Claude subscription",
            answer="code",
            warning=_TERMS if is_on else "",
            refusal="" if is_on else f"Switched off here. {_TERMS}",
        )
        return (_CONSOLE_METHOD, subscription)

    def begin(self, request: LoginRequest) -> Login:
        """The authorize address. Raises ConfigurationError for a method that is off."""
        verifier = pkce.new_verifier()
        client = OAuthClient(self._server(request.method))
        url = client.authorize_url(
            redirect_uri=REDIRECT_URI,
            state=request.state,
            challenge=pkce.challenge(verifier),
            scope=" ".join(options_of(SLUG).scopes) or _SCOPES[request.method],
            code="true",
        )
        return Login(
            provider=SLUG,
            method=request.method,
            name=request.name,
            authorize_url=url,
            secret=verifier,
            state=request.state,
            redirect_uri=REDIRECT_URI,
        )

    def finish(self, login: Login, answer: str) -> Credential:
        """A bare code is taken too: without our verifier it is worth nothing."""
        found = read_answer(login, answer, needs_state=False)
        tokens = OAuthClient(self._server(login.method)).exchange_code(
            code=found.code,
            verifier=login.secret,
            redirect_uri=login.redirect_uri,
            state=login.state,
        )
        empty = Credential(
            provider=SLUG, auth_type="oauth", name=login.name, secrets={}
        )
        facts = {"kind": login.method, "mode": login.method, **_who(tokens)}
        return renewed(empty, tokens, facts)

    def poll(self, login: Login) -> Credential | None:
        """There is no device login here."""
        raise ConfigurationError("Anthropic has no device login.", provider=SLUG)

    def headers(self, credential: Credential) -> dict[str, str]:
        """The bearer with its beta; the workspace where the login can act on several."""
        headers = {
            "Authorization": f"Bearer {credential.secret('access_token')}",
            "anthropic-beta": BETA,
        }
        if workspace := credential.metadata.get("workspace_id"):
            headers["anthropic-workspace-id"] = workspace
        return headers

    def base_url(self, credential: Credential) -> str:
        """The public API."""
        return ""

    def models(self, credential: Credential) -> Models | None:
        """The same list as for keys."""
        return None

    def is_subscription(self, metadata: Mapping[str, Any]) -> bool:
        """A Claude plan; the Console is billed by use."""
        return bool(metadata.get("kind") == SUBSCRIPTION)

    def refresh(self, credential: Credential, *, is_refused: bool) -> Credential:
        """New tokens; the refresh token may rotate, and stays when none comes."""
        facts = credential.metadata
        server = self._server(
            "", client_id=facts.get("client_id"), token_url=facts.get("token_url")
        )
        tokens = OAuthClient(server).refresh(
            credential.secret("refresh_token"),
            access_token=credential.secret("access_token"),
        )
        return renewed(credential, tokens, _who(tokens))

    def revoke(self, credential: Credential) -> bool:
        """Anthropic documents no way to take a login back but its own settings page."""
        return False

    def _server(
        self, method: str, client_id: str | None = None, token_url: str | None = None
    ) -> AuthorizationServer:
        """`method` "" is for a refresh: what is signed in may stay so."""
        options = options_of(SLUG)
        if method == SUBSCRIPTION and SUBSCRIPTION not in options.allows:
            raise ConfigurationError(f"Switched off here. {_TERMS}", provider=SLUG)
        return AuthorizationServer(
            provider=SLUG,
            label=LABEL,
            client_id=client_id or options.client_id or CLIENT_ID,
            authorize_url=_AUTHORIZE.get(method, _AUTHORIZE["console"]),
            token_url=token_url or TOKEN_URL,
            code_body="json",
            refresh_body="json",
            headers={"anthropic-beta": BETA},
            dead_statuses=(401,),
        )


def _who(tokens: Tokens) -> dict[str, str]:
    """Account and organisation, as the answer names them."""
    account, organization = (
        _map(tokens.extra.get(name)) for name in ("account", "organization")
    )
    named = {
        "email": account.get("email_address") or account.get("email"),
        "account_id": account.get("uuid"),
        "organization_id": organization.get("uuid"),
        "organization_name": organization.get("name"),
    }
    return {k: v[:254] for k, v in named.items() if isinstance(v, str) and v}


def _map(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
