"""Proof key for code exchange, S256 only. Source: RFC 7636."""

from __future__ import annotations

import base64
import hashlib
import secrets

_VERIFIER_BYTES = 48  # 64 characters; the RFC wants 43 to 128


def new_verifier() -> str:
    """A fresh secret for one login; it never leaves the server before the exchange."""
    return secrets.token_urlsafe(_VERIFIER_BYTES)


def challenge(verifier: str) -> str:
    """BASE64URL(SHA256(verifier)) without padding."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def new_state() -> str:
    """256 random bits that tie an answer to its login. Never the verifier."""
    return secrets.token_urlsafe(32)
