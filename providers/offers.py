"""What a credential file offers, and the careful reading of its fields.

Vendor packages build their offers with this; `imports.py` is the door. A file comes from
a person and may hold anything: every field is checked for its type, and what will travel
in a header must be one word of printable ASCII. No sentence repeats what a file holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from providers.types import AuthType, Credential, Secret

MAX_SECRET = 8_000  # characters; tokens that are JWTs have some 2,000
MAX_WORD = 254  # an e-mail address; ids are shorter

PLACEHOLDER = "imported"  # until the person gives it a name
_EARLIEST = datetime(2001, 1, 1, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_MILLISECONDS = 100_000_000_000  # as seconds this is the year 5138


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a file offers. `credential` None: refused, and `refusal` says why.

    `source` names program and file. `account` is whose it is, as far as the file says.
    `imports`: what would be taken over; `warning`: what that breaks elsewhere. `provider`
    is "" for entries of vendors that are not installed.
    """

    source: str
    provider: str
    auth_type: AuthType
    credential: Credential | None
    account: str = ""
    imports: str = ""
    warning: str = ""
    refusal: str = ""


class Unreadable(Exception):
    """A field is not what it should be. The text names the field, never its content."""


class Fields:
    """Typed reading of one JSON object. Its repr shows nothing."""

    __slots__ = ("_document",)

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document

    def secret(self, name: str) -> Secret:
        """A value that must be there. Raises Unreadable."""
        value = self._word(name, MAX_SECRET)
        if not value:
            raise Unreadable(f"“{name}” is missing from it.")
        return Secret(value)

    def word(self, name: str) -> str:
        """A value without spaces; "" where there is none. Raises Unreadable."""
        return self._word(name, MAX_WORD)

    def moment(self, name: str) -> str | None:
        """A time as aware UTC, ISO 8601; None where there is none. Raises Unreadable.

        Seconds or milliseconds since 1970, or RFC 3339 with its offset.
        """
        value = self._document.get(name)
        if value is None or value == "":
            return None
        found = moment(value)
        if found is None and value != 0:
            raise Unreadable(f"“{name}” in it is not a time.")
        return found

    def section(self, name: str) -> Fields:
        """An object inside; an empty one where there is none. Raises Unreadable."""
        value = self._document.get(name)
        if value is not None and not isinstance(value, dict):
            raise Unreadable(f"“{name}” in it is not an object.")
        return Fields(value or {})

    def _word(self, name: str, limit: int) -> str:
        value = self._document.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Unreadable(f"“{name}” in it is not text.")
        word = value.strip()
        if len(word) > limit or not is_word(word):
            raise Unreadable(
                f"“{name}” in it is not one word of at most {limit} printable ASCII "
                "characters."
            )
        return word


def is_word(text: str) -> bool:
    """Whether it may travel in a header: printable ASCII without spaces."""
    return all(33 <= ord(c) <= 126 for c in text)


def moment(value: object) -> str | None:
    """A time in any of the spellings of `Fields.moment`; None for what is none."""
    found: datetime | None = None
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
        elif isinstance(value, int | float) and not isinstance(value, bool):
            seconds = value / 1000 if value >= _MILLISECONDS else value
            found = datetime.fromtimestamp(seconds, UTC)
        if found is None or found.tzinfo is None:
            return None
        found = found.astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found.isoformat() if _EARLIEST <= found < _LATEST else None


def imported(
    *,
    provider: str,
    auth_type: AuthType,
    secrets: Mapping[str, Secret],
    metadata: Mapping[str, str] | None = None,
    expires_at: str | None = None,
) -> Credential:
    """The credential of an offer; empty facts are left out."""
    return Credential(
        provider=provider,
        auth_type=auth_type,
        name=PLACEHOLDER,
        secrets=dict(secrets),
        metadata={name: value for name, value in (metadata or {}).items() if value},
        expires_at=expires_at,
    )


def refused(
    *, source: str, provider: str, auth_type: AuthType, why: str, account: str = ""
) -> Offer:
    """Something that is recognised and stays where it is."""
    return Offer(
        source=source,
        provider=provider,
        auth_type=auth_type,
        credential=None,
        account=account,
        refusal=why,
    )


def unreadable(
    *, source: str, provider: str, auth_type: AuthType, problem: Unreadable
) -> Offer:
    """An entry whose fields are wrong."""
    return refused(
        source=source,
        provider=provider,
        auth_type=auth_type,
        why=f"This entry cannot be read: {problem} Upload an unchanged copy of the file, "
        "or add the credential by hand.",
    )


def api_key_offer(
    *, source: str, provider: str, document: Mapping[str, Any], field: str
) -> Offer:
    """An API key that a file holds: a copy of it works beside the original."""
    try:
        key = Fields(document).secret(field)
    except Unreadable as exc:
        return unreadable(
            source=source, provider=provider, auth_type="api_key", problem=exc
        )
    return Offer(
        source=source,
        provider=provider,
        auth_type="api_key",
        credential=imported(
            provider=provider, auth_type="api_key", secrets={"api_key": key}
        ),
        imports="The API key. It goes on working in the other program too.",
    )
