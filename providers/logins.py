"""The login half of the universal interface; callers import it from `provider.py`.

    begin_login ─▶ the person, at the vendor ─▶ finish_login (or poll_login)

A `Login` holds the verifier: keep it on the server, encrypted, for ten minutes at most.
`complete_login` and `poll_login` give the credential to callers that store it themselves
(with an owner); `finish_login` stores it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from providers import resolver, sessions
from providers.errors import ConfigurationError, CredentialRejected, ProviderError
from providers.http.oauth import shown_url
from providers.interface import OAuth
from providers.names import normalise_name
from providers.oauth import pkce
from providers.oauth.login import Login, LoginMethod, LoginRequest, read_answer
from providers.parameters import checked
from providers.types import AuthType, Credential


@checked
def login_methods(provider: str) -> Sequence[LoginMethod]:
    """The ways to log in at a vendor, the usual one first; [] where there is none."""
    behaviour: OAuth | None = resolver.provider(provider).oauth
    return behaviour.methods() if behaviour else []


@checked
def login_method(provider: str, key: str = "") -> LoginMethod:
    """One of them, by default the first that is offered here. Raises ConfigurationError."""
    behaviour: OAuth = resolver.resolve(provider, "oauth")
    methods = behaviour.methods()
    if not key:
        return next((m for m in methods if not m.refusal), methods[0])
    for method in methods:
        if method.key == key:
            return method
    known = ", ".join(method.key for method in methods)
    raise ConfigurationError(
        f"There is no login {key!r} here. Known: {known}.", provider=provider
    )


@checked
def begin_login(
    provider: str,
    *,
    name: str,
    method: str = "",
    redirect_uri: str | None = None,
    state: str = "",
    mode: str = "",
    again: Credential | None = None,
) -> Login:
    """Start a login: where the person goes, and what to keep until the answer.

    `redirect_uri` is needed for methods that answer by redirect. `state`: 256 random bits
    of the caller's, who listens for them already; made here otherwise. `again`: the
    credential this login is to renew. Raises ConfigurationError, ProviderError.
    """
    behaviour: OAuth = resolver.resolve(provider, "oauth")
    chosen = login_method(provider, method)
    if chosen.refusal:
        raise ConfigurationError(chosen.refusal, provider=provider)
    if chosen.answer == "redirect" and not redirect_uri:
        raise ConfigurationError(
            "This login needs a redirect address: the vendor sends the browser there.",
            provider=provider,
        )
    if mode and mode not in chosen.modes:
        known = ", ".join(chosen.modes) or "none here"
        raise ConfigurationError(f"Modes of this login: {known}.", provider=provider)
    login = behaviour.begin(
        LoginRequest(
            name=normalise_name(name),
            method=chosen.key,
            redirect_uri=redirect_uri or "",
            state=state or pkce.new_state(),
            mode=mode,
            facts=again.metadata if again else {},
        )
    )
    return msgspec.structs.replace(login, authorize_url=shown_url(login.authorize_url))


def check_answer(login: Login, callback_or_code: str) -> None:
    """Return when this may be the answer to this login. Pure: nothing is sent.

    Raises ConfigurationError for an answer of another login or no answer at all,
    CredentialRejected when it says that the login was declined.
    """
    method = login_method(login.provider, login.method)
    read_answer(login, callback_or_code, needs_state=method.answer == "redirect")


def complete_login(login: Login, callback_or_code: str) -> Credential:
    """Trade the vendor's answer for a credential, which is not stored yet.

    Raises CredentialRejected (declined), ConfigurationError (an answer of another
    login; nothing was sent), ProviderError.
    """
    behaviour: OAuth = resolver.resolve(login.provider, "oauth")
    return behaviour.finish(login, callback_or_code)


def poll_login(login: Login) -> Credential | None:
    """Ask about a device login, once; None while it waits. Raises ProviderError."""
    behaviour: OAuth = resolver.resolve(login.provider, "oauth")
    return behaviour.poll(login)


@checked
def finish_login(login: Login, callback_or_code: str) -> str:
    """Trade the vendor's answer for tokens, save them, return the session id."""
    credential = complete_login(login, callback_or_code)
    sessions.store().create(credential)
    return credential.name


@checked
def refresh_tokens(
    provider: str,
    session_id: str,
    *,
    auth_type: AuthType | None = None,
    generation: int | None = None,
) -> str | None:
    """A fresh access token, stored before it is used. Returns the new expiry (ISO 8601).

    Single flight across threads and processes. An API key does not expire: None, and
    nothing is sent. `generation`: that one is to be renewed; nothing is sent when
    somebody did so already. Raises CredentialRejected when the login is over.
    """
    credential = sessions.find(provider, session_id, auth_type)
    if credential.auth_type == "api_key":
        return None
    if generation is not None and credential.generation != generation:
        return credential.expires_at
    return sessions.renewed(credential).expires_at


def modes_of(provider: str, metadata: Mapping[str, object]) -> list[str]:
    """What a saved login may be switched between; [] where there is nothing to choose."""
    if "mode_choice" not in metadata:
        return []
    return list(dict.fromkeys(m for way in login_methods(provider) for m in way.modes))


@checked
def choose_mode(provider: str, session_id: str, mode: str) -> str:
    """Use a login in another mode of its vendor; returns the mode it now has.

    Raises ConfigurationError for a mode it does not have, ProviderError. The login is
    kept whatever happens.
    """
    credential = sessions.find(provider, session_id, "oauth")
    if mode not in modes_of(provider, credential.metadata):
        raise ConfigurationError(
            f"{credential.name!r} has no mode {mode!r} to choose.", provider=provider
        )
    for _ in range(3):  # a renewal that was under way knows nothing of the choice
        facts = {**credential.metadata, "mode_choice": mode}
        sessions.store().note(msgspec.structs.replace(credential, metadata=facts))
        fresh = credential = sessions.renewed(credential)
        if fresh.metadata.get("mode_choice") == mode:
            break
    if fresh.problem:
        raise CredentialRejected(fresh.problem, provider=provider)
    return fresh.metadata.get("mode", mode)


@checked
def revoke_session(provider: str, session_id: str) -> bool:
    """Take a login back at its vendor; False where there is no way, or it was refused.

    The credential stays as it is: callers delete it.
    """
    credential = sessions.find(provider, session_id, "oauth")
    try:
        return take_back(credential)
    except ProviderError:
        return False


def take_back(credential: Credential) -> bool:
    """The same for whoever must know why: False where the vendor has no way to take a
    login back; raises ProviderError when it has one and it failed."""
    behaviour: OAuth = resolver.resolve(credential.provider, "oauth")
    return behaviour.revoke(credential)
