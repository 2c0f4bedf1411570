"""The universal provider interface: the one door to every vendor.

Session ids are the names of saved authentications. Every call resolves the provider by
its slug, takes the credential from the store, and talks HTTP through `providers.http`;
callers see models, typed events and one tree of errors, and never which vendor it was.

    create_session  begin_login / finish_login  refresh_tokens  delete_session
    list_models     stream_chat                 check_session   audit_code
    preview_chat    count_tokens
    list_providers  provider_capabilities

Logins live in `logins.py`, chats in `chats.py`, audits in `audit/`, and come in here; a
login that is about to end, or that the vendor refuses, is renewed before anybody hears of
it. Arguments are checked at the door (`parameters.py`): an option that does not exist ends
in a ConfigurationError that names the nearest one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from providers import resolver, sessions
from providers.audit.options import check_source, read_options
from providers.audit.prompt import instructions
from providers.audit.report import AuditReport
from providers.audit.run import run_audit
from providers.audit.schema import output_schema
from providers.chat_stream import ResponseStream
from providers.chats import (
    can_continue,
    can_count,
    count_tokens,
    preview_chat,
    stream_chat,
    stream_with,
)
from providers.errors import ConfigurationError
from providers.http.client import HttpClient
from providers.http.urls import parse_base_url
from providers.interface import ApiKey, Models, Subscribed
from providers.local_servers import LocalServer, local_servers
from providers.logins import (
    begin_login,
    check_answer,
    choose_mode,
    complete_login,
    finish_login,
    login_method,
    login_methods,
    modes_of,
    poll_login,
    refresh_tokens,
    revoke_session,
    take_back,
)
from providers.names import normalise_api_key, normalise_name
from providers.parameters import checked
from providers.sessions import use_store
from providers.types import (
    AuthType,
    Credential,
    Message,
    Model,
    Secret,
)

__all__ = [
    "LocalServer",
    "audit_code",
    "begin_login",
    "build_api_key_credential",
    "can_continue",
    "can_count",
    "check_answer",
    "check_base_url",
    "check_credential",
    "check_session",
    "choose_mode",
    "complete_login",
    "count_tokens",
    "create_session",
    "delete_session",
    "finish_login",
    "is_subscription",
    "list_models",
    "list_providers",
    "local_servers",
    "login_method",
    "login_methods",
    "models_with",
    "modes_of",
    "poll_login",
    "preview_chat",
    "provider_capabilities",
    "refresh_tokens",
    "revoke_session",
    "stream_chat",
    "stream_with",
    "take_back",
    "use_store",
]


@checked
def create_session(
    provider: str,
    auth_type: AuthType,
    *,
    name: str,
    api_key: str = "",
    organization: str = "",
    project: str = "",
    base_url: str = "",
) -> str:
    """Save an API key under a name and return the session id, which is that name.

    An OAuth session is made by `begin_login` and `finish_login`. Raises
    ConfigurationError when the vendor lacks the auth type, the name is malformed or
    taken, or a key or base URL that the vendor needs is missing.
    """
    manifest = resolver.provider(provider)
    resolver.resolve(provider, auth_type)
    if auth_type != "api_key":
        raise ConfigurationError("An OAuth session begins with begin_login().")
    credential = build_api_key_credential(
        manifest.slug, name, api_key, organization, project, base_url
    )
    sessions.store().create(credential)
    return credential.name


@checked
def build_api_key_credential(
    provider: str,
    name: str,
    api_key: str,
    organization: str = "",
    project: str = "",
    base_url: str = "",
) -> Credential:
    """A checked, unsaved API-key credential. Raises ConfigurationError."""
    manifest = resolver.provider(provider)
    key = normalise_api_key(api_key)
    if manifest.key_required and not key:
        raise ConfigurationError(
            f"{manifest.label} needs an API key.", provider=provider
        )
    if manifest.base_url_required and not base_url:
        raise ConfigurationError(
            f"{manifest.label} needs the base URL of the server.", provider=provider
        )
    metadata = {
        k: v for k, v in {"organization": organization, "project": project}.items() if v
    }
    return Credential(
        provider=manifest.slug,
        auth_type="api_key",
        name=normalise_name(name),
        secrets={"api_key": Secret(key)} if key else {},
        base_url=check_base_url(base_url) if base_url else "",
        metadata=metadata,
    )


@checked
def check_session(
    provider: str, session_id: str, *, auth_type: AuthType | None = None
) -> None:
    """One cheap authenticated call: returns when the credential works, else raises."""
    check_credential(sessions.find(provider, session_id, auth_type))


def check_credential(credential: Credential) -> None:
    """The same for a credential that is not saved (the form's "test" button)."""
    if credential.auth_type == "oauth":
        models_with(credential)
        return
    behaviour: ApiKey = resolver.resolve(credential.provider, "api_key")
    with sessions.client(credential) as client:
        behaviour.check(client)


@checked
def list_models(
    provider: str, auth_type: AuthType | None, session_id: str
) -> Sequence[Model]:
    """The models this credential may use, best first. To look is not to use it: the
    picker looks at all of a person's credentials."""
    return models_with(sessions.find(provider, session_id, auth_type))


def models_with(credential: Credential) -> Sequence[Model]:
    """The same for a credential that is not saved."""

    def ask(client: HttpClient, signed: Credential) -> Sequence[Model]:
        return _models_of(signed).list_models(client)

    return sessions.with_client(credential, ask)


@checked
def delete_session(provider: str, auth_type: AuthType, session_id: str) -> None:
    """Take a login back at its vendor where that is possible, and forget the credential.

    Deleting what is not there is no error.
    """
    resolver.provider(provider)
    if auth_type == "oauth" and auth_type in sessions.store().find(
        provider, session_id
    ):
        revoke_session(provider, session_id)
    sessions.store().delete(provider, auth_type, session_id)


@checked
def audit_code(
    provider: str,
    session_id: str,
    source: str | Mapping[str, str],
    *,
    model: str = "",
    auth_type: AuthType | None = None,
    **options: Any,
) -> AuditReport:
    """A report of structured findings about `source`: text, {path: text}, or a unified
    diff. Blocks, for minutes where the source is large.

    `model` "" is the vendor's usual one. `options`: see `audit.options.AuditOptions`. Raises
    ConfigurationError before anything is sent, ProviderError where nothing could be judged;
    a report of which a part is missing says so. docs/audits.md has the rest.
    """
    check_source(source)
    wanted = read_options(options)
    credential = sessions.find(provider, session_id, auth_type, to_use=True)
    model = model or resolver.provider(provider).default_model
    if not model:
        raise ConfigurationError("Choose a model first.", provider=provider)

    def open_stream(messages: Sequence[Message]) -> ResponseStream:
        stream = stream_with(
            # Anew for each: a large source takes longer than some logins last.
            sessions.find(provider, session_id, auth_type, to_use=True),
            messages,
            model=model,
            system=instructions(),
            response_schema=output_schema(),
            max_output_tokens=wanted.max_output_tokens,
            idle_timeout_s=wanted.idle_timeout_s,
        )
        return wanted.around(stream, model) if wanted.around else stream

    return run_audit(credential, model, source, wanted, open_stream)


def is_subscription(provider: str, auth_type: str, metadata: Mapping[str, Any]) -> bool:
    """Whether a credential draws on one person's subscription (see `Subscribed`)."""
    found = resolver.providers().get(provider)
    if found is None or auth_type != "oauth":
        return False
    login: object = found.oauth
    return isinstance(login, Subscribed) and login.is_subscription(metadata)


def list_providers() -> list[str]:
    """The slugs of all installed providers, sorted."""
    return sorted(resolver.providers())


@checked
def provider_capabilities(provider: str) -> dict[str, Any]:
    """What a provider can do, as plain data for pages and commands."""
    manifest = resolver.provider(provider)
    return {
        "slug": manifest.slug,
        "label": manifest.label,
        "dialect": manifest.dialect,
        "auth_types": list(manifest.auth_types),
        "logins": [msgspec.to_builtins(m) for m in login_methods(manifest.slug)],
        "base_url": manifest.base_url,
        "base_url_required": manifest.base_url_required,
        "base_url_editable": manifest.base_url_editable,
        "key_required": manifest.key_required,
        "key_url": manifest.api_key.key_url if manifest.api_key else "",
        "key_hint": manifest.key_hint,
        "usual_url": manifest.usual_url,
        "default_model": manifest.default_model,
        "notes": manifest.notes,
    }


def check_base_url(base_url: str) -> str:
    """A base URL as we keep it: http(s), a host, no credentials, query or fragment."""
    return parse_base_url(base_url)


def _models_of(credential: Credential) -> Models:
    """The model list of this kind of credential."""
    manifest = resolver.provider(credential.provider)
    own = None
    if manifest.oauth is not None and credential.auth_type == "oauth":
        own = manifest.oauth.models(credential)
    return own or manifest.models
