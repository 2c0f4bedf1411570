"""OpenAI's error bodies and headers, shared by its two endpoints."""

from __future__ import annotations

from typing import Any

from providers.emulator.http11 import Reply, Request

# status: (type, code, message)
_ERRORS: dict[int, tuple[str, str | None, str]] = {
    400: ("invalid_request_error", None, "Invalid request."),
    401: ("invalid_request_error", "invalid_api_key", "Incorrect API key provided."),
    403: ("invalid_request_error", "unsupported_country_region_territory",
          "Country, region, or territory not supported"),
    404: ("invalid_request_error", "model_not_found",
          "The requested model does not exist or you do not have access to it."),
    413: ("invalid_request_error", None, "Request body too large."),
    429: ("requests", "rate_limit_exceeded", "Rate limit reached for requests."),
    500: ("server_error", None, "The server had an error while processing your request."),
    503: ("server_error", "server_is_overloaded", "The engine is currently overloaded."),
}  # fmt: skip


def error(status: int, retry_after_s: float | None = None, **own: Any) -> Reply:
    """The reply for a status; `own` replaces fields of the error object."""
    kind, code, message = _ERRORS.get(status, _ERRORS[500])
    found = {"message": message, "type": kind, "param": None, "code": code} | own
    headers = {"x-request-id": "req_emulated"}
    if retry_after_s is not None:
        headers["retry-after"] = f"{retry_after_s:g}"
    if status == 429:
        headers |= {"x-ratelimit-limit-requests": "60", "x-ratelimit-remaining-requests": "0",
                    "x-ratelimit-reset-requests": "1s"}  # fmt: skip
    return Reply(status, {"error": found}, headers)


def refuse_key(request: Request) -> Reply | None:
    """401 for a missing or bad key. Any key without “bad” in it is good."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key:
        return error(401, code=None, message="You didn't provide an API key.")
    return error(401) if "bad" in key else None


def invalid(message: str, param: str | None = None) -> Reply:
    """400 with the parameter it is about."""
    return error(400, message=message, param=param)
