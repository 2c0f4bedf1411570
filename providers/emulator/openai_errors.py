"""OpenAI's error bodies and headers, shared by its two endpoints.

Source: https://platform.openai.com/docs/guides/error-codes and /rate-limits
"""

from __future__ import annotations

from typing import Any

from providers.emulator.http11 import Reply, Request

HEADERS = {"x-request-id": "req_emulated", "openai-version": "2020-10-01"}

# status: (type, code, message)
_ERRORS: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "Invalid request."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "unsupported_country_region_territory",
          "Country, region, or territory not supported"),
    404: ("invalid_request_error", "model_not_found",
          "The requested model does not exist or you do not have access to it."),
    405: ("invalid_request_error", "method_not_supported", "Not allowed."),
    413: ("invalid_request_error", None, "Request body too large."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("server_error", "server_is_overloaded", "The engine is currently overloaded."),
}  # fmt: skip

# code: (type, message), for the causes that a status alone does not tell.
_CODES = {
    "insufficient_quota": ("insufficient_quota", "You exceeded your current quota, please "
                           "check your plan and billing details."),
    "context_length_exceeded": ("invalid_request_error", "Your input exceeds the context "
                                "window of this model. Please adjust your input and try "
                                "again."),
    "invalid_encrypted_content": ("invalid_request_error", "The encrypted content could "
                                  "not be verified."),
}  # fmt: skip


def error(
    status: int, *, retry_after_s: float | None = None, code: str = "", **own: Any
) -> Reply:
    """The reply for a status; `own` replaces fields of the error object, if it says any."""
    kind, usual_code, message = _ERRORS.get(status, _ERRORS[500])
    if code in _CODES:
        kind, message = _CODES[code]
    found = {
        "message": message,
        "type": kind,
        "param": None,
        "code": code or usual_code,
    }
    found |= {name: value for name, value in own.items() if value}
    headers = dict(HEADERS)
    if retry_after_s is not None:
        headers["retry-after"] = f"{retry_after_s:g}"
    if status == 429 and code != "insufficient_quota":
        headers |= {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0",
                    "x-ratelimit-reset-requests": f"{retry_after_s or 1:g}s"}  # fmt: skip
    return Reply(status, {"error": found}, headers)


def refuse_key(request: Request) -> Reply | None:
    """401 for a missing or bad key. Any key without “bad” in it is good."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        missing = error(401, message="You didn't provide an API key.")
        missing.data["error"]["code"] = None
        return missing
    return error(401) if "bad" in key else None


def invalid(message: str, param: str | None = None, code: str = "") -> Reply:
    """400 with the parameter it is about."""
    return error(400, message=message, param=param, code=code)


def no_model(name: str) -> Reply:
    """404 for a model that is not there."""
    return error(
        404,
        message=f"The model `{name}` does not exist or you do not have access to it.",
    )
