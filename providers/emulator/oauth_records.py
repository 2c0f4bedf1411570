"""What an authorization server keeps of a login, and how it says no.

Source: RFC 6749, RFC 7636
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

from providers.emulator.oauth_jwt import b64url


class Refused(Exception):
    """What an authorization server refuses, with its word for why (RFC 6749, 5.2).

    `shape`: of the body, see `oauth_wire.OAuthErrors`; "" for the vendor's usual one.
    """

    def __init__(
        self, code: str, description: str = "", status: int = 400, shape: str = ""
    ) -> None:
        super().__init__(code)
        self.shape = shape
        self.code = code
        self.description = description
        self.status = status


class Dead(Refused):
    """A refresh token that gives nothing: `unknown`, `revoked`, `reused`, `expired`."""

    def __init__(self, cause: str) -> None:
        super().__init__("invalid_grant", f"The refresh token is {cause}.")
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Account:
    """Who signed in."""

    email: str
    account_id: str
    user_id: str


@dataclass(slots=True)
class Code:
    """An authorization code and what it is bound to. `used_for`: the family it gave."""

    vendor: str
    client_id: str
    redirect_uri: str
    challenge: str
    scope: str
    account: Account
    made_at: float
    state: str = ""
    nonce: str = ""
    resource: str = ""
    adds_organizations: bool = False
    gives_refresh: bool = True
    used_for: Family | None = None


@dataclass(slots=True)
class Family:
    """The tokens of one login. `spent`: when each old refresh token was exchanged.

    `last`: the answer to the refresh token that was spent last.
    """

    name: str
    vendor: str
    client_id: str
    scope: str
    account: Account
    adds_organizations: bool = False
    refresh_token: str = ""
    refresh_until: float = 0.0
    is_revoked: bool = False
    spent: dict[str, float] = field(default_factory=dict)
    last: tuple[str, dict[str, Any]] = ("", {})


@dataclass(slots=True)
class Access:
    """An access token: whose it is and until when."""

    family: Family
    expires_at: float


@dataclass(slots=True)
class Device:
    """A login that is approved elsewhere: pending, approved, denied, expired, used."""

    client_id: str
    user_code: str
    made_at: float
    status: str = "pending"
    polls: int = 0


def needed(fields: dict[str, str], name: str) -> str:
    """The value of a field. Raises Refused without one."""
    value = fields.get(name)
    if not value:
        raise Refused("invalid_request", f"Missing required parameter: {name}")
    return value


def is_proof(verifier: str, challenge: str) -> bool:
    """Whether the verifier is the challenge's, S256 of RFC 7636 section 4.6."""
    if not 43 <= len(verifier) <= 128 or not verifier.isascii():
        return False
    made = b64url(hashlib.sha256(verifier.encode()).digest())
    return hmac.compare_digest(made, challenge)


def fresh(prefix: str, size_bytes: int = 24) -> str:
    """A new secret with this prefix; never with the letters of a bad key in it."""
    while "bad" in (value := prefix + secrets.token_urlsafe(size_bytes)):
        pass
    return value


def hashed(value: str) -> str:
    return "sha256:" + hashlib.sha256(value.encode()).hexdigest()[:16]
