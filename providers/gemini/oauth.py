"""Logging in at Google with the team's own OAuth client, for the Gemini API.

The operator makes the client in a Google Cloud project and gives its id and secret by
environment. A desktop client comes back to a loopback port; a web client to this
installation's own address, which the operator registers with Google.

Sources: https://ai.google.dev/gemini-api/docs/oauth;
https://developers.google.com/identity/protocols/oauth2/native-app and /web-server.
"""

from __future__ import annotations

from collections.abc import Sequence

from providers.errors import ConfigurationError, CredentialRejected
from providers.gemini.config import SLUG
from providers.http.oauth import OAuthClient
from providers.interface import Models
from providers.oauth import pkce
from providers.oauth.claims import claims
from providers.oauth.login import Login, LoginMethod, LoginRequest, read_answer
from providers.oauth.server import AuthorizationServer
from providers.oauth.tokens import Tokens, renewed
from providers.options import VendorOptions, options_of
from providers.types import Credential, Secret

LABEL = "Google"
SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/generative-language.retriever",
    "openid",
    "email",
)
_MISSING = (
    "The operator has not set up a Google OAuth client for this installation "
    "(MAESTRO_GEMINI_OAUTH_CLIENT_ID and MAESTRO_GEMINI_OAUTH_CLIENT_SECRET; see the "
    "documentation). An API key works without it."
)
DEAD = (
    "Google has ended this login. Usual causes: access was taken back, six months without "
    "use, a password change, or a consent screen that is still in status “Testing” (its "
    "logins live seven days: publish it). Log in again."
)


class GeminiOAuth:
    """See `providers.interface.OAuth`."""

    def methods(self) -> Sequence[LoginMethod]:
        """One way; refused until the operator has set a client."""
        options = options_of(SLUG)
        is_set = bool(options.client_id and options.client_secret)
        return (
            LoginMethod(
                key="google",
                label="Sign in with Google",
                answer="redirect",
                ports=(0,),
                path="/oauth2callback",
                takes_own_callback=bool(options.callback_url),
                notes="Uses the Google Cloud project of this installation.",
                refusal="" if is_set else _MISSING,
            ),
        )

    def begin(self, request: LoginRequest) -> Login:
        """The authorize address; asks for consent again, so that a refresh token comes."""
        options = options_of(SLUG)
        verifier = pkce.new_verifier()
        extra = {"access_type": "offline", "prompt": "consent"}
        if email := request.facts.get("email"):
            extra["login_hint"] = email
        url = OAuthClient(_server(options)).authorize_url(
            redirect_uri=request.redirect_uri,
            state=request.state,
            challenge=pkce.challenge(verifier),
            scope=" ".join(options.scopes or SCOPES),
            **extra,
        )
        return Login(
            provider=SLUG,
            method="google",
            name=request.name,
            authorize_url=url,
            secret=verifier,
            state=request.state,
            redirect_uri=request.redirect_uri,
        )

    def finish(self, login: Login, answer: str) -> Credential:
        """Raises CredentialRejected when Google gave no refresh token."""
        found = read_answer(login, answer)
        options = options_of(SLUG)
        tokens = OAuthClient(_server(options)).exchange_code(
            code=found.code,
            verifier=login.secret,
            redirect_uri=login.redirect_uri,
        )
        if tokens.refresh_token is None:
            raise CredentialRejected(
                "Google gave no refresh token, so this login would end within the hour. "
                "Remove the access of this client at https://myaccount.google.com/"
                "permissions and log in again.",
                provider=SLUG,
            )
        facts = {"kind": "google", "project": options.project, **_who(tokens)}
        empty = Credential(
            provider=SLUG, auth_type="oauth", name=login.name, secrets={}
        )
        return renewed(empty, tokens, facts)

    def poll(self, login: Login) -> Credential | None:
        """Google's device login does not offer the scopes of this API."""
        raise ConfigurationError("Gemini has no device login.", provider=SLUG)

    def headers(self, credential: Credential) -> dict[str, str]:
        """The bearer, and the project that Google counts the use to."""
        headers = {"Authorization": f"Bearer {credential.secret('access_token')}"}
        project = credential.metadata.get("project") or options_of(SLUG).project
        if project:
            headers["x-goog-user-project"] = project
        return headers

    def base_url(self, credential: Credential) -> str:
        """The public API."""
        return ""

    def models(self, credential: Credential) -> Models | None:
        """The same list as for keys."""
        return None

    def refresh(self, credential: Credential, *, is_refused: bool) -> Credential:
        """A new access token; Google's refresh tokens do not rotate.

        Raises CredentialRejected with the usual causes when the login is over.
        """
        server = _server(_client_of(credential))
        try:
            tokens = OAuthClient(server).refresh(
                credential.secret("refresh_token"),
                access_token=credential.secret("access_token"),
            )
        except CredentialRejected as exc:
            raise CredentialRejected(
                DEAD,
                provider=SLUG,
                status=exc.status,
                vendor_type=exc.vendor_type,
                vendor_code=exc.vendor_code,
                vendor_message=exc.vendor_message,
            ) from None
        return renewed(credential, tokens, _who(tokens))

    def revoke(self, credential: Credential) -> bool:
        """Ends the login at Google, the access token with it."""
        token = credential.secret("refresh_token") or credential.secret("access_token")
        if token:
            OAuthClient(_server(_client_of(credential))).revoke(token)
        return bool(token)


def _client_of(credential: Credential) -> VendorOptions:
    """An imported login belongs to the client that made it, others to the team's."""
    own_id, own_secret = (
        credential.metadata.get("client_id"),
        credential.secret("client_secret"),
    )
    if own_id and own_secret:
        return VendorOptions(client_id=own_id, client_secret=Secret(own_secret))
    return options_of(SLUG)


def _server(options: VendorOptions) -> AuthorizationServer:
    if not options.client_id or not options.client_secret:
        raise ConfigurationError(_MISSING, provider=SLUG)
    return AuthorizationServer(
        provider=SLUG,
        label=LABEL,
        client_id=options.client_id,
        client_secret=options.client_secret,
        authorize_url="https://accounts.google.com/o/oauth2/v2/auth",
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106
        revoke_url="https://oauth2.googleapis.com/revoke",
    )


def _who(tokens: Tokens) -> dict[str, str]:
    if tokens.id_token is None:
        return {}
    email = claims(tokens.id_token.reveal()).get("email")
    return {"email": email[:254]} if isinstance(email, str) else {}
