"""Encryption keys as text and as files: made, read, recognised. `crypto` uses them.

A key is 32 random bytes in base64url. A key file holds one a line, newest first, mode
0600, outside the database; lines that begin with `#` are comments.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEY_BYTES = 32


class CryptoError(Exception):
    """A value cannot be encrypted or decrypted; the message holds no secret."""


class KeysMissing(CryptoError):
    """There is no encryption key, or it is malformed: nothing can be saved or read."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key. Its id is a fingerprint, safe to show."""

    raw: bytes = field(repr=False)

    @property
    def id(self) -> str:
        """First 8 hex digits of a hash of the key."""
        return hashlib.sha256(b"maestro key id\0" + self.raw).hexdigest()[:8]


def new_key() -> str:
    """A fresh random key in base64url."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode("ascii")


def parse_key(text: str) -> Key:
    """A key from its base64url form. Raises KeysMissing; never repeats the text."""
    plain = text.strip().rstrip("=")
    try:
        padded = (plain + "=" * (-len(plain) % 4)).encode("ascii")
        raw = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != KEY_BYTES:
        raise KeysMissing("an encryption key is not 32 bytes in base64url")
    return Key(raw)


def ensure_key_file(path: Path) -> bool:
    """Create the key file, mode 0600, unless it is there; whether it was created.

    Atomic: of several processes that start at once, one file wins and all use it.
    """
    if path.exists():
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(new_key() + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # fails when somebody was first: theirs counts
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def read_lines(path: Path) -> list[str]:
    """The keys of a file as text. Raises KeysMissing, with the path."""
    try:
        text = path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as exc:
        raise KeysMissing(
            f"the encryption keys cannot be read from {path} ({type(exc).__name__})"
        ) from None
    lines = [line.strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def stamp(path: Path) -> tuple[Any, ...]:
    """Something that changes when the file does."""
    try:
        found = path.stat()
    except OSError:
        return (str(path), None)
    return (str(path), found.st_ino, found.st_size, found.st_mtime_ns)
