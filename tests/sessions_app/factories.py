"""People, teams and credentials for tests: plain functions, every default filled.

A test shows only what it is about. The cast: Alice owns, Bob is in the team, Charlie must
see nothing.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import msgspec
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from context_app.models import ToolIntent
from context_app.services import chain
from providers.oauth.login import Login
from sessions_app.models import (
    Membership,
    PendingLogin,
    Role,
    Run,
    SavedAuthentication,
    SignedInBrowser,
    Team,
)
from sessions_app.sealing import crypto

_numbers = itertools.count(1)

PASSWORD = "correct horse battery staple"


def make_user(username: str = "", **fields: Any) -> User:
    """A person; `is_staff=True` for staff. The password is PASSWORD."""
    name = username or f"person{next(_numbers)}"
    return get_user_model().objects.create_user(name, password=PASSWORD, **fields)


def make_superuser(username: str = "") -> User:
    """Somebody who may do everything."""
    name = username or f"admin{next(_numbers)}"
    return get_user_model().objects.create_superuser(name, password=PASSWORD)


def make_team(*members: User, name: str = "", manager: User | None = None) -> Team:
    """A team of these people; `manager` is in it too, and manages it."""
    team = Team.objects.create(name=name or f"team {next(_numbers)}")
    Membership.objects.bulk_create(
        Membership(team=team, user=person) for person in members
    )
    if manager is not None:
        Membership.objects.create(team=team, user=manager, role=Role.MANAGER)
    return team


def make_browser(user: User) -> SignedInBrowser:
    """A browser in which this person is signed in."""
    store = SessionStore()
    store.create()
    return SignedInBrowser.objects.create(
        session_id=store.session_key, user=user, seen_at=timezone.now()
    )


def make_credential(
    *,
    owner: User | None = None,
    provider: str = "openai",
    auth_type: str = "api_key",
    name: str = "",
    secrets: dict[str, str] | None = None,
    expires_in_s: float | None = None,
    **fields: Any,
) -> SavedAuthentication:
    """A saved credential; its key is `sk-test-key` unless `secrets` says otherwise."""
    row = SavedAuthentication(
        provider=provider,
        auth_type=auth_type,
        name=name or f"key_{next(_numbers)}",
        owner=owner,
        **fields,
    )
    if expires_in_s is not None:
        row.expires_at = timezone.now() + timedelta(seconds=expires_in_s)
    row.seal({"api_key": "sk-test-key"} if secrets is None else secrets)
    row.save(force_insert=True)
    return row


def make_oauth(
    *, owner: User | None = None, kind: str = "codex", **fields: Any
) -> SavedAuthentication:
    """A saved login: ChatGPT mode at OpenAI unless `metadata` says otherwise."""
    metadata = {
        "kind": kind,
        "mode": "chatgpt",
        "mode_choice": "auto",
        "account_id": "acc-test",
        "email": "alice@example.org",
        "plan": "Plus",
        "lifetime_s": "3600",
    }
    given = fields.pop("metadata", {})
    secrets = {"access_token": "at-test-1", "refresh_token": "rt-test-1"}
    return make_credential(
        owner=owner,
        auth_type="oauth",
        **{"secrets": secrets, "expires_in_s": 3600, **fields},
        metadata={**metadata, **given},
    )


def make_login(*, user: User, **fields: Any) -> PendingLogin:
    """A login at OpenAI that waits for an answer with the state "state-test"."""
    row = PendingLogin(
        user=user,
        provider="openai",
        method="browser",
        name=f"login_{next(_numbers)}",
        expires_at=timezone.now() + timedelta(minutes=10),
    )
    for name, value in fields.items():
        setattr(row, name, value)
    login = Login(
        provider=row.provider,
        method=row.method,
        name=row.name,
        authorize_url="https://auth.openai.com/oauth/authorize",
        secret="verifier-test",
        state="state-test",
        redirect_uri="http://localhost:1455/auth/callback",
    )
    row.sealed = crypto.encrypt(msgspec.to_builtins(login), row.sealed_context)
    row.save(force_insert=True)
    return row


def make_intent(run: Run, **fields: Any) -> ToolIntent:
    """A recorded tool call of a run that waits for a decision."""
    arguments = {"what": "the file"}
    defaults: dict[str, Any] = {
        "run": run,
        "run_ref": run.pk,
        "conversation_ref": run.conversation_id,
        "person": run.started_by,
        "person_name": run.started_by.get_username() if run.started_by else "",
        "step": 1,
        "call_id": f"call_{next(_numbers)}",
        "provider": run.provider,
        "model": run.model,
        "tool": "change",
        "arguments": arguments,
        "arguments_hash": chain.digest(arguments),
        "purpose": "user_request",
        "scope": "Change the file.",
        "declared_risk": "low",
        "computed_risk": "medium",
        "state": "requested",
        "decision": "ask",
    }
    intent = ToolIntent.objects.create(**defaults | fields)
    chain.append(intent)
    return intent


def sign_in(client: Any, user: User) -> None:
    """Sign this person in with a test client, without the login form."""
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
