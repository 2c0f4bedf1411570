"""Refusals of all vendors become the right error, with everything they say."""

import pytest

from providers import errors, resolver
from providers.error_bodies import (
    error_from_response,
    error_from_stream,
    error_in_good_response,
)
from tests.providers.http.refusals import error, google, refusal
from tests.recordings import Exchange, http_exchanges

# The class each recorded refusal must get; model lists and good answers are not here.
RECORDED = {
    "anthropic/400_invalid_request": errors.RequestRejected,
    "anthropic/401_invalid_x_api_key": errors.CredentialRejected,
    "anthropic/404_model_not_found": errors.ModelNotFound,
    "anthropic/529_overloaded": errors.Overloaded,
    "azure/429_retry_after_ms": errors.RateLimited,
    "deepseek/401": errors.CredentialRejected,
    "gemini/400_api_key_invalid": errors.CredentialRejected,
    "gemini/400_stream_content_type_event_stream": errors.CredentialRejected,
    "gemini/404_model_not_found": errors.ModelNotFound,
    "gemini/429_quota_retry_info": errors.RateLimited,
    "gemini/503_overloaded": errors.Overloaded,
    "groq/404_model_not_found": errors.ModelNotFound,
    "mistral/401_detail": errors.CredentialRejected,
    "ollama/404_model_not_found": errors.ModelNotFound,
    "openai/400_context_length_exceeded": errors.ContextTooLong,
    "openai/400_unsupported_parameter": errors.UnsupportedFeature,
    "openai/401_invalid_api_key": errors.CredentialRejected,
    "openai/404_model_not_found": errors.ModelNotFound,
    "openai/429_rate_limit": errors.RateLimited,
    "openrouter/429_upstream": errors.RateLimited,
}
RECORDED_WAIT_S = {
    "azure/429_retry_after_ms": 0.0,
    "gemini/429_quota_retry_info": 48.0,
    "openai/429_rate_limit": 0.006,
}


@pytest.fixture(autouse=True)
def found_vendors():
    """As in the product, where every call goes through the resolver."""
    resolver.providers()


def refusals():
    """The recorded exchanges that are errors (or the loud skip, when there are none)."""
    for found in http_exchanges():
        exchange = getattr(found, "values", [found])[0]
        if getattr(exchange, "status", 400) >= 400:
            yield found


@pytest.mark.parametrize("exchange", list(refusals()))
def test_a_recorded_refusal_is_understood(exchange: Exchange):
    name = f"{exchange.provider}/{exchange.name}"
    found = error_from_response(
        exchange.provider, exchange.status, exchange.headers, exchange.body
    )
    assert type(found) is RECORDED[name]
    assert found.status == exchange.status
    assert found.provider == exchange.provider
    assert found.retry_after_s == RECORDED_WAIT_S.get(name)
    body = exchange.facts["body"]
    error = body.get("error", body)
    error = error if isinstance(error, dict) else {"message": error}
    said = error.get("message") or body.get("detail")
    assert found.vendor_message.startswith(said)
    kinds = {error.get("type"), error.get("status")} - {None}
    assert found.vendor_type in (kinds or {None})
    assert found.request_id == body.get("request_id")
    if name == "openrouter/429_upstream":
        assert "temporarily rate-limited upstream" in found.vendor_message
    if name == "gemini/400_api_key_invalid":
        assert found.vendor_code == "API_KEY_INVALID"
    if exchange.provider == "openai":
        assert found.vendor_code == error["code"]


def test_a_list_around_the_body_changes_nothing():
    body = [google("UNAVAILABLE", code=503, message="busy")]
    found = refusal(body, 503)
    assert type(found) is errors.Overloaded
    assert found.vendor_message == "busy"


def test_anthropic_without_a_wait_means_the_budget_and_with_one_the_rate():
    body = {"type": "error", "error": {"type": "rate_limit_error", "message": "x"}}
    assert type(refusal(body, 429, "anthropic")) is errors.QuotaExhausted
    waits = refusal(body, 429, "anthropic", retry_after="9")
    assert type(waits) is errors.RateLimited
    rejected = {"anthropic_ratelimit_unified_status": "rejected", "retry_after": "9"}
    assert type(refusal(body, 429, "anthropic", **rejected)) is errors.QuotaExhausted


