"""chatgpt.com for tokens of the Codex client: Responses, with rules of its own.

Source: openai/codex `codex-rs/codex-api/src/{common,rate_limits,sse/responses}.rs`,
`codex-rs/login/src/auth/default_client.rs`; router-for-me/CLIProxyAPI
`internal/runtime/executor/codex_executor_request.go` for what is refused
"""

from __future__ import annotations

import time
from typing import Any

from providers.emulator import chatgpt_models, models, openai_errors
from providers.emulator import openai_responses_checks as checks
from providers.emulator.http11 import Reply, Request
from providers.emulator.oauth_gate import bearer_of
from providers.emulator.oauth_openai import VENDOR
from providers.emulator.oauth_records import Family
from providers.emulator.openai_responses import Responses, question_of
from providers.emulator.state import State
from providers.emulator.wire import Turn, Wrong, turn_of

PATH = "/chatgpt/backend-api/codex"
_FORBIDDEN = (
    "max_output_tokens", "max_completion_tokens", "temperature", "top_p", "user",
    "truncation", "prompt_cache_options", "prompt_cache_retention",
    "safety_identifier", "context_management", "previous_response_id",
    "stream_options",
)  # fmt: skip
_LIBRARIES = ("python-requests/", "python-urllib", "python-httpx/", "curl/")
_BLOCKED = b"<html><head><title>Just a moment...</title></head><body></body></html>"


class Backend(Responses):
    """POST /backend-api/codex/responses; the final event repeats no output."""

    repeats_output = False

    def error(
        self,
        status: int,
        *,
        retry_after_s: float | None = None,
        code: str = "",
        message: str = "",
    ) -> Reply:
        if status == 429 and not code.startswith("rate_limit"):
            return _limited(
                code or "usage_limit_reached", "plus", retry_after_s or 3600
            )
        return openai_errors.error(
            status, retry_after_s=retry_after_s, code=code, message=message
        )

    def understand(self, request: Request, state: State) -> Turn | Reply:
        found = admitted(request, state)
        if isinstance(found, Reply):
            return found
        self.headers = {**Responses.headers, **limits(state)}
        body: Any = request.json()
        refused = _out_of_plan(state) or _wrong(body)
        if refused is not None:
            return refused
        items = body["input"]
        try:
            checks.check(body, items, state)
        except Wrong as wrong:
            return openai_errors.invalid(wrong.message, wrong.param, wrong.code)
        prompt = [body.get("tools"), body["instructions"], *items]
        question = question_of(body, items)
        return turn_of(body["model"], question, body, prompt, state, streams=True)


def plain(request: Request, rest: str, state: State) -> Reply | None:
    """The list of models; None for what is not there."""
    if (request.method, rest) != ("GET", "/backend-api/codex/models"):
        return None
    found = admitted(request, state)
    return found if isinstance(found, Reply) else chatgpt_models.answer(request)


def admitted(request: Request, state: State) -> Family | Reply:
    """Whose request it is, or the refusal."""
    agent = request.headers.get("user-agent", "").lower()
    if not agent or agent.startswith(_LIBRARIES):
        return Reply(403, headers={"content-type": "text/html"}, body=_BLOCKED)
    family, why = state.oauth.use(bearer_of(request))
    if family is None or family.vendor != VENDOR:
        return _detail(401, "Unauthorized")
    if why:
        code = "token_expired" if why == "expired" else "token_revoked"
        message = (
            f"Provided authentication token is {why}. Please try signing in again."
        )
        return openai_errors.error(401, code=code, message=message)
    account = request.headers.get("chatgpt-account-id")
    if not account:
        return _detail(400, "chatgpt-account-id header is required")
    if account != family.account.account_id:
        return _detail(403, "The account is not yours.")
    return family


def limits(state: State) -> dict[str, str]:
    """How much of the plan is used, as headers of every answer."""
    config = state.oauth.config
    resets_at = int(time.time() + config.resets_in_s)
    return {
        "x-codex-primary-used-percent": f"{config.used_percent:g}",
        "x-codex-primary-window-minutes": "300",
        "x-codex-primary-reset-at": str(resets_at),
        "x-codex-secondary-used-percent": f"{min(100, config.used_percent / 7):.2f}",
        "x-codex-secondary-window-minutes": "10080",
        "x-codex-secondary-reset-at": str(resets_at + 5 * 86_400),
        "x-codex-credits-has-credits": "false",
        "x-codex-credits-unlimited": "false",
        "x-models-etag": 'W/"emulated"',
    }


def _detail(status: int, text: str) -> Reply:
    return Reply(status, {"detail": text}, dict(openai_errors.HEADERS))


def _out_of_plan(state: State) -> Reply | None:
    config = state.oauth.config
    plan = config.plan_type or "unknown"
    if not config.codex_included:
        return _limited("usage_not_included", plan, None)
    if config.used_percent < 100:
        return None
    reply = _limited("usage_limit_reached", plan, config.resets_in_s)
    reply.headers |= limits(state)
    return reply


def _limited(kind: str, plan: str, resets_in_s: float | None) -> Reply:
    error: dict[str, Any] = {
        "type": kind,
        "message": "The usage limit has been reached",
    }
    error["plan_type"] = plan
    if resets_in_s is not None:
        error["resets_in_seconds"] = int(resets_in_s)
        error["resets_at"] = int(time.time() + resets_in_s)
    return Reply(429, {"error": error}, dict(openai_errors.HEADERS))


def _wrong(body: Any) -> Reply | None:
    """400 for a body that this backend does not take."""
    if not isinstance(body, dict):
        return _detail(400, "Bad Request")
    for name in _FORBIDDEN:
        if name in body:
            return _detail(400, f"Unsupported parameter: {name}")
    text = _missing(body) or _wrong_item(body)
    return _detail(400, text) if text else None


def _missing(body: dict[str, Any]) -> str:
    model = body.get("model")
    if model not in models.CHATGPT + models.CHATGPT_HIDDEN:
        return (
            f"The '{model}' model is not supported when using Codex with a ChatGPT "
            "account."
        )
    items = body.get("input")
    claims = {
        "Instructions are required": isinstance(body.get("instructions"), str),
        "Input must be a list": isinstance(items, list) and bool(items),
        "Store must be set to false": body.get("store") is False,
        "Stream must be set to true": body.get("stream") is True,
        "Unsupported service_tier": body.get("service_tier", "priority") == "priority",
    }
    return next((text for text, holds in claims.items() if not holds), "")


def _wrong_item(body: dict[str, Any]) -> str:
    for item in body["input"]:
        if isinstance(item, dict) and item.get("role") == "system":
            return "System messages are not allowed"
        if isinstance(item, dict) and "prompt_cache_breakpoint" in item:
            return "Unsupported parameter: prompt_cache_breakpoint"
    return ""
