"""The facts of one authorization server with one client of ours, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from providers.types import Secret

BodyKind = Literal["form", "json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationServer:
    """Where to log in and how it wants to be asked. Addresses are https.

    `label`: the vendor's name in messages. `code_body`, `refresh_body`, `revoke_body`:
    the encoding of each request.
    `dead_statuses`: refusals of a refresh that mean "sign in again" whatever they say.
    `issuer`: sent back as `iss` with the code (RFC 9207); empty when the server does not.
    """

    provider: str
    label: str
    client_id: str
    authorize_url: str
    token_url: str
    revoke_url: str = ""
    client_secret: Secret | None = None
    code_body: BodyKind = "form"
    refresh_body: BodyKind = "form"
    revoke_body: BodyKind = "form"
    headers: Mapping[str, str] = field(default_factory=dict)
    dead_statuses: tuple[int, ...] = ()
    issuer: str = ""
