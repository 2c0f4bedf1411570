"""What a vendor's refusal means: one table for all of them. Pure.

Called by `providers/http` with whole answers and by the dialects' decoders with error
objects inside a stream. The table follows the vendors' pages about errors; the first
rule that fits decides. The message is ours, fit for a person and free of secrets; the
vendor's own sentence is kept beside it, redacted and cut.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers import errors
from providers.errors import ProviderError
from providers.events import ErrorInfo
from providers.http.error_shapes import Said, read_body, read_object
from providers.http.redact import redact
from providers.http.waiting import retry_after_s
from providers.vendor_facts import facts_of

MAX_VENDOR_MESSAGE = 1000
_REQUEST_ID_HEADERS = (
    "request-id",
    "x-request-id",
    "apim-request-id",
    "x-goog-request-id",
)


def error_from_response(
    provider: str, status: int, headers: Mapping[str, str], body: bytes
) -> ProviderError:
    """The error of a whole HTTP answer that is not what was asked for. Never raises."""
    plain = {str(name).lower(): str(value) for name, value in headers.items()}
    said = read_body(body)
    wait_s = retry_after_s(plain, said.raw, said.message)
    found = _classify(provider, said, status, plain, wait_s)
    return found(
        _words_for(found, provider, wait_s),
        provider=provider,
        status=status,
        vendor_type=said.type,
        vendor_code=said.code,
        vendor_message=_vendor_message(said),
        request_id=_request_id(plain, said),
        retry_after_s=wait_s,
    )


def error_in_good_response(
    provider: str, status: int, headers: Mapping[str, str], body: bytes
) -> ProviderError:
    """The error of a 2xx answer that should have been an event stream and is not."""
    said = read_body(body)
    if said.is_error:
        return error_from_response(provider, status, headers, body)
    return errors.ProtocolError(
        "What answers there does not stream. Check the base URL and the model.",
        provider=provider,
        status=status,
    )


def error_from_stream(provider: str, error_object: Mapping[str, Any]) -> ErrorInfo:
    """The error that an object inside a stream means. Never raises.

    Takes the error itself or the object around it: `{"error": {…}}`.
    """
    said = read_object(dict(error_object))
    wait_s = retry_after_s({}, said.raw, said.message)
    found = _classify(provider, said, None, {}, wait_s)
    return ErrorInfo(
        kind=found.__name__,
        message=_words_for(found, provider, wait_s),
        provider=provider,
        vendor_type=said.type,
        vendor_code=said.code,
        vendor_message=_vendor_message(said),
        request_id=said.request_id,
        retry_after_s=wait_s,
    )


@dataclass(frozen=True, slots=True)
class _Rule:
    """It fits when a word, or the sentence, or the status does; `only` limits it to
    these statuses (a body without any counts as None)."""

    kind: type[ProviderError]
    words: str = ""
    sentence: str = ""
    statuses: tuple[int, ...] = ()
    only: tuple[int | None, ...] = ()

    def fits(self, said: Said, status: int | None) -> bool:
        if self.only and status not in self.only:
            return False
        if not said.words.isdisjoint(self.words.split()):
            return True
        if self.sentence and re.search(self.sentence, said.message, re.I | re.S):
            return True
        return status in self.statuses


_REFUSALS: tuple[int | None, ...] = (None, 400, 413, 422)

_RULES = (
    _Rule(
        errors.StaleState,
        words="invalid_encrypted_content",
        sentence=r"thought.?signature|signature.{0,40}thinking|thinking.{0,60}signature"
        r"|encrypted.content.{0,60}(could not|cannot|invalid|verif|decrypt)",
        only=_REFUSALS,
    ),
    _Rule(
        errors.ContextTooLong,
        words="context_length_exceeded request_too_large exceed_context_size_error"
        " model_context_window_exceeded context_window_exceeded",
        sentence=r"prompt is too long|maximum context|context (length|window|size)"
        r"|token count.{0,40}exceeds|exceeds? .{0,30}maximum (number|length) of.{0,20}token"
        r"|maximum prompt length|too many (input )?tokens",
        statuses=(413,),
        only=_REFUSALS,
    ),
    _Rule(
        errors.ContentBlocked,
        words="invalid_prompt bio_policy misalignment_policy_violation cyber_policy"
        " image_content_policy_violation content_policy_violation content_filter"
        " responsibleaipolicyviolation",
    ),
    _Rule(
        errors.QuotaExhausted,
        words="insufficient_quota usage_limit_reached usage_not_included billing_error"
        " billing_hard_limit_reached billing_not_active quota_exhausted"
        " insufficient_g1_credits_balance subscription_sharing_usage_limit_exceeded"
        " insufficient_balance exceeded_current_quota_error",
        sentence=r"credit balance is too low|specified API usage limits"
        r"|spend(ing)? limit|\blimit: 0\b|insufficient (balance|credits)",
        statuses=(402,),
    ),
    _Rule(
        errors.CredentialExpired,
        words="token_expired access_token_expired expired_token",
        sentence=r"token (has |is )?(been )?expired|expired (access )?token",
        only=(None, 401, 403),
    ),
    _Rule(
        errors.CredentialRejected,
        words="invalid_api_key authentication_error api_key_invalid unauthenticated"
        " access_token_type_unsupported subscription_sharing_invalid_user"
        " invalid_authentication_error",
        statuses=(401,),
    ),
    _Rule(
        errors.PermissionRefused,
        words="permission_error permission_denied failed_precondition"
        " validation_required unsupported_country_region_territory data_residency_mismatch"
        " subscription_sharing_user_not_eligible unsupported_client",
        statuses=(403,),
    ),
    _Rule(
        errors.Overloaded,
        words="overloaded_error server_is_overloaded slow_down unavailable overloaded"
        " subscription_sharing_usage_unavailable subscription_sharing_user_unavailable"
        " model_capacity_exhausted engine_overloaded",
        statuses=(503, 529),
    ),
    _Rule(
        errors.RateLimited,
        words="rate_limit_exceeded rate_limit_error resource_exhausted ratelimitreached"
        " too_many_requests rate_limited",
        statuses=(429,),
    ),
    _Rule(
        errors.ModelNotFound,
        words="model_not_found not_found_error not_found",
        sentence=r"\bmodels?\b.{0,200}(not found|does not exist|not exist)|unknown model"
        r"|not found.{0,40}\bmodel",
        only=(None, 400, 404),
    ),
    _Rule(
        errors.UnsupportedFeature,
        words="unsupported_parameter unsupported_value unimplemented unknown_parameter"
        " subscription_sharing_unsupported_capability",
        sentence=r"unsupported parameter|does not support (tools|images|image|reasoning)",
        statuses=(501,),
    ),
    _Rule(
        errors.ProviderUnavailable,
        words="server_error api_error timeout_error internal deadline_exceeded cancelled"
        " internal_server_error internal_error conflict_error aborted"
        " vector_store_timeout upstream_error",
        statuses=(408, 409, 425, 499, *range(500, 600)),
    ),
    _Rule(
        errors.RequestRejected,
        words="invalid_request_error invalid_argument tool_use_failed bad_request",
        sentence=r"\bimage\b.{0,80}(invalid|too (large|small)|not supported|download)",
        statuses=tuple(range(400, 500)),
    ),
)

_FALLBACK_2XX = ProviderError


def _classify(
    provider: str,
    said: Said,
    status: int | None,
    headers: Mapping[str, str],
    wait_s: float | None,
) -> type[ProviderError]:
    """The class of the tree. Statuses inside a body count when HTTP says nothing bad."""
    effective = status if status is not None and status >= 300 else said.numeric_code
    found = next(
        (rule.kind for rule in _RULES if rule.fits(said, effective)),
        errors.ProtocolError if effective is not None else _FALLBACK_2XX,
    )
    if found is errors.RateLimited and _is_used_up(
        provider, said, status, headers, wait_s
    ):
        return errors.QuotaExhausted
    return found


def _is_used_up(
    provider: str,
    said: Said,
    status: int | None,
    headers: Mapping[str, str],
    wait_s: float | None,
) -> bool:
    """A plan or budget, not a rate: waiting seconds is no use."""
    if any("perday" in q.lower() or "daily" in q.lower() for q in said.quota_ids):
        return True
    if "cloudcode-pa" in said.domain:
        return True
    if headers.get("anthropic-ratelimit-unified-status", "").lower() == "rejected":
        return True
    is_budget = facts_of(provider).quota_without_wait
    return is_budget and status == 429 and wait_s is None


_ADVICE: dict[type[ProviderError], str] = {
    errors.StaleState: "{name} no longer accepts its own notes from an earlier turn."
    " Send the message again without them.",
    errors.ContextTooLong: "The conversation is longer than this model can read."
    " Remove something, start a new conversation, or pick a model with more room.",
    errors.ContentBlocked: "{name} refused this message because of its usage policy."
    " Say it in another way.",
    errors.QuotaExhausted: "The plan or the budget at {name} is used up{wait}."
    " Check plan and billing there, or use another credential.",
    errors.CredentialExpired: "The login at {name} has expired. Sign in again if it does"
    " not renew itself.",
    errors.CredentialRejected: "{name} does not accept this key. Check that it is copied"
    " whole and still active, or save a new one.",
    errors.PermissionRefused: "{name} accepts the credential, but does not allow this"
    " with it. Check the rights of the key, the project, the region and the billing.",
    errors.Overloaded: "{name} has too much to do right now. Try again in a moment"
    " or pick another model.",
    errors.RateLimited: "Too many requests to {name}. Try again{wait}.",
    errors.ModelNotFound: "{name} has no such model for this credential."
    " Pick another one from the list.",
    errors.UnsupportedFeature: "This model or server cannot do what was asked."
    " Change the options or pick another model.",
    errors.ProviderUnavailable: "{name} had an error of its own. Try again in a moment.",
    errors.RequestRejected: "{name} did not accept the request. Its own words say why.",
    errors.ProtocolError: "{name} answered in a way we do not understand."
    " Check the base URL.",
    ProviderError: "{name} reported an error. Its own words say why.",
}


def _words_for(kind: type[ProviderError], provider: str, wait_s: float | None) -> str:
    return _ADVICE[kind].format(
        name=facts_of(provider).label,
        wait=_wait(wait_s, kind is errors.RateLimited),
    )


def _wait(wait_s: float | None, is_expected: bool) -> str:
    if not wait_s:
        return " in a moment" if is_expected else ""
    prefix = " in " if is_expected else " for another "
    if wait_s < 90:
        seconds = max(round(wait_s), 1)
        return f"{prefix}{seconds} second{'s' if seconds > 1 else ''}"
    if wait_s < 5400:
        return f"{prefix}{round(wait_s / 60)} minutes"
    return f"{prefix}{round(wait_s / 3600)} hours"


def _vendor_message(said: Said) -> str | None:
    return redact(said.message, limit=MAX_VENDOR_MESSAGE) or None


def _request_id(headers: Mapping[str, str], said: Said) -> str | None:
    found = next((headers[n] for n in _REQUEST_ID_HEADERS if headers.get(n)), None)
    found = found or said.request_id
    return redact(found, limit=200) if found else None
