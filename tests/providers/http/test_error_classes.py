"""Which class of the error tree a refusal gets: row by row."""

import pytest

from providers import errors
from tests.providers.http.refusals import error, google, refusal


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, error(code="invalid_encrypted_content", message="x"), errors.StaleState),
        (
            400,
            error(
                type="invalid_request_error",
                message="messages.1.content.0: Invalid `signature` in `thinking` block",
            ),
            errors.StaleState,
        ),
        (
            400,
            error(
                message="Function call is missing a thought_signature",
                status="INVALID_ARGUMENT",
            ),
            errors.StaleState,
        ),
        (
            400,
            error(
                type="invalid_request_error",
                message="prompt is too long: 210000 tokens > 200000 maximum",
            ),
            errors.ContextTooLong,
        ),
        (413, error(type="request_too_large", message="x"), errors.ContextTooLong),
        (
            400,
            error(
                status="INVALID_ARGUMENT",
                message="The input token count (2097159) exceeds the maximum"
                " number of tokens allowed (1048576).",
            ),
            errors.ContextTooLong,
        ),
        (
            400,
            error(message="This model's maximum context length is 8192 tokens."),
            errors.ContextTooLong,
        ),
        (
            400,
            error(code="content_policy_violation", message="x"),
            errors.ContentBlocked,
        ),
        (
            429,
            error(code="insufficient_quota", type="insufficient_quota", message="x"),
            errors.QuotaExhausted,
        ),
        (402, error(type="billing_error", message="x"), errors.QuotaExhausted),
        (402, {"message": "Insufficient Balance"}, errors.QuotaExhausted),
        (
            400,
            error(
                type="invalid_request_error",
                message="Your credit balance is too low to access the API.",
            ),
            errors.QuotaExhausted,
        ),
        (429, error(code="usage_limit_reached", message="x"), errors.QuotaExhausted),
        (
            429,
            error(code="subscription_sharing_usage_limit_exceeded", message="x"),
            errors.QuotaExhausted,
        ),
        (
            429,
            google(
                "RESOURCE_EXHAUSTED",
                {
                    "@type": "QuotaFailure",
                    "violations": [{"quotaId": "GenerateRequestsPerDayPerProject"}],
                },
            ),
            errors.QuotaExhausted,
        ),
        (
            429,
            google("RESOURCE_EXHAUSTED", message="Quota exceeded, limit: 0, model: x"),
            errors.QuotaExhausted,
        ),
        (
            429,
            google(
                "RESOURCE_EXHAUSTED",
                {
                    "@type": "ErrorInfo",
                    "reason": "RATE_LIMIT_EXCEEDED",
                    "domain": "cloudcode-pa.googleapis.com",
                },
            ),
            errors.QuotaExhausted,
        ),
        (429, google("RESOURCE_EXHAUSTED"), errors.RateLimited),
        (401, error(code="token_expired", message="x"), errors.CredentialExpired),
        (
            401,
            error(message="Your authentication token has expired."),
            errors.CredentialExpired,
        ),
        (401, b"", errors.CredentialRejected),
        (
            400,
            google(
                "INVALID_ARGUMENT",
                {"@type": "ErrorInfo", "reason": "API_KEY_INVALID"},
                code=400,
            ),
            errors.CredentialRejected,
        ),
        (403, error(type="permission_error", message="x"), errors.PermissionRefused),
        (
            400,
            error(
                status="FAILED_PRECONDITION",
                message="User location is not supported",
                code=400,
            ),
            errors.PermissionRefused,
        ),
        (403, b"<html>", errors.PermissionRefused),
        (503, error(code="server_is_overloaded", message="x"), errors.Overloaded),
        (529, b"", errors.Overloaded),
        (
            429,
            google(
                "RESOURCE_EXHAUSTED",
                {"@type": "ErrorInfo", "reason": "MODEL_CAPACITY_EXHAUSTED"},
            ),
            errors.Overloaded,
        ),
        (500, error(type="api_error", message="x"), errors.ProviderUnavailable),
        (
            500,
            error(status="INTERNAL", message="x", code=500),
            errors.ProviderUnavailable,
        ),
        (502, b"<html><title>Bad gateway</title></html>", errors.ProviderUnavailable),
        (
            504,
            error(status="DEADLINE_EXCEEDED", message="x"),
            errors.ProviderUnavailable,
        ),
        (409, error(type="conflict_error", message="x"), errors.ProviderUnavailable),
        (408, b"", errors.ProviderUnavailable),
        (404, error(message="model 'x' not found"), errors.ModelNotFound),
        (
            404,
            {
                "object": "error",
                "message": "The model `x` does not exist.",
                "type": "NotFoundError",
                "code": 404,
            },
            errors.ModelNotFound,
        ),
        (404, {"detail": "Not Found"}, errors.RequestRejected),
        (
            400,
            error(message="Unsupported parameter: 'x'", code="unsupported_parameter"),
            errors.UnsupportedFeature,
        ),
        (400, {"detail": "Unsupported parameter: x"}, errors.UnsupportedFeature),
        (
            422,
            {
                "detail": [
                    {
                        "loc": ["body", "stream_options"],
                        "msg": "Extra inputs are not permitted",
                    }
                ]
            },
            errors.RequestRejected,
        ),
        (418, b"teapot", errors.RequestRejected),
        (302, b"", errors.ProtocolError),
    ],
)
def test_a_refusal_gets_its_class(status, body, kind):
    assert type(refusal(body, status)) is kind
