"""Logins of Google that other programs keep in files.

Application default credentials of gcloud ({"type": "authorized_user", "client_id",
"client_secret", "refresh_token", "quota_project_id"?}) are imported: Google's refresh
tokens do not rotate, so gcloud goes on working. Logins of Gemini CLI
({"access_token", "refresh_token", "scope", "expiry_date" (ms)}) are recognised to say why
they are not.

Sources: https://cloud.google.com/docs/authentication/application-default-credentials;
https://github.com/google-gemini/gemini-cli/issues/28229 (what Google switched off).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from providers.foreign_files import LLXPRT, OPENCODE, is_llxprt, opencode_login
from providers.gemini.config import SLUG
from providers.imports import Offer
from providers.offers import Fields, Unreadable, imported, refused, unreadable

_ADC = "Google application default credentials"
_INSTEAD = (
    "Use an API key from https://aistudio.google.com/apikey, or log in here with the "
    "team's own Google OAuth client."
)
_CODE_ASSIST = (
    "This is a login of Gemini CLI. Google switched those off for individual accounts on "
    "2026-06-18, and paid Code Assist accounts are answered at another address that "
    f"Maestro does not speak. {_INSTEAD}"
)
_MACHINES = (
    "service_account",
    "external_account",
    "external_account_authorized_user",
    "impersonated_service_account",
    "gdch_service_account",
)
_MACHINE = (
    "These are credentials of a machine (a service account or a federation), not the "
    f"login of a person. {_INSTEAD}"
)
_CLIENT = (
    "This is an OAuth client, not a login. The operator sets it for the whole "
    "installation (MAESTRO_GEMINI_OAUTH_CLIENT_ID and MAESTRO_GEMINI_OAUTH_CLIENT_SECRET); "
    "then log in here."
)
_NO_PROJECT = (
    "The file names no quota project, and Google may refuse requests without one, unless "
    "the operator has set a project for this installation. Run “gcloud auth "
    "application-default set-quota-project PROJECT” and upload the file again."
)
_OWN_UNIVERSE = "googleapis.com"


class GeminiImports:
    """See `providers.interface.Imports`."""

    files = ("gcloud: application_default_credentials.json",)

    def offers(self, document: dict[str, Any], file_name: str) -> list[Offer]:
        """A person's credentials; [] for a file of somebody else's."""
        if document.get("type") == "authorized_user":
            return [_login(document)]
        if document.get("type") in _MACHINES:
            return [_no(_ADC, _MACHINE)]
        if source := _gemini_cli(document, file_name):
            return [_no(source, _CODE_ASSIST)]
        if _is_client(document):
            return [_no("Google OAuth client (client_secret.json)", _CLIENT)]
        return []


def _login(document: dict[str, Any]) -> Offer:
    fields = Fields(document)
    try:
        client_id = fields.secret("client_id").reveal()
        secrets = {
            name: fields.secret(name) for name in ("refresh_token", "client_secret")
        }
        project = fields.word("quota_project_id")
        email = fields.word("account")
        universe = fields.word("universe_domain")
    except Unreadable as exc:
        return unreadable(source=_ADC, provider=SLUG, auth_type="oauth", problem=exc)
    if universe not in ("", _OWN_UNIVERSE):
        return _no(
            _ADC, f"It is for another cloud than Google's public one. {_INSTEAD}"
        )
    credential = imported(
        provider=SLUG,
        auth_type="oauth",
        secrets=secrets,
        metadata={
            "kind": "adc",
            "client_id": client_id,
            "project": project,
            "email": email,
        },
        # There is no access token in it: one must be fetched before the first use.
        expires_at=datetime.now(UTC).isoformat(),
    )
    return Offer(
        source=_ADC,
        provider=SLUG,
        auth_type="oauth",
        credential=credential,
        account=", ".join(p for p in (email, project and f"project {project}") if p),
        imports="The refresh token together with the Google OAuth client it belongs to. "
        "gcloud goes on working; revoking the login in one place ends it in both. It "
        "must have been made with the scopes of the Gemini API.",
        warning="" if project else _NO_PROJECT,
    )


def _gemini_cli(document: dict[str, Any], file_name: str) -> str:
    """Which program keeps this login of Gemini CLI's client; "" when it is none."""
    if document.get("type") == "gemini":
        return "CLIProxyAPI (Gemini login)"
    if opencode_login(document, SLUG) is not None:
        return OPENCODE
    if is_llxprt(document, file_name, (SLUG,)):
        return LLXPRT
    # Google's library writes `expiry_date`; others do too, with other scopes.
    marks = ("googleapis.com", "ya29.", "1//")
    texts = [str(document.get(n)) for n in ("scope", "access_token", "refresh_token")]
    is_google = any(mark in text for mark, text in zip(marks, texts, strict=True))
    if "expiry_date" in document and is_google:
        return "Gemini CLI (oauth_creds.json)"
    return ""


def _is_client(document: dict[str, Any]) -> bool:
    for name in ("installed", "web"):
        inner = document.get(name)
        if isinstance(inner, dict) and "client_id" in inner and "token_uri" in inner:
            return True
    return False


def _no(source: str, why: str) -> Offer:
    return refused(source=source, provider=SLUG, auth_type="oauth", why=why)
