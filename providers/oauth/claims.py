"""Claims of ID tokens.

A token that came straight from the vendor's token endpoint over TLS may be read as it
is (OpenID Connect Core 3.1.3.7, point 6); `verified` checks the signature too, for
vendors that ask for it. What is read here says who signed in, never what they may do.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import jwt
import msgspec

from providers.errors import ProtocolError

_MAX = 65_536  # characters
_LEEWAY_S = 600  # clocks of two machines


def claims(token: str) -> dict[str, Any]:
    """The payload of a JWT, unverified; {} for what is none."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _MAX:
        return {}
    try:
        raw = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        found = msgspec.json.decode(raw)
    except (ValueError, binascii.Error, msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def lifetime_s(token: str) -> float | None:
    """How long a JWT lives by its own clock: `exp` minus `iat`."""
    found = claims(token)
    ends, begins = found.get("exp"), found.get("iat")
    if not isinstance(ends, int | float) or not isinstance(begins, int | float):
        return None
    try:
        return float(ends - begins) if ends > begins else None
    except OverflowError:  # hundreds of digits are a number, in JSON
        return None


def verified(
    token: str, *, keys: Any, issuer: str, audience: str, nonce: str, provider: str
) -> dict[str, Any]:
    """The claims of an RS256 ID token. `keys`: the vendor's JSON web key set.

    Raises ProtocolError that names what does not fit, never the token.
    """
    try:
        key_set = jwt.PyJWKSet.from_dict(keys)
        name = jwt.get_unverified_header(token).get("kid")
        fitting = [k for k in key_set.keys if name in (None, k.key_id)]
        if not fitting:
            raise jwt.InvalidKeyError("no key of that id")
        found = jwt.decode(
            token,
            fitting[0].key,
            algorithms=["RS256"],
            issuer=issuer,
            audience=audience,
            leeway=_LEEWAY_S,
            options={"require": ["exp", "sub"]},
        )
    except (jwt.PyJWTError, AttributeError, TypeError, ValueError) as exc:
        raise ProtocolError(
            f"The ID token does not prove who signed in ({type(exc).__name__}). "
            "Start the login again.",
            provider=provider,
        ) from None
    if nonce and found.get("nonce") != nonce:
        raise ProtocolError(
            "The ID token belongs to another login. Start the login again.",
            provider=provider,
        )
    return dict(found)
