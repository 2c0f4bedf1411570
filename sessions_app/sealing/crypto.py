"""Authenticated encryption of saved secrets: AES-256-GCM, key id in the value.

    m1:<key id>:<base64url of nonce + ciphertext + tag>

The newest key encrypts, all decrypt. What a value belongs to (table, row, field) is
authenticated with it, so a value copied to another row or a flipped bit does not decrypt;
there is no "return it as it is". Called by the models, the migrations and the start.

Keys: `settings.MAESTRO_ENCRYPTION_KEYS` (32 bytes each, base64url, newest first), else the
file `settings.MAESTRO_KEY_FILE`. A canary row tells at the start whether they fit.
Source: NIST SP 800-38D (random 96-bit nonces; far below 2**32 messages per key).
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.apps import apps
from django.conf import settings

from sessions_app.sealing import key_files
from sessions_app.sealing.key_files import (
    CryptoError,
    Key,
    KeysMissing,
    ensure_key_file,
)

__all__ = [
    "Altered",
    "CryptoError",
    "Keyring",
    "KeysMissing",
    "UnknownKey",
    "decrypt",
    "encrypt",
    "ensure_key_file",
    "ensure_keys",
    "key_file",
    "keyring",
    "plant_canary",
    "secrets_context",
    "verify_canary",
]

VERSION = "m1"
NONCE_BYTES = 12

CANARY = "the keys fit"
CANARY_CONTEXT = "encryption_canary|1|token"


class UnknownKey(CryptoError):
    """The value was encrypted with a key that is not among ours. Names its id."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"it was encrypted with key {key_id}, which is not configured")
        self.key_id = key_id


class Altered(CryptoError):
    """The value is not what was saved here: damaged, or copied from another row."""


class Keyring:
    """All configured keys, newest first. Make it once for a batch of rows."""

    def __init__(self, keys: Sequence[Key]) -> None:
        if not keys:
            raise KeysMissing("there is no encryption key")
        self._newest = keys[0].id
        self._ciphers = {key.id: AESGCM(key.raw) for key in keys}

    @property
    def ids(self) -> list[str]:
        """The ids of all keys, newest first."""
        return list(self._ciphers)

    def encrypt(self, value: Any, context: str) -> str:
        """A JSON value as a token that decrypts in this context only."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        plain = json.dumps(value).encode()
        aad = f"{VERSION}|{self._newest}|{context}".encode()
        sealed = self._ciphers[self._newest].encrypt(nonce, plain, aad)
        body = base64.urlsafe_b64encode(nonce + sealed).decode("ascii")
        return f"{VERSION}:{self._newest}:{body}"

    def decrypt(self, token: str, context: str) -> Any:
        """The value again. Raises UnknownKey, Altered."""
        version, _, rest = token.partition(":")
        key_id, _, body = rest.partition(":")
        if version != VERSION or not body:
            raise Altered("it is not an encrypted value")
        if key_id not in self._ciphers:
            # The id comes from the row: show it only when it can be one of ours.
            raise UnknownKey(key_id if _is_key_id(key_id) else "?")
        try:
            raw = base64.b64decode(body.encode("ascii"), altchars=b"-_", validate=True)
            nonce, sealed = raw[:NONCE_BYTES], raw[NONCE_BYTES:]
            aad = f"{VERSION}|{key_id}|{context}".encode()
            return json.loads(self._ciphers[key_id].decrypt(nonce, sealed, aad))
        except (InvalidTag, ValueError, binascii.Error):
            raise Altered("it was altered, or belongs to another row") from None


def secrets_context(row_id: UUID) -> str:
    """What the secrets of a saved authentication are bound to."""
    return f"saved_authentication|{row_id}|secrets"


def encrypt(value: Any, context: str) -> str:
    """Encrypt with the configured keys. Raises KeysMissing."""
    return keyring().encrypt(value, context)


def decrypt(token: str, context: str) -> Any:
    """Decrypt with the configured keys. Raises KeysMissing, UnknownKey, Altered."""
    return keyring().decrypt(token, context)


_cached: tuple[tuple[Any, ...], Keyring] | None = None


def keyring() -> Keyring:
    """The configured keys. Read again when the settings or the file change."""
    global _cached
    given = tuple(getattr(settings, "MAESTRO_ENCRYPTION_KEYS", None) or ())
    source: tuple[Any, ...] = given or key_files.stamp(key_file())
    found = _cached  # one read: another thread may replace it meanwhile
    if found is None or found[0] != source:
        lines = given or key_files.read_lines(key_file())
        found = (source, Keyring([key_files.parse_key(line) for line in lines]))
        _cached = found
    return found[1]


def key_file() -> Path:
    """Where the keys are kept when no setting brings them."""
    configured = getattr(settings, "MAESTRO_KEY_FILE", None)
    return Path(configured or Path(settings.DATA_DIR) / "keys" / "encryption.keys")


def ensure_keys() -> None:
    """Make the key file if no key is configured. Only right before the first secret."""
    if not getattr(settings, "MAESTRO_ENCRYPTION_KEYS", None):
        ensure_key_file(key_file())


def plant_canary(using: str = "default") -> bool:
    """Write the row that later tells whether the keys fit; whether it was written.

    After `migrate`. Makes the key file too where nothing was ever encrypted.
    """
    table: Any = apps.get_model("sessions_app", "EncryptionCanary")
    if table.objects.using(using).exists():
        return False
    ensure_keys()
    token = encrypt(CANARY, CANARY_CONTEXT)
    table.objects.using(using).bulk_create(
        [table(pk=1, token=token)], ignore_conflicts=True
    )
    return True


def verify_canary(using: str = "default") -> None:
    """Return when the keys fit this database. Raises CryptoError with the reason.

    A database without a canary has no secret to lose yet.
    """
    table: Any = apps.get_model("sessions_app", "EncryptionCanary")
    canary = table.objects.using(using).first()
    if canary is not None:
        decrypt(canary.token, CANARY_CONTEXT)


def _is_key_id(text: str) -> bool:
    return len(text) == 8 and all(c in "0123456789abcdef" for c in text)
