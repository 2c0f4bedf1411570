"""Gemini's error bodies, and its refusal of keys.

Source: ai.google.dev/gemini-api/docs/troubleshooting, google.rpc.Status and its details
"""

from __future__ import annotations

from typing import Any

from providers.emulator.http11 import Reply, Request

_STATUS = {
    400: ("INVALID_ARGUMENT", "Request contains an invalid argument."),
    401: ("UNAUTHENTICATED", "Request had invalid authentication credentials."),
    403: ("PERMISSION_DENIED", "The caller does not have permission."),
    404: ("NOT_FOUND", "The model is not found for API version v1beta."),
    409: ("ABORTED", "The operation was aborted."),
    413: ("INVALID_ARGUMENT", "Request payload size exceeds the limit."),
    429: ("RESOURCE_EXHAUSTED", "You exceeded your current quota."),
    499: ("CANCELLED", "The operation was cancelled."),
    500: ("INTERNAL", "An internal error has occurred."),
    503: ("UNAVAILABLE", "The model is overloaded. Please try again later."),
    504: ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
}
_TYPE = "type.googleapis.com/google.rpc."
_JSON = {"content-type": "application/json; charset=UTF-8"}


def error(
    status: int,
    *,
    retry_after_s: float | None = None,
    code: str = "",
    message: str = "",
) -> Reply:
    """The reply for a status; `code` is the quota's id of a 429, else a reason."""
    word, text = _STATUS.get(status, _STATUS[500])
    text = message or text
    details: list[dict[str, Any]] = []
    if retry_after_s is not None:
        wait = f"{retry_after_s:g}s"
        text = message or f"{text} Please retry in {wait}."
        details.append({"@type": f"{_TYPE}RetryInfo", "retryDelay": wait})
    if code and status == 429:
        violation = {
            "quotaMetric": "generativelanguage.googleapis.com/generate_content_requests",
            "quotaId": code,
        }
        details.append({"@type": f"{_TYPE}QuotaFailure", "violations": [violation]})
    elif code:
        details.append({
            "@type": f"{_TYPE}ErrorInfo", "reason": code, "domain": "googleapis.com",
            "metadata": {"service": "generativelanguage.googleapis.com"},
        })  # fmt: skip
    found: dict[str, Any] = {"code": status, "message": text, "status": word}
    if details:
        found["details"] = details
    return Reply(status, {"error": found}, dict(_JSON))


def refuse_key(request: Request) -> Reply | None:
    """400 for a bad key and for two, 401 for a bad token, 403 for none."""
    key = request.headers.get("x-goog-api-key", "") or request.query.get("key", "")
    bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
    if key and bearer:
        return error(400, message="Multiple authentication credentials received.")
    if not key and not bearer:
        return error(
            403,
            message="Method doesn't allow unregistered callers (callers without "
            "established identity). Please use API Key or other form of API consumer "
            "identity to call this API.",
        )
    if "bad" in bearer:
        return error(401, code="ACCESS_TOKEN_TYPE_UNSUPPORTED")
    if "bad" in key:
        return error(
            400,
            message="API key not valid. Please pass a valid API key.",
            code="API_KEY_INVALID",
        )
    return None
