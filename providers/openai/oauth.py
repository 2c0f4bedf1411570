"""OpenAI's logins behind the one interface: which login it was decides what is done.

    kind    mode      asked with        answered by
    codex   chatgpt   access token      chatgpt.com/backend-api/codex, the person's plan
    codex   api_key   minted API key    api.openai.com, billed to the organisation
    siwc    chatgpt   access token      api.openai.com, the person's plan

The mode is detected from the ID token (`plans.py`) unless the person chose one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from providers.errors import (
    ConfigurationError,
    ProviderError,
    ProviderUnavailable,
    RateLimited,
)
from providers.interface import Models
from providers.oauth.login import Login, LoginMethod, LoginRequest
from providers.oauth.tokens import Tokens, renewed
from providers.openai import codex, siwc
from providers.openai.chatgpt import CHATGPT_MODELS, SIWC_MODELS
from providers.openai.config import CHATGPT_URL, SLUG
from providers.openai.plans import BILLED, MODES, account_of
from providers.types import Credential, Secret

NO_ORGANISATION = (
    "OpenAI made no API key for this account: it has no platform organisation, or may not "
    "use it. Switch this login to ChatGPT mode, or set the organisation up at "
    "https://platform.openai.com and log in again."
)
KEY_NEEDS_LOGIN = (
    "OpenAI did not say again who signed in, which a new API key needs. Log in again, or "
    "switch this login to ChatGPT mode."
)
KEY_LATER = (
    "OpenAI could not make the API key just now. Refresh this login in a moment."
)


class OpenAIOAuth:
    """See `providers.interface.OAuth`."""

    def methods(self) -> Sequence[LoginMethod]:
        """By browser, by device code, and with ChatGPT."""
        return (codex.BROWSER, codex.DEVICE, siwc.METHOD)

    def begin(self, request: LoginRequest) -> Login:
        """Raises ConfigurationError, ProviderError."""
        if request.mode and request.mode not in MODES:
            raise ConfigurationError(
                f"The mode is one of {', '.join(MODES)}.", provider=SLUG
            )
        if request.method == codex.DEVICE.key:
            return codex.begin_device(request)
        if request.method == siwc.METHOD.key:
            return siwc.begin(request)
        return codex.begin(request)

    def finish(self, login: Login, answer: str) -> Credential:
        """Raises ProviderError. An account without a key is kept, with its `problem`."""
        if login.method == siwc.METHOD.key:
            tokens, facts = siwc.finish(login, answer)
            facts |= {"kind": "siwc", "mode": "chatgpt", "is_personal": "true"}
            return _with_plan(renewed(_empty(login), tokens, facts))
        return self._codex(login, codex.finish(login, answer))

    def poll(self, login: Login) -> Credential | None:
        """One request; None while the person has not typed the code in."""
        tokens = codex.poll_device(login)
        return None if tokens is None else self._codex(login, tokens)

    def headers(self, credential: Credential) -> dict[str, str]:
        """A minted key with its organisation; else the access token with its account."""
        facts = credential.metadata
        if facts.get("mode") == "api_key":
            headers = {"Authorization": f"Bearer {credential.secret('api_key')}"}
            if organization := facts.get("organization"):
                headers["OpenAI-Organization"] = organization
            if project := facts.get("project"):
                headers["OpenAI-Project"] = project
            return headers
        headers = {"Authorization": f"Bearer {credential.secret('access_token')}"}
        if facts.get("kind") == "codex":
            headers["originator"] = "maestro"
            if account := facts.get("account_id"):
                headers["chatgpt-account-id"] = account
        return headers

    def base_url(self, credential: Credential) -> str:
        """ChatGPT answers for plans of the first client only."""
        return CHATGPT_URL if is_backend(credential) else ""

    def models(self, credential: Credential) -> Models | None:
        """Plans have a list of their own."""
        if credential.metadata.get("kind") == "siwc":
            return SIWC_MODELS
        return CHATGPT_MODELS if is_backend(credential) else None

    def is_subscription(self, metadata: Mapping[str, Any]) -> bool:
        """Whatever is answered by a ChatGPT plan."""
        return bool(metadata.get("mode") == "chatgpt")

    def refresh(self, credential: Credential, *, is_refused: bool) -> Credential:
        """New tokens. A refused or missing key is minted again in API-key mode."""
        old = credential.secret("refresh_token"), credential.secret("access_token")
        if credential.metadata.get("kind") == "siwc":
            tokens = siwc.refresh(credential.metadata.get("client_id", ""), *old)
            return _with_plan(renewed(credential, tokens, siwc.not_before(tokens)))
        tokens = codex.refresh(*old)
        if is_refused:
            credential = _without_key(credential)
        return _settled(credential, tokens)

    def revoke(self, credential: Credential) -> bool:
        """Ends it at OpenAI, minted keys excepted: those are deleted on the platform."""
        token = credential.secret("refresh_token")
        if not token:
            return False
        if credential.metadata.get("kind") == "siwc":
            siwc.revoke(credential.metadata.get("client_id", ""), token)
        else:
            codex.revoke(token)
        return True

    def _codex(self, login: Login, tokens: Tokens) -> Credential:
        chosen = login.mode or MODES[0]
        empty = _empty(login, {"kind": "codex", "mode_choice": chosen})
        return _settled(empty, tokens)


def is_backend(credential: Credential) -> bool:
    """Whether the ChatGPT backend answers this credential."""
    facts = credential.metadata
    return facts.get("kind") == "codex" and facts.get("mode") != "api_key"


def _settled(credential: Credential, tokens: Tokens) -> Credential:
    """The credential in its mode: by choice, by its plan, or as it was."""
    id_token = tokens.id_token.reveal() if tokens.id_token else ""
    account = account_of(id_token, tokens.access_token.reveal())
    facts = account.facts()
    chosen = credential.metadata.get("mode_choice", MODES[0])
    if chosen in ("chatgpt", "api_key"):
        mode = chosen
    elif id_token or "mode" not in credential.metadata:
        mode = account.mode
    else:
        mode = credential.metadata["mode"]
    facts |= {"mode": mode, "warning": BILLED if mode == "api_key" else ""}
    fresh = renewed(credential, tokens, facts)
    if mode == "chatgpt":
        fresh = _without_key(fresh)
        return msgspec.structs.replace(fresh, problem="")
    if fresh.secret("api_key"):
        return msgspec.structs.replace(fresh, problem="")
    return _with_key(fresh, id_token)


def _with_key(credential: Credential, id_token: str) -> Credential:
    """Mint a platform key. What fails is told; the login is kept."""
    if not id_token:
        return msgspec.structs.replace(credential, problem=KEY_NEEDS_LOGIN)
    try:
        key = codex.platform_key(id_token)
    except (ProviderUnavailable, RateLimited):
        return msgspec.structs.replace(credential, problem=KEY_LATER)
    except ProviderError:
        return msgspec.structs.replace(credential, problem=NO_ORGANISATION)
    secrets = {**credential.secrets, "api_key": Secret(key)}
    return msgspec.structs.replace(credential, secrets=secrets, problem="")


def _with_plan(credential: Credential) -> Credential:
    """Signed in with ChatGPT: whether the plan may be used."""
    found = siwc.problem(credential.metadata.get("scope", ""))
    return msgspec.structs.replace(credential, problem=found)


def _without_key(credential: Credential) -> Credential:
    secrets = {k: v for k, v in credential.secrets.items() if k != "api_key"}
    return msgspec.structs.replace(credential, secrets=secrets)


def _empty(login: Login, facts: dict[str, str] | None = None) -> Credential:
    return Credential(
        provider=SLUG,
        auth_type="oauth",
        name=login.name,
        secrets={},
        metadata=facts or {},
    )
