"""JSON Web Tokens signed with RS256 (RFC 7515, 7519), and the key set that proves them.

One key for the life of the process, made when it is first needed.
"""

from __future__ import annotations

import base64
import functools
import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

KEY_ID = "emulator-1"


def b64url(data: bytes) -> str:
    """base64url without padding, RFC 7515 section 2."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims: dict[str, Any]) -> str:
    """A signed token of these claims, with a `jti` of its own.

    Never one with the letters “bad” in it: among plain keys they mark a bad one.
    """
    header = b64url(json.dumps({"alg": "RS256", "typ": "JWT", "kid": KEY_ID}).encode())
    while True:
        payload = json.dumps({**claims, "jti": secrets.token_hex(8)})
        text = f"{header}.{b64url(payload.encode())}"
        made = _key().sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        token = f"{text}.{b64url(made)}"
        if "bad" not in token:
            return token


def claims_of(token: str) -> dict[str, Any] | None:
    """The claims of a token that was signed here; None for every other."""
    text, _, signature = token.rpartition(".")
    try:
        raw, payload = _decoded(signature), _decoded(text.partition(".")[2])
        _key().public_key().verify(
            raw, text.encode(), padding.PKCS1v15(), hashes.SHA256()
        )
        found = json.loads(payload)
    except (InvalidSignature, ValueError):
        return None
    return found if isinstance(found, dict) else None


def key_set() -> dict[str, Any]:
    """The public key as a JSON Web Key Set, RFC 7517."""
    numbers = _key().public_key().public_numbers()
    key = {
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": KEY_ID,
        "n": _number(numbers.n), "e": _number(numbers.e),
    }  # fmt: skip
    return {"keys": [key]}


@functools.cache
def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _number(value: int) -> str:
    return b64url(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