@pytest.mark.parametrize(
    ("headers", "body", "request_id"),
    [
        ({"x_request_id": "req_1"}, {}, "req_1"),
        ({"Request_Id": "req_2"}, {"request_id": "other"}, "req_2"),
        ({}, {"type": "error", "error": {"type": "x"}, "request_id": "req_3"}, "req_3"),
        ({}, {}, None),
    ],
)
def test_the_request_id_is_kept(headers, body, request_id):
    assert refusal(body, 500, **headers).request_id == request_id


def test_the_message_is_ours_and_says_what_to_do():
    rejected = refusal(error(message="bad key sk-proj-abcdefghijklmnop"), 401, "openai")
    assert rejected.message.startswith("OpenAI does not accept this key.")
    assert "save a new one" in rejected.message
    assert rejected.vendor_message == "bad key [redacted]"
    limited = refusal({}, 429, "some_vendor", retry_after="12")
    assert (
        limited.message == "Too many requests to Some Vendor. Try again in 12 seconds."
    )
    assert "{" not in limited.message


def test_a_long_sentence_of_a_vendor_is_cut():
    assert len(refusal(error(message="word " * 5000)).vendor_message) <= 1000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"[]",
        b"[[]]",
        b'"text"',
        b"3",
        b'{"error": null}',
        b'{"error": []}',
        b'{"error": [1]}',
        b'{"error": {"details": [null, 3, {"@type": 5, "violations": 3}]}}',
        b"[" * 5000,
        b'{"error": {"code": {}, "type": [], "message": {"a": 1}}}',
        b'{"detail": [[], {}, "x"]}',
        b"<html",
    ],
)
def test_no_body_is_too_strange(body):
    assert type(refusal(body, 400)) is errors.RequestRejected
    assert isinstance(error_in_good_response("x", 200, {}, body), errors.ProviderError)


def test_html_is_told_by_its_title():
    found = refusal(b"<html><head><title>\n502 Bad\nGateway</title>", 502)
    assert found.vendor_message == "502 Bad Gateway"


@pytest.mark.parametrize(
    ("found", "kind", "vendor_type", "code"),
    [
        (
            {"type": "overloaded_error", "message": "Overloaded"},
            "Overloaded",
            "overloaded_error",
            None,
        ),
        (
            {"code": 503, "status": "UNAVAILABLE", "message": "x"},
            "Overloaded",
            "UNAVAILABLE",
            "503",
        ),
        (
            {"code": "server_error", "message": "x"},
            "ProviderUnavailable",
            None,
            "server_error",
        ),
        (
            {
                "type": "insufficient_quota",
                "code": "insufficient_quota",
                "message": "x",
            },
            "QuotaExhausted",
            "insufficient_quota",
            "insufficient_quota",
        ),
        (
            {
                "type": "invalid_request_error",
                "code": "tool_use_failed",
                "status_code": 400,
                "message": "x",
            },
            "RequestRejected",
            "invalid_request_error",
            "tool_use_failed",
        ),
        (
            {"code": "context_length_exceeded", "message": "x"},
            "ContextTooLong",
            None,
            "context_length_exceeded",
        ),
        (
            {"code": "cyber_policy", "message": "x"},
            "ContentBlocked",
            None,
            "cyber_policy",
        ),
        (
            {"code": 502, "message": "Provider disconnected"},
            "ProviderUnavailable",
            None,
            "502",
        ),
        (
            {"code": "rate_limit_exceeded", "message": "try again in 3s"},
            "RateLimited",
            None,
            "rate_limit_exceeded",
        ),
        ({"message": "something odd"}, "ProviderError", None, None),
    ],
)
def test_an_error_inside_a_stream_is_the_same_as_data(found, kind, vendor_type, code):
    for shape in (found, {"error": found}, {"type": "error", "error": found}):
        info = error_from_stream("acme", shape)
        assert (info.kind, info.vendor_type, info.vendor_code) == (
            kind,
            vendor_type,
            code,
        )
        assert info.vendor_message == found["message"]
        assert info.status is None
        assert info.provider == "acme"
        assert info.message
    assert errors.from_info(info).message == info.message


def test_a_good_status_without_an_error_in_it_is_not_understood():
    found = error_in_good_response("acme", 200, {}, b'{"choices": []}')
    assert type(found) is errors.ProtocolError
    found = error_in_good_response(
        "acme", 200, {}, b'{"error": {"code": 401, "message": "x"}}'
    )
    assert type(found) is errors.CredentialRejected
