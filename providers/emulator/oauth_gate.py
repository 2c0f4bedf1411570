"""Who may use an access token where: each vendor's refusal before its API answers.

Only what looks like a token of a login is looked at; keys are judged elsewhere, by the
letters “bad”.

Source: developers.openai.com/siwc (models and inference, preview limitations, errors);
anthropic-sdk-python `lib/credentials/`; ai.google.dev/gemini-api/docs/oauth
"""

from __future__ import annotations

from typing import Any

from providers.emulator import anthropic_errors, gemini_errors, models, oauth_google
from providers.emulator import openai_errors as openai
from providers.emulator.chatgpt_models import listed
from providers.emulator.http11 import Reply, Request
from providers.emulator.oauth_siwc import USE
from providers.emulator.oauth_siwc import VENDOR as SIWC
from providers.emulator.oauth_state import AuthServers

OAUTH_BETA = "oauth-2025-04-20"
_SIWC = "subscription_sharing_"
_PLANS = {"plus", "pro"}
_FORBIDDEN = (
    "background", "conversation", "max_output_tokens", "max_tool_calls", "metadata",
    "moderation", "multi_agent", "prompt", "prompt_cache_retention",
    "safety_identifier", "temperature", "top_logprobs", "top_p", "truncation", "user",
    "previous_response_id",
)  # fmt: skip
_TOOLS = {"namespace", "web_search"}


def refuse(request: Request, servers: AuthServers) -> Reply | None:
    """The refusal of a token of a login, or what such a token sees in place of a key."""
    bearer = bearer_of(request)
    match request.path.split("/")[1]:
        case "openai" if bearer.count(".") == 2 and bearer.startswith("eyJ"):
            return _openai(request, bearer, servers)
        case "openai" if bearer in servers.keys:
            return _minted(request, servers.keys[bearer])
        case "anthropic" if "sk-ant-oat" in bearer + _api_key(request):
            return _anthropic(request, bearer, servers)
        case "gemini" if bearer.startswith("ya29."):
            return _gemini(request, bearer, servers)
    return None


def bearer_of(request: Request) -> str:
    """The token of the Authorization header, "" without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _api_key(request: Request) -> str:
    return request.headers.get("x-api-key", "")


def _openai(request: Request, bearer: str, servers: AuthServers) -> Reply | None:
    family, why = servers.use(bearer)
    if family is not None and family.vendor != SIWC:
        return openai.error(
            401,
            code="missing_scope",
            message="You have insufficient permissions for this operation. Missing "
            "scopes: api.responses.write.",
        )
    if family is None or why:
        code = "token_expired" if why == "expired" else f"{_SIWC}invalid_user"
        message = f"The access token is {why}. Sign in again."
        return openai.error(401, code=code, message=message)
    if servers.config.plan_type not in _PLANS or USE not in family.scope.split():
        return _siwc(403, "user_not_eligible", "The plan cannot be used here.")
    match request.method, request.path:
        case "GET", "/openai/v1/models":
            return Reply(200, {"models": listed(models.OPENAI)}, dict(openai.HEADERS))
        case "POST", "/openai/v1/responses":
            return _siwc_limits(request, servers)
    return _siwc(400, "unsupported_capability", "This endpoint is not supported.")


def _siwc(status: int, code: str, message: str, param: str = "") -> Reply:
    return openai.error(status, code=_SIWC + code, message=message, param=param)


def _siwc_limits(request: Request, servers: AuthServers) -> Reply | None:
    """What such a token cannot ask for."""
    if servers.config.used_percent >= 100:
        return _siwc(429, "usage_limit_exceeded", "The usage limit is reached.")
    body = request.json()
    if not isinstance(body, dict):
        return None
    param = _unsupported(body)
    if param:
        message = f"'{param}' is not supported with a shared subscription."
        return _siwc(400, "unsupported_capability", message, param)
    return None


def _unsupported(body: dict[str, Any]) -> str:
    """The first parameter that is not as it must be, "" for none."""
    for name in _FORBIDDEN:
        if body.get(name) is not None:
            return name
    must = {
        "store": body.get("store") is False,
        "stream": body.get("stream") is True,
        "input": isinstance(body.get("input"), list),
    }
    for name, holds in must.items():
        if not holds:
            return name
    return _system_item(body["input"]) or _wrong_tool(body.get("tools") or [])


def _system_item(items: list[Any]) -> str:
    for i, item in enumerate(items):
        kind = item.get("type", "message") if isinstance(item, dict) else ""
        if kind == "message" and item.get("role") == "system":
            return f"input[{i}].role"
    return ""


def _wrong_tool(tools: list[Any]) -> str:
    """A function stands in a namespace, which has a description."""
    for i, tool in enumerate(tools):
        if not isinstance(tool, dict) or tool.get("type") not in _TOOLS:
            return f"tools[{i}]"
        if tool["type"] == "namespace" and not tool.get("description"):
            return f"tools[{i}].description"
    return ""


def _minted(request: Request, organization: str) -> Reply | None:
    """A key is its organisation's."""
    said = request.headers.get("openai-organization")
    if said in (None, "", organization):
        return None
    message = "OpenAI-Organization header should match organization for API key"
    return openai.error(401, code="mismatched_organization", message=message)


def _anthropic(request: Request, bearer: str, servers: AuthServers) -> Reply | None:
    error = anthropic_errors.error
    if _api_key(request):
        return error(401, message="invalid x-api-key")
    betas = request.headers.get("anthropic-beta", "").replace(" ", "").split(",")
    is_api = request.path.startswith("/anthropic/v1/")
    if is_api and OAUTH_BETA not in betas:
        return error(401, message="OAuth authentication is currently not supported.")
    family, why = servers.use(bearer)
    if why == "expired":
        return error(
            401,
            message="OAuth token has expired. Please obtain a new token or refresh your "
            "existing token.",
        )
    if family is None or why:
        return error(401, message="Invalid authentication credentials")
    if is_api and "user:inference" not in family.scope.split():
        return error(
            403, message="OAuth token does not meet scope requirement user:inference"
        )
    return None


def _gemini(request: Request, bearer: str, servers: AuthServers) -> Reply | None:
    if request.headers.get("x-goog-api-key") or request.query.get("key"):
        return gemini_errors.refuse_key(request)
    family, why = servers.use(bearer)
    if family is None or why:
        code = "ACCESS_TOKEN_EXPIRED" if why == "expired" else ""
        code = code or "ACCESS_TOKEN_TYPE_UNSUPPORTED"
        return gemini_errors.error(401, code=code)
    if not set(family.scope.split()) & oauth_google.API_SCOPES:
        message = "Request had insufficient authentication scopes."
        code = "ACCESS_TOKEN_SCOPE_INSUFFICIENT"
        return gemini_errors.error(403, code=code, message=message)
    if not request.headers.get("x-goog-user-project"):
        message = (
            "Your application is authenticating by using local Application Default "
            "Credentials. The generativelanguage.googleapis.com API requires a quota "
            "project, which is not set by default."
        )
        return gemini_errors.error(403, code="SERVICE_DISABLED", message=message)
    return None
