"""The error tree: everything that can go wrong with a vendor, and what to do about it.

    ProviderError                provider, status, request_id; message fit for a user
    ├── ConfigurationError       ours to fix: no such provider, capability or setting
    ├── CredentialError
    │   ├── CredentialNotFound   no saved authentication of that name
    │   ├── CredentialExpired    refresh once, then repeat
    │   ├── CredentialRejected   ask the person for a new key or login
    │   ├── CredentialUnreadable the stored secret cannot be decrypted
    │   └── PermissionRefused    the key is good, the account may not do this
    ├── RequestRejected          repeating cannot help
    │   ├── ModelNotFound        pick another model
    │   ├── ContextTooLong       trim the history
    │   ├── UnsupportedFeature   this dialect or model cannot express it
    │   ├── StaleState           the vendor refused its own opaque state: drop, repeat once
    │   └── ContentBlocked       the vendor's policy refused the prompt
    ├── RateLimited              retryable after `retry_after_s`
    │   └── QuotaExhausted       a plan or budget is used up: waiting seconds is no use
    ├── ProviderUnavailable      retryable: cannot connect, 5xx
    │   ├── Overloaded           503/529: back off
    │   ├── StreamStalled        nothing arrived for the idle limit
    │   └── StreamCut            the body ended before its terminal event
    └── ProtocolError            we do not understand them: a bug here or a change there

Nothing here holds a header, a body or a foreign exception's text: `message` is written by
us (`providers/error_bodies.py`), the vendor's own sentence is `vendor_message`, redacted.
"""

from __future__ import annotations

from typing import ClassVar

from providers.events import ErrorInfo


class ProviderError(Exception):
    """Base of the tree. `retryable` says whether the same request may succeed later."""

    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        provider: str = "",
        status: int | None = None,
        vendor_type: str | None = None,
        vendor_code: str | None = None,
        vendor_message: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.status = status
        self.vendor_type = _storable(vendor_type)
        self.vendor_code = _storable(vendor_code)
        self.vendor_message = _storable(vendor_message)
        self.request_id = _storable(request_id)
        self.retry_after_s = retry_after_s

    def info(self) -> ErrorInfo:
        """The error as data, for the stream, the run log and the page."""
        return ErrorInfo(
            kind=type(self).__name__,
            message=self.message,
            provider=self.provider,
            status=self.status,
            vendor_type=self.vendor_type,
            vendor_code=self.vendor_code,
            vendor_message=self.vendor_message,
            request_id=self.request_id,
            retry_after_s=self.retry_after_s,
        )


class ConfigurationError(ProviderError):
    """Ours to fix: unknown provider, missing capability, bad option."""


class CredentialError(ProviderError):
    """Something is wrong with the credential, not with the request."""


class CredentialNotFound(CredentialError):
    """No saved authentication of that provider, type and name."""


class CredentialExpired(CredentialError):
    """The access token is over: refresh once, then repeat once."""


class CredentialRejected(CredentialError):
    """The vendor does not accept it: the person must act."""


class CredentialUnreadable(CredentialError):
    """The stored secret does not decrypt: wrong key or altered row."""


class PermissionRefused(CredentialError):
    """The credential is good, but may not do this (project, region, billing)."""


class RequestRejected(ProviderError):
    """The vendor will not do this, however often we ask."""


class ModelNotFound(RequestRejected):
    """No such model for this credential."""


class ContextTooLong(RequestRejected):
    """More input than the model takes."""


class UnsupportedFeature(RequestRejected):
    """The dialect or model cannot express the request."""


class StaleState(RequestRejected):
    """The vendor refused opaque state of an earlier turn: drop it and repeat once."""


class ContentBlocked(RequestRejected):
    """The vendor's policy refused the prompt."""


class RateLimited(ProviderError):
    """Too many requests: wait `retry_after_s` (None: back off)."""

    retryable = True


class QuotaExhausted(RateLimited):
    """The plan or the budget is used up; `retry_after_s` is its reset, if known."""

    retryable = False


class ProviderUnavailable(ProviderError):
    """No connection, or the vendor failed: the same request may succeed later."""

    retryable = True


class Overloaded(ProviderUnavailable):
    """The vendor has too much to do: back off with jitter."""


class StreamStalled(ProviderUnavailable):
    """No byte arrived within the idle limit."""


class StreamCut(ProviderUnavailable):
    """The response ended without its terminal event."""


class ProtocolError(ProviderError):
    """We do not understand the answer."""


def _tree(cls: type[ProviderError]) -> dict[str, type[ProviderError]]:
    found = {cls.__name__: cls}
    for child in cls.__subclasses__():
        found |= _tree(child)
    return found


def _storable(text: str | None) -> str | None:
    """A vendor's word: PostgreSQL stores no text with a NUL in it."""
    return text.replace("\x00", "") if text else text


def from_info(info: ErrorInfo) -> ProviderError:
    """The exception that `info` describes; unknown kinds become `ProviderError`."""
    cls = _tree(ProviderError).get(info.kind, ProviderError)
    return cls(
        info.message,
        provider=info.provider,
        status=info.status,
        vendor_type=info.vendor_type,
        vendor_code=info.vendor_code,
        vendor_message=info.vendor_message,
        request_id=info.request_id,
        retry_after_s=info.retry_after_s,
    )
