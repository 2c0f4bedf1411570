"""What the vendors' authorization servers know: codes, families of tokens, devices.

A family is everything that one login gave. A code that comes twice and a refresh token
that comes again after it was spent end their family (RFC 6749 section 4.1.2, RFC 9700
section 4.14.2). All in memory; nobody waits in between, so each request is one step.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

from providers.emulator.oauth_config import Config
from providers.emulator.oauth_records import (
    Access,
    Account,
    Code,
    Dead,
    Device,
    Family,
    Refused,
    fresh,
    hashed,
    is_proof,
    needed,
)

_KEPT = 50_000
_LIFE_S = {"openai": 3600, "openai-siwc": 3600, "anthropic": 28800, "google": 3599}


@dataclass(slots=True)
class AuthServers:
    """The memory of all of them; `config` says how they behave."""

    config: Config = field(default_factory=Config)
    codes: dict[str, Code] = field(default_factory=dict)
    families: dict[str, Family] = field(default_factory=dict)
    refresh: dict[str, Family] = field(default_factory=dict)
    access: dict[str, Access] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # minted key → organization
    devices: dict[str, Device] = field(default_factory=dict)
    hosts: dict[str, tuple[str, Account]] = field(default_factory=dict)
    consents: set[tuple[str, str]] = field(default_factory=set)
    token_requests: list[dict[str, Any]] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))

    def reset(self) -> None:
        """Forget everything that was issued, and what was set."""
        self.config = Config()
        for kept in (
            self.codes, self.families, self.refresh, self.access, self.keys,
            self.devices, self.hosts, self.consents, self.token_requests,
        ):  # fmt: skip
            kept.clear()

    def account(self) -> Account:
        """Who signs in now."""
        config = self.config
        return Account(config.email, config.account_id, config.user_id)

    def give_code(self, code: Code, prefix: str = "ac_") -> str:
        """A code for these terms."""
        value = fresh(prefix)
        self.codes[value] = code
        _trim(self.codes)
        return value

    def redeem(self, vendor: str, fields: dict[str, str]) -> Code:
        """The terms of a code that may be exchanged, see `begin`. Raises Refused.

        `fields`: client_id, code, code_verifier, redirect_uri, as they came.
        """
        code = self.codes.get(needed(fields, "code"))
        client_id = needed(fields, "client_id")
        verifier = needed(fields, "code_verifier")
        redirect_uri = needed(fields, "redirect_uri")
        if code is None or code.vendor != vendor or code.client_id != client_id:
            raise Refused("invalid_grant", "The authorization code is not known.")
        if code.used_for is not None:
            code.used_for.is_revoked = True
            raise Refused("invalid_grant", "The authorization code was used before.")
        if time.time() > code.made_at + self.config.code_life_s:
            raise Refused("invalid_grant", "The authorization code has expired.")
        if redirect_uri != code.redirect_uri:
            raise Refused("invalid_grant", "The redirect_uri is another one.")
        if not is_proof(verifier, code.challenge):
            raise Refused("invalid_grant", "The code_verifier does not fit.")
        return code

    def begin(self, code: Code) -> Family:
        """Exchange a code: it is used from now on."""
        name = f"{code.vendor}-{next(self._numbers)}"
        family = Family(
            name, code.vendor, code.client_id, code.scope, code.account,
            code.adds_organizations,
        )  # fmt: skip
        code.used_for = self.families[name] = family
        _trim(self.families)
        return family

    def give_access(self, family: Family, token: str) -> int:
        """Let it be used; the seconds it lives."""
        life_s = self.life_s(family.vendor)
        self.access[token] = Access(family, time.time() + life_s)
        _trim(self.access)
        return int(life_s)

    def fresh_access(self, family: Family, prefix: str) -> str:
        """A new opaque access token."""
        token = fresh(prefix, 32)
        self.give_access(family, token)
        return token

    def life_s(self, vendor: str) -> float:
        """Of this vendor's access tokens, in seconds."""
        given = self.config.expires_in
        return _LIFE_S[vendor] if given is None else given

    def give_refresh(self, family: Family, prefix: str) -> str:
        """The family's next refresh token; it takes the place of the one before."""
        token = fresh(prefix)
        family.refresh_token = token
        family.refresh_until = time.time() + self.config.refresh_expires_in
        self.refresh[token] = family
        return token

    def spend(
        self, vendor: str, client_id: str, token: str
    ) -> tuple[Family, dict[str, Any] | None]:
        """The family of a refresh token; and the answer it already got, within grace.

        Raises Refused; Dead ends the family where the token was used before.
        """
        family = self.refresh.get(token)
        if family is None or family.vendor != vendor or family.client_id != client_id:
            raise Dead("unknown")
        if family.is_revoked or self.config.refresh_dead:
            raise Dead("revoked")
        now = time.time()
        if token != family.refresh_token:
            used, answer = family.last
            if used == token and now < family.spent[token] + self.config.grace_s:
                return family, answer
            family.is_revoked = True
            raise Dead("reused")
        if now > family.refresh_until:
            raise Dead("expired")
        return family, None

    def spent(self, family: Family, token: str, answer: dict[str, Any]) -> None:
        """This refresh token gave this answer, and another took its place."""
        family.spent[token] = time.time()
        family.last = (token, answer)

    def use(self, token: str) -> tuple[Family | None, str]:
        """The family of an access token, and why it is refused: "", or a cause."""
        found = self.access.get(token)
        if found is None:
            return None, "unknown"
        if found.family.is_revoked:
            return found.family, "revoked"
        return found.family, "expired" if time.time() >= found.expires_at else ""

    def revoke(self, token: str, client_id: str = "") -> bool:
        """End the family of an access or refresh token; whether there was one alive."""
        access = self.access.get(token)
        family = access.family if access else self.refresh.get(token)
        if family is None or client_id not in ("", family.client_id):
            return False
        was_alive = not family.is_revoked
        family.is_revoked = True
        return was_alive

    def expire_all(self) -> None:
        """No access token that was given is good any more; refresh tokens are."""
        for access in self.access.values():
            access.expires_at = 0.0

    def revoke_all(self) -> None:
        """Every family ends."""
        for family in self.families.values():
            family.is_revoked = True

    def now(self) -> int:
        """The vendors' clock, unix seconds."""
        return int(time.time() + self.config.clock_offset_s)

    @staticmethod
    def moment() -> float:
        """The true time, unix seconds: lifetimes are counted by it."""
        return time.time()

    def log(self, entry: dict[str, Any]) -> None:
        """Keep what came of a token request."""
        self.token_requests.append({**entry, "at": time.time()})
        del self.token_requests[:-_KEPT]

    def seen(self) -> dict[str, Any]:
        """Everything for the control API; secrets as hashes."""
        return {
            "token_requests": self.token_requests,
            "families": {
                name: "revoked" if family.is_revoked else "live"
                for name, family in self.families.items()
            },
            "codes": [
                {
                    "code": hashed(value), "vendor": code.vendor,
                    "client_id": code.client_id,
                    "status": "live" if code.used_for is None else "used",
                    "family": code.used_for.name if code.used_for else None,
                }
                for value, code in self.codes.items()
            ],
            "devices": [
                {"user_code": device.user_code, "status": device.status,
                 "polls": device.polls}
                for device in self.devices.values()
            ],
            "access_tokens": [hashed(token) for token in self.access],
            "refresh_tokens": [hashed(token) for token in self.refresh],
        }  # fmt: skip


def _trim(kept: dict[str, Any]) -> None:
    for _ in range(len(kept) - _KEPT):
        del kept[next(iter(kept))]
