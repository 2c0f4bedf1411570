"""What the services refuse, in words for a person. Doors turn `code` into a status.

Beside `providers.errors`, which is about vendors: these are about people and rows. A
thing that is not yours is not found, in the same words as a thing that is not there.
"""

from __future__ import annotations

from typing import Any, ClassVar

from providers.errors import QuotaExhausted


class ServiceError(Exception):
    """Base. `message` says what to do; `field` names the input it is about, or ""."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400  # as an HTTP answer would have it

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class NotFound(ServiceError):
    """There is no such thing, or it is somebody else's."""

    code = "not_found"
    status = 404


class NotAllowed(ServiceError):
    """You may see it, but not do this with it."""

    code = "not_allowed"
    status = 403


class Invalid(ServiceError):
    """An input cannot be used; `field` says which."""

    code = "invalid"
    status = 400


class NameTaken(ServiceError):
    """The name is in use; does not say by whom."""

    code = "name_taken"
    status = 409


class Conflict(ServiceError):
    """It was changed meanwhile; nothing of this change was stored."""

    code = "conflict"
    status = 409


class TooOften(ServiceError):
    """The same was asked for too many times just now; `retry_after_s` is when it may be."""

    code = "too_often"
    status = 429

    def __init__(self, message: str, *, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooLarge(Invalid):
    """An input is longer than we take."""

    code = "too_large"
    status = 413


class LimitReached(QuotaExhausted):
    """A limit of this installation's own, not a vendor's: which, and when it ends.

    A `ProviderError`, because it is met where a vendor is about to be asked: a run, a
    summary and an audit end with it as with any refusal. `limit` is for machines.
    """

    def __init__(
        self, message: str, *, limit: dict[str, Any] | None = None, **about: Any
    ) -> None:
        super().__init__(message, **about)
        self.limit = limit or {}


class CredentialLimitReached(LimitReached):
    """The limit of one credential: another one may answer."""
