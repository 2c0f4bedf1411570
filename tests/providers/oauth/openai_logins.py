"""Logins at OpenAI, said and done: token answers, a login as it is saved."""

from __future__ import annotations

from typing import Any

from providers import provider, sessions
from providers.oauth.login import Login
from providers.types import Credential
from tests.providers.oauth.login_server import LoginServer, unsigned

AUTH = "https://auth.openai.com"
TOKEN = f"POST {AUTH}/oauth/token"
DEVICE = f"POST {AUTH}/api/accounts/deviceauth"
CALLBACK = "http://localhost:1455/auth/callback"
CLIENT = "app_EMoamEEZ73f0CkXaXp7hrann"
NO_SUCH = {"error": {"code": "invalid_subject_token", "message": "no organization"}}


def id_token(plan: str | None = "plus", **auth: Any) -> str:
    claims = {"chatgpt_account_id": "acc-1", "chatgpt_plan_type": plan, **auth}
    return unsigned({"email": "ada@example.com", "https://api.openai.com/auth": claims})


def tokens(plan: str | None = "plus", number: int = 1, **more: Any) -> dict[str, Any]:
    fields = {
        "access_token": f"at-{number}",
        "refresh_token": f"rt-{number}",
        "id_token": id_token(plan),
        "expires_in": 3600,
    }
    return {k: v for k, v in {**fields, **more}.items() if v is not None}


def begin(**more: Any) -> Login:
    return provider.begin_login("openai", name="work", redirect_uri=CALLBACK, **more)


def answer(login: Login) -> str:
    return f"{CALLBACK}?code=the-code&state={login.state}"


def logged_in(
    server: LoginServer, plan: str | None = "plus", **more: Any
) -> Credential:
    """A saved login; API-key plans have their key minted."""
    server.says(TOKEN, tokens(plan))
    if provider_mode(plan, more.get("mode", "")) == "api_key":
        server.says(TOKEN, {"access_token": "sk-test-minted-1"})
    login = begin(**more)
    provider.finish_login(login, answer(login))
    server.forget(TOKEN)
    server.asked.clear()
    return saved()


def provider_mode(plan: str | None, chosen: str) -> str:
    return chosen or ("chatgpt" if plan in ("plus", "pro", "team") else "api_key")


def saved() -> Credential:
    return sessions.store().get("openai", "oauth", "work")
