"""What the OAuth servers of the emulator are set to: accounts, lifetimes, strictness.

Set by `POST /_emulator/oauth`; what is not said stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

DAY_S = 86_400
_MAY_BE_NONE = {"plan_type", "expires_in"}


@dataclass(slots=True)
class Config:
    """Times in seconds.

    Who signs in: `email`, `account_id`, `user_id`; an account keeps what it had when it
    signed in. Read anew for each token: `plan_type` (None leaves the claim out),
    `has_platform_org`, `is_org_owner`, `completed_platform_onboarding`,
    `organization_id`. `organizations`: the claim of that name, in place of the usual one.

    `expires_in`: of access tokens, None for what each vendor has. `rotate`: a refresh
    gives a new refresh token and spends the old one (Google never rotates). `grace_s`:
    how long the spent one gives the same answer again, instead of ending its family.
    `clock_offset_s`: by how much the vendors' clock is ahead in `iat` and `exp`.

    `auto_approve`: nobody is asked; else a page with two links. `deny`: every login is
    refused with this description. `scope`: what is granted in place of what was asked.
    `omit`: fields that no token answer (and no callback) has. `error_shape`: `string`,
    `object` or `text` for the refusals of token endpoints; "" for each vendor's own.

    `any_port`: Codex's client may come back to any port of localhost. `client_ids`: more
    clients that are known. `client_secret`, `redirect_uris`: what Google has registered;
    "" and [] take any. `returning_client_id`: what a returning SIWC login is told.
    `used_percent`: of the plan; from 100 on nothing is answered for `resets_in_s`.
    """

    plan_type: str | None = "plus"
    email: str = "ada@example.com"
    account_id: str = "acc-0001"
    user_id: str = "user-0001"
    has_platform_org: bool = True
    organization_id: str = "org-emulated"
    organizations: list[dict[str, Any]] = field(default_factory=list)
    is_org_owner: bool = True
    completed_platform_onboarding: bool = True

    expires_in: float | None = None
    refresh_expires_in: float = 30 * DAY_S
    code_life_s: float = 600
    id_token_fresh_s: float = 3600
    rotate: bool = True
    grace_s: float = 0
    refresh_dead: bool = False
    clock_offset_s: float = 0

    auto_approve: bool = True
    deny: str = ""
    scope: str = ""
    omit: list[str] = field(default_factory=list)
    error_shape: str = ""
    issued_token_type: bool = False

    any_port: bool = False
    client_ids: list[str] = field(default_factory=list)
    client_secret: str = ""
    redirect_uris: list[str] = field(default_factory=list)
    returning_client_id: str = ""

    device_enabled: bool = True
    device_interval_s: float = 5
    device_life_s: float = 900
    device_approved: list[str] = field(default_factory=list)
    device_denied: list[str] = field(default_factory=list)

    codex_included: bool = True
    used_percent: float = 12.5
    resets_in_s: float = 3600

    def set(self, data: dict[str, Any]) -> None:
        """All of it or nothing. Raises ValueError, TypeError."""
        known = {found.name for found in fields(self)}
        for name, value in data.items():
            if name not in known:
                raise ValueError(f"there is no {name!r}; known: {sorted(known)}")
            if value is None and name in _MAY_BE_NONE:
                continue
            if not isinstance(value, _kinds(getattr(Config(), name))) or (
                isinstance(value, bool) != isinstance(getattr(Config(), name), bool)
            ):
                raise TypeError(f"{name} cannot be {value!r}")
        for name, value in data.items():
            setattr(self, name, value)


def _kinds(usual: Any) -> tuple[type, ...]:
    if usual is None or (isinstance(usual, int | float) and type(usual) is not bool):
        return (int, float)
    return (type(usual),)
