"""The universal provider interface: the one door to every vendor.

Session ids are the names of saved authentications. Every call resolves the provider by
its slug, takes the credential from the store, and talks HTTP through `providers.http`;
callers see models, typed events and one tree of errors, and never which vendor it was.

    create_session  begin_login / finish_login  refresh_tokens  delete_session
    list_models     stream_chat                 check_session   audit_code
    list_providers  provider_capabilities
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from providers import resolver
from providers.chat_stream import ChatStream
from providers.errors import ConfigurationError, UnsupportedFeature
from providers.http.client import HttpClient, client_for
from providers.http.urls import parse_base_url
from providers.local_servers import LocalServer, local_servers
from providers.names import normalise_name
from providers.store import CredentialStore, MemoryStore, not_found
from providers.types import (
    AuthType,
    ChatRequest,
    Credential,
    Message,
    Model,
    Origin,
    Secret,
)

__all__ = [
    "LocalServer",
    "audit_code",
    "begin_login",
    "build_api_key_credential",
    "check_base_url",
    "check_credential",
    "check_session",
    "create_session",
    "delete_session",
    "finish_login",
    "list_models",
    "list_providers",
    "local_servers",
    "models_with",
    "provider_capabilities",
    "refresh_tokens",
    "stream_chat",
    "stream_with",
    "use_store",
]

_store: CredentialStore = MemoryStore()


def use_store(store: CredentialStore) -> None:
    """Install the place credentials live in; once, at start."""
    global _store
    _store = store


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
    _store.create(credential)
    return credential.name


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
    key = api_key.strip()
    if manifest.key_required and not key:
        raise ConfigurationError(
            f"{manifest.label} needs an API key.", provider=provider
        )
    if any(ord(c) < 33 or ord(c) > 126 for c in key):
        raise ConfigurationError(
            "An API key is one word of printable ASCII. Copy it again, without line breaks.",
            provider=provider,
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


def check_session(
    provider: str, session_id: str, *, auth_type: AuthType | None = None
) -> None:
    """One cheap authenticated call: returns when the credential works, else raises."""
    credential = _credential(provider, session_id, auth_type)
    check_credential(credential)


def check_credential(credential: Credential) -> None:
    """The same for a credential that is not saved (the form's "test" button)."""
    behaviour = resolver.resolve(credential.provider, credential.auth_type)
    with _client(credential) as client:
        if credential.auth_type == "api_key":
            behaviour.check(client)
        else:
            resolver.resolve(credential.provider, "models").list_models(client)


def list_models(
    provider: str, auth_type: AuthType | None, session_id: str
) -> Sequence[Model]:
    """The models this credential may use, best first."""
    return models_with(_credential(provider, session_id, auth_type))


def models_with(credential: Credential) -> Sequence[Model]:
    """The same for a credential that is not saved."""
    with _client(credential) as client:
        models: Sequence[Model] = resolver.resolve(
            credential.provider, "models"
        ).list_models(client)
        return models


def stream_chat(
    provider: str,
    session_id: str,
    messages: Sequence[Message],
    *,
    model: str,
    auth_type: AuthType | None = None,
    **options: Any,
) -> ChatStream:
    """Ask for one model response. A context manager that yields typed events.

    `options` are the other fields of `ChatRequest`. Nothing is sent before the stream is
    entered. `close()`, from any thread, ends it within a second. One attempt: callers
    retry, and only before the first event. Raises ProviderError.
    """
    return stream_with(
        _credential(provider, session_id, auth_type), messages, model=model, **options
    )


def stream_with(
    credential: Credential, messages: Sequence[Message], *, model: str, **options: Any
) -> ChatStream:
    """The same for a credential that is not saved (the conformance suite)."""
    request = _request(credential, messages, model, options)
    call = resolver.resolve(credential.provider, "streaming").call(request, credential)
    return ChatStream(call, _client(credential), idle_timeout_s=request.idle_timeout_s)


def begin_login(provider: str, *, name: str, redirect_uri: str | None = None) -> Any:
    """Start an OAuth login: the authorize URL and what to keep until the answer."""
    return resolver.resolve(provider, "oauth").begin(
        name=normalise_name(name), redirect_uri=redirect_uri
    )


def finish_login(provider: str, login: Any, callback_or_code: str) -> str:
    """Trade the vendor's answer for tokens, save them, return the session id."""
    credential = resolver.resolve(provider, "oauth").finish(login, callback_or_code)
    _store.create(credential)
    return str(credential.name)


def refresh_tokens(
    provider: str, session_id: str, *, auth_type: AuthType | None = None
) -> str | None:
    """A fresh access token, stored before it is used. Returns the new expiry (ISO 8601).

    An API key does not expire: None, and nothing is sent.
    """
    credential = _credential(provider, session_id, auth_type)
    if credential.auth_type == "api_key":
        return None
    fresh = resolver.resolve(provider, "oauth").refresh(credential)
    _store.replace(fresh)
    return fresh.expires_at if isinstance(fresh, Credential) else None


def delete_session(provider: str, auth_type: AuthType, session_id: str) -> None:
    """Forget a credential. Deleting what is not there is no error."""
    resolver.provider(provider)
    _store.delete(provider, auth_type, session_id)


def audit_code(provider: str, session_id: str, source: str, **options: Any) -> Any:
    """A report of structured findings about `source`."""
    raise UnsupportedFeature(
        "Code audits are not part of this version.",
        provider=resolver.provider(provider).slug,
    )


def list_providers() -> list[str]:
    """The slugs of all installed providers, sorted."""
    return sorted(resolver.providers())


def provider_capabilities(provider: str) -> dict[str, Any]:
    """What a provider can do, as plain data for pages and commands."""
    manifest = resolver.provider(provider)
    return {
        "slug": manifest.slug,
        "label": manifest.label,
        "dialect": manifest.dialect,
        "auth_types": list(manifest.auth_types),
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


def _credential(
    provider: str, session_id: str, auth_type: AuthType | None
) -> Credential:
    resolver.provider(provider)
    if auth_type is None:
        ways = _store.find(provider, session_id)
        if not ways:
            raise not_found(provider, session_id)
        if len(ways) > 1:
            raise ConfigurationError(
                f"{session_id!r} is both an API key and a login: say auth_type=.",
                provider=provider,
            )
        auth_type = ways[0]
    return _store.get(provider, auth_type, session_id)


def _client(credential: Credential) -> HttpClient:
    manifest = resolver.provider(credential.provider)
    behaviour = resolver.resolve(credential.provider, credential.auth_type)
    return client_for(
        provider=manifest.slug,
        base_url=credential.origin_url(manifest.base_url),
        headers={**manifest.headers, **behaviour.headers(credential)},
    )


def _request(
    credential: Credential,
    messages: Sequence[Message],
    model: str,
    options: dict[str, Any],
) -> ChatRequest:
    if not model:
        raise ConfigurationError("Choose a model first.", provider=credential.provider)
    unknown = set(options) - set(ChatRequest.__struct_fields__)
    if unknown:
        names = ", ".join(sorted(unknown))
        raise ConfigurationError(f"stream_chat() has no option {names}.")
    origin = Origin(
        provider=credential.provider, model=model, session_id=credential.name
    )
    return ChatRequest(model=model, messages=list(messages), origin=origin, **options)
