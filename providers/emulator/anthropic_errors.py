"""Anthropic's error bodies and headers, and its refusal of keys.

Source: https://platform.claude.com/docs/en/api/errors and /rate-limits
"""

from __future__ import annotations

import time
from typing import Any

from providers.emulator.http11 import Reply, Request

VERSIONS = {"2023-06-01", "2026-10-21"}

_ERRORS = {
    400: ("invalid_request_error", "Invalid request."),
    401: ("authentication_error", "invalid x-api-key"),
    402: ("billing_error", "Your credit balance is too low to access the API."),
    403: (
        "permission_error",
        "Your API key does not have permission to use this resource.",
    ),
    404: ("not_found_error", "model: not found"),
    409: ("conflict_error", "The request conflicts with another one."),
    413: ("request_too_large", "Request exceeds the maximum size."),
    429: ("rate_limit_error", "This request would exceed your rate limit."),
    500: ("api_error", "Internal server error"),
    503: ("api_error", "Service unavailable"),
    504: ("timeout_error", "The request timed out."),
    529: ("overloaded_error", "Overloaded"),
}
_RETRYABLE = {408, 409, 429, 500, 503, 504, 529}


def error(
    status: int,
    *,
    retry_after_s: float | None = None,
    code: str = "",
    message: str = "",
) -> Reply:
    """The reply for a status; `code` replaces the error's type."""
    kind, text = _ERRORS.get(status, _ERRORS[500])
    headers = {
        "request-id": "req_emulated",
        "x-should-retry": "true" if status in _RETRYABLE else "false",
    }
    if retry_after_s is not None:
        headers["retry-after"] = f"{retry_after_s:g}"
    if status == 429:
        headers |= _limits(retry_after_s or 0.0)
    found: dict[str, Any] = {"type": code or kind, "message": message or text}
    data = {"type": "error", "error": found, "request_id": "req_emulated"}
    return Reply(status, data, headers)


def refuse_key(request: Request) -> Reply | None:
    """401 without a good key, 400 without a known version."""
    key = request.headers.get("x-api-key", "")
    key = key or request.headers.get("authorization", "").removeprefix("Bearer ")
    if not key:
        return error(401, message="x-api-key header is required")
    if "bad" in key:
        return error(401)
    version = request.headers.get("anthropic-version")
    if version is None:
        return error(400, message="anthropic-version: header is required")
    if version not in VERSIONS:
        return error(
            400, message=f"anthropic-version: {version!r} is not a valid version"
        )
    return None


def _limits(wait_s: float) -> dict[str, str]:
    """The headers of a limit that is used up; times are RFC 3339."""
    resets_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + wait_s))
    found: dict[str, str] = {}
    for kind, limit in (("requests", 50), ("input-tokens", 40_000)):
        name = f"anthropic-ratelimit-{kind}"
        found |= {
            f"{name}-limit": str(limit),
            f"{name}-remaining": "0",
            f"{name}-reset": resets_at,
        }
    return found
