"""Sign in with ChatGPT: OpenAI's documented login for open-source programs.

Every installation registers itself at the first login (no secret) and gets a client id
of its own; answers come from the public API and are billed to the person's ChatGPT plan.
The terms want a login to be used by the one who signed in, so it can never be shared.

Source: https://developers.openai.com/siwc/ (quickstart, sign-in, profiles-and-sessions,
token-reference, errors-and-recovery).
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from typing import Any

from providers.errors import ConfigurationError, ProtocolError
from providers.http.oauth import OAuthClient
from providers.oauth import pkce
from providers.oauth.claims import verified
from providers.oauth.login import Answer, Login, LoginMethod, LoginRequest, read_answer
from providers.oauth.server import AuthorizationServer
from providers.oauth.tokens import Tokens
from providers.openai.config import BASE_URL, ISSUER, LABEL, SLUG
from providers.options import installation

FIRST_CLIENT = "dynamic_agent_client"
_ISSUED = re.compile(r"oaiapp_[A-Za-z0-9_.-]{1,200}\Z")
RESOURCE = BASE_URL
PLAN_SCOPE = "chatgpt.tokens.use.direct"
SCOPE = f"openid profile email offline_access resource.invoke {PLAN_SCOPE}"
NO_PLAN = (
    "Signed in, but OpenAI did not allow this installation to use the ChatGPT plan. Log "
    "in again and allow it, or use an API key."
)

METHOD = LoginMethod(
    key="siwc",
    label="Sign in with ChatGPT (for open-source apps)",
    answer="redirect",
    ports=(0,),
    path="/auth/callback",
    is_personal=True,
    notes="Uses your own ChatGPT Plus or Pro plan. Only you can use this credential; "
    "OpenAI wants such a login kept on a machine of your own.",
)


def server(client_id: str) -> AuthorizationServer:
    """The authorization server with this installation's client."""
    return AuthorizationServer(
        provider=SLUG,
        label=LABEL,
        client_id=client_id,
        authorize_url=f"{ISSUER}/api/accounts/authorize",
        token_url=f"{ISSUER}/api/accounts/oauth/token",
        revoke_url=f"{ISSUER}/api/accounts/oauth/revoke",
    )


def begin(request: LoginRequest) -> Login:
    """The authorize address. `facts` of an earlier login bring its registration."""
    host = installation()
    if not host:
        raise ConfigurationError(
            "This installation has no id yet. Run `manage.py prepare`, then try again.",
            provider=SLUG,
        )
    verifier = pkce.new_verifier()
    nonce = secrets.token_urlsafe(24)
    registered = request.facts.get("client_id", "")
    if not _ISSUED.match(registered):
        registered = ""  # of another kind of login
    extra = {"nonce": nonce, "resource": RESOURCE, "ext_agent_host_id": host}
    if not registered:
        extra["agent_name_hint"] = "Maestro"
    elif email := request.facts.get("email"):
        extra["login_hint"] = email
    url = OAuthClient(server(registered or FIRST_CLIENT)).authorize_url(
        redirect_uri=request.redirect_uri,
        state=request.state,
        challenge=pkce.challenge(verifier),
        scope=SCOPE,
        **extra,
    )
    return Login(
        provider=SLUG,
        method=METHOD.key,
        name=request.name,
        authorize_url=url,
        secret=verifier,
        state=request.state,
        redirect_uri=request.redirect_uri,
        nonce=nonce,
        facts={"client_id": registered} if registered else {},
    )


def finish(login: Login, answer: str) -> tuple[Tokens, dict[str, str]]:
    """The tokens, and what is known of the person. Raises ProviderError."""
    found = read_answer(login, answer)
    client_id = _client_id(login, found)
    client = OAuthClient(server(client_id))
    tokens = client.exchange_code(
        code=found.code,
        verifier=login.secret,
        redirect_uri=login.redirect_uri,
        resource=RESOURCE,
    )
    if tokens.id_token is None:
        raise ProtocolError("OpenAI did not say who signed in.", provider=SLUG)
    who = verified(
        tokens.id_token.reveal(),
        keys=client.get_json(f"{ISSUER}/.well-known/jwks.json"),
        issuer=ISSUER,
        audience=client_id,
        nonce=login.nonce,
        provider=SLUG,
    )
    return tokens, {
        "client_id": client_id,
        "subject": _plain(who.get("sub")),
        "email": _plain(who.get("email")),
        **not_before(tokens),
    }


def refresh(client_id: str, refresh_token: str, access_token: str) -> Tokens:
    """New tokens and thirty new days; the old refresh token is dead."""
    return OAuthClient(server(client_id)).refresh(
        refresh_token, access_token=access_token, resource=RESOURCE
    )


def revoke(client_id: str, refresh_token: str) -> None:
    """End the login; the registration of this installation stays."""
    OAuthClient(server(client_id)).revoke(
        refresh_token, hint="refresh_token", client_id=client_id
    )


def problem(scope: str) -> str:
    """Why a login with this scope cannot be used for answers, or "".

    A server that does not name the scope gave what was asked for (RFC 6749 section 5.1).
    """
    return "" if not scope or PLAN_SCOPE in scope.split() else NO_PLAN


def not_before(tokens: Tokens) -> dict[str, str]:
    """`earliest_refresh_at` as metadata, whichever way it is written."""
    value: Any = tokens.extra.get("earliest_refresh_at")
    try:
        if isinstance(value, int | float) or str(value).isdigit():
            when = datetime.fromtimestamp(float(value), UTC)
        else:
            when = datetime.fromisoformat(str(value)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return {}
    return {"refresh_not_before": when.isoformat()}


def _client_id(login: Login, found: Answer) -> str:
    """The id issued to this installation: it comes once, and must not change."""
    known, given = login.facts.get("client_id", ""), found.params.get("client_id", "")
    if known and given and known != given:
        raise ConfigurationError(
            "The answer belongs to another installation. Start the login again.",
            provider=SLUG,
        )
    if not known and not _ISSUED.match(given):
        raise ConfigurationError(
            "OpenAI did not finish the registration of this installation. Paste the "
            "whole address of the last page, or start the login again.",
            provider=SLUG,
        )
    return known or given


def _plain(value: Any) -> str:
    return value[:254] if isinstance(value, str) else ""
